#include "attach.h"

#include "list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define ATTACH_EVENTS (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)

struct attach {
	const struct admit *admit; /* NULL: no rules */
	struct list list;
	bool by_port; /* it has such a line */
	int watch;    /* on its folder; -1: refused */
	char path[256];
};

static void attach_read(struct attach *a, struct list *out)
{
	if (list_read(out, a->path) || out->odd)
		out->bytes = 0;
	memset(out->text + out->bytes, 0, sizeof(out->text) - out->bytes);
	out->odd = false;
}

static bool attach_has_ports(const struct list *list)
{
	size_t at = 0, length;
	const char *line;

	while ((line = rs_list_next(list->text, list->bytes, &at, &length)))
		if (attach_port(line, length))
			return true;
	return false;
}

static void attach_take(struct attach *a, const struct list *list)
{
	a->list = *list;
	a->by_port = attach_has_ports(list);
}

/* Each file of the folder tells; there are few, and they change rarely. */
static int attach_watch(const char *folder)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 || inotify_add_watch(fd, folder, ATTACH_EVENTS | IN_ONLYDIR) >= 0)
		return fd;
	close(fd);
	return -1;
}

int attach_open(struct attach **out, const char *run_dir, const struct admit *admit)
{
	struct attach *a = calloc(1, sizeof(*a));
	struct list list;

	*out = NULL;
	if (!a)
		return -ENOMEM;
	a->admit = admit;
	if (snprintf(a->path, sizeof(a->path), "%s/" ATTACH_FILE, run_dir) >=
	    (int)sizeof(a->path)) {
		free(a);
		return -ENAMETOOLONG;
	}
	a->watch = attach_watch(run_dir); /* ahead of the first look: nothing is missed */
	attach_read(a, &list);
	attach_take(a, &list);
	*out = a;
	return 0;
}

void attach_close(struct attach *a)
{
	if (!a)
		return;
	if (a->watch >= 0)
		close(a->watch);
	free(a);
}

int attach_fd(const struct attach *a)
{
	return a->watch;
}

/* What it was does not matter: the file says how things stand. */
static void attach_hear(const struct attach *a)
{
	char events[4096];

	while (a->watch >= 0 && read(a->watch, events, sizeof(events)) > 0)
		;
}

bool attach_changed(struct attach *a)
{
	struct list now;

	attach_hear(a);
	attach_read(a, &now);
	if (now.bytes == a->list.bytes && memcmp(now.text, a->list.text, now.bytes) == 0)
		return false;
	attach_take(a, &now);
	return true;
}

bool attach_any(const struct attach *a)
{
	return !rs_list_empty(a->list.text, a->list.bytes) || (a->admit && admit_by_rule(a->admit));
}

bool attach_by_port(const struct attach *a)
{
	return a->by_port || (a->admit && admit_by_rule(a->admit) && admit_by_port(a->admit));
}

/* Whoever listens on a port that a line names. */
static bool attach_listens(const struct attach *a, const struct capture_target *target)
{
	uint16_t ports[ADMIT_PORTS];
	size_t count = a->by_port ? admit_ports(target, ports) : 0, at = 0, length;
	const char *line;

	while (count && (line = rs_list_next(a->list.text, a->list.bytes, &at, &length))) {
		uint16_t port = attach_port(line, length);

		for (size_t i = 0; port && i < count; i++)
			if (ports[i] == port)
				return true;
	}
	return false;
}

bool attach_wants(const struct attach *a, struct capture_target *target)
{
	char line[ATTACH_LINE];

	attach_line(target->pid, target->start_ticks, line);
	return rs_list_names(a->list.text, a->list.bytes, target->service, target->exe) ||
	       rs_list_names(a->list.text, a->list.bytes, line, "") || attach_listens(a, target) ||
	       (a->admit && admit_attaches(a->admit, target));
}

void attach_line(int32_t pid, uint64_t start_ticks, char out[ATTACH_LINE])
{
	snprintf(out, ATTACH_LINE, "%" PRId32 ":%" PRIu64, pid, start_ticks);
}

uint16_t attach_port(const char *line, size_t length)
{
	uint32_t port = 0;

	if (length < 2 || length > sizeof(":65535") - 1 || line[0] != ':')
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
		port = port * 10 + (uint32_t)(line[i] - '0');
	}
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}
