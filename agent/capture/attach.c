#include "attach.h"

#include "list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct attach {
	const struct admit *admit; /* NULL: no rules */
	struct list list;
	char path[256];
};

static void attach_read(struct attach *a, struct list *out)
{
	if (list_read(out, a->path) || out->odd)
		out->bytes = 0;
	memset(out->text + out->bytes, 0, sizeof(out->text) - out->bytes);
	out->odd = false;
}

int attach_open(struct attach **out, const char *run_dir, const struct admit *admit)
{
	struct attach *a = calloc(1, sizeof(*a));

	*out = NULL;
	if (!a)
		return -ENOMEM;
	a->admit = admit;
	if (snprintf(a->path, sizeof(a->path), "%s/" ATTACH_FILE, run_dir) >=
	    (int)sizeof(a->path)) {
		free(a);
		return -ENAMETOOLONG;
	}
	attach_read(a, &a->list);
	*out = a;
	return 0;
}

void attach_close(struct attach *a)
{
	free(a);
}

bool attach_changed(struct attach *a)
{
	struct list now;

	attach_read(a, &now);
	if (now.bytes == a->list.bytes && memcmp(now.text, a->list.text, now.bytes) == 0)
		return false;
	a->list = now;
	return true;
}

bool attach_any(const struct attach *a)
{
	return !rs_list_empty(a->list.text, a->list.bytes) || (a->admit && admit_by_rule(a->admit));
}

bool attach_wants(const struct attach *a, struct capture_target *target)
{
	char line[ATTACH_LINE];

	attach_line(target->pid, target->start_ticks, line);
	return rs_list_names(a->list.text, a->list.bytes, target->service, target->exe) ||
	       rs_list_names(a->list.text, a->list.bytes, line, "") ||
	       (a->admit && admit_attaches(a->admit, target));
}

void attach_line(int32_t pid, uint64_t start_ticks, char out[ATTACH_LINE])
{
	snprintf(out, ATTACH_LINE, "%" PRId32 ":%" PRIu64, pid, start_ticks);
}
