#include "target.h"

#include "proc.h"
#include "text.h"

#include <ringside/segment.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void target_canonical(char *out, size_t size, const char *in)
{
	text_canonical(in, strlen(in), out, size);
}

/* The path behind "N:controllers:" when controllers has this name; the unified line's is "". */
static const char *target_cgroup_line(const char *text, const char *controller)
{
	size_t length = strlen(controller);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		const char *list, *end, *at;

		line += *line == '\n';
		list = strchr(line, ':');
		end = list ? strchr(list + 1, ':') : NULL;
		if (!end)
			return NULL;
		at = length ? strstr(list + 1, controller) : list + 1;
		if (at && at + length <= end && (at[length] == ':' || at[length] == ',') &&
		    (at[-1] == ':' || at[-1] == ','))
			return end + 1;
	}
	return NULL;
}

void target_cgroup_parse(const char *text, char *out, int size)
{
	const char *path = target_cgroup_line(text, "memory");
	char plain[1024];

	if (!path)
		path = target_cgroup_line(text, "");
	snprintf(plain, sizeof(plain), "%.*s", path ? (int)strcspn(path, "\n") : 0,
		 path ? path : "");
	target_canonical(out, (size_t)size, plain);
}

/* Canonical text into less room; never cut inside a %XX. */
static void target_cut(char *out, size_t size, const char *text, size_t length)
{
	if (length >= size) {
		length = size - 1;
		if (text[length - 1] == '%')
			length--;
		else if (text[length - 2] == '%')
			length -= 2;
	}
	memcpy(out, text, length);
	out[length] = '\0';
}

/* The innermost unit of a cgroup's path that is a service, without its ending. */
static bool target_unit(const char *cgroup, char *out, size_t size)
{
	static const char ending[] = ".service";
	const char *found = NULL, *begin;
	size_t length;

	for (const char *at = strstr(cgroup, ending); at; at = strstr(at + 1, ending))
		if (at[sizeof(ending) - 1] == '/' || at[sizeof(ending) - 1] == '\0')
			found = at;
	if (!found)
		return false;
	begin = found;
	while (begin > cgroup && begin[-1] != '/')
		begin--;
	length = (size_t)(found - begin);
	if (!length || strncmp(begin, "user@", 5) == 0) /* a login session is no service */
		return false;
	target_cut(out, size, begin, length);
	return true;
}

void target_service_choose(struct capture_target *out, const struct rs_header *claims)
{
	const char *base = strrchr(out->exe, '/');

	out->service_from = RS_SERVICE_NONE;
	if (claims->service[0]) {
		out->service_from = claims->service_from <= RS_SERVICE_OTEL_ATTRIBUTES
					    ? claims->service_from
					    : RS_SERVICE_NONE;
		target_canonical(out->service, sizeof(out->service), claims->service);
		return;
	}
	if (target_unit(out->cgroup, out->service, sizeof(out->service)))
		return;
	base = base && base[1] ? base + 1 : out->comm;
	target_cut(out->service, sizeof(out->service), base, strlen(base));
}

static void target_read_exe(int32_t pid, struct capture_target *out)
{
	static const char deleted[] = " (deleted)";
	char path[PROC_PATH_BYTES], plain[1024];
	size_t length;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, plain, sizeof(plain) - 1);
	if (n <= 0)
		return;
	plain[n] = '\0';
	length = (size_t)n;
	/* an upgraded program goes by the name that it had */
	if (length >= sizeof(deleted) && strcmp(plain + length + 1 - sizeof(deleted), deleted) == 0)
		plain[length + 1 - sizeof(deleted)] = '\0';
	target_canonical(out->exe, sizeof(out->exe), plain);
}

/* start_ticks count from boot. */
static int64_t target_started_ms(uint64_t start_ticks)
{
	struct timespec wall, boot;
	int64_t since_ms = (int64_t)(start_ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (wall.tv_sec - boot.tv_sec) * 1000 + (wall.tv_nsec - boot.tv_nsec) / 1000000 +
	       since_ms;
}

int target_read(int32_t pid, const struct rs_header *claims, struct capture_target *out)
{
	struct proc_stat stat_now;
	char text[4096];
	int result;

	memset(out, 0, sizeof(*out));
	result = proc_stat_read(pid, &stat_now);
	if (result)
		return result;
	out->pid = pid;
	out->uid = proc_uid(pid);
	out->start_ticks = stat_now.start_ticks;
	out->started_ms = target_started_ms(stat_now.start_ticks);
	target_canonical(out->comm, sizeof(out->comm), stat_now.comm);
	target_read_exe(pid, out);
	if (proc_file_read(pid, "cgroup", text, sizeof(text)) > 0)
		target_cgroup_parse(text, out->cgroup, sizeof(out->cgroup));
	target_canonical(out->environment, sizeof(out->environment), claims->environment);
	out->allocator =
		claims->allocator <= RS_ALLOCATOR_HIDDEN ? claims->allocator : RS_ALLOCATOR_UNKNOWN;
	out->clock = claims->clock <= RS_CLOCK_MONOTONIC ? (uint8_t)claims->clock : RS_CLOCK_NONE;
	target_service_choose(out, claims);
	return 0;
}
