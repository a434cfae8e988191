#include "target.h"

#include "proc.h"
#include "script.h"
#include "text.h"

#include <ringside/segment.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TARGET_EXE 1024
#define TARGET_ARGUMENTS 4096
#define TARGET_ANCESTORS 4 /* a spawned worker's, by way of a fork server */

_Static_assert((int)TARGET_NAMED_RINGSIDE == RS_SERVICE_RINGSIDE &&
		       (int)TARGET_NAMED_OTEL_NAME == RS_SERVICE_OTEL_NAME &&
		       (int)TARGET_NAMED_OTEL_ATTRIBUTES == RS_SERVICE_OTEL_ATTRIBUTES,
	       "claims keep their number");

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

/* Is what lies below a unit's folder its own, and no container or session? */
static bool target_unit_whole(const char *below)
{
	return !strstr(below, ".scope") && !strstr(below, ".slice") && !strchr(below, ':');
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
	if (!found || !target_unit_whole(found))
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

void target_exe_read(int32_t pid, char *out, size_t size)
{
	static const char deleted[] = " (deleted)";
	char path[PROC_PATH_BYTES], plain[TARGET_EXE];
	size_t length;
	ssize_t n;

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, plain, sizeof(plain) - 1);
	if (n <= 0)
		return;
	plain[n] = '\0';
	length = (size_t)n;
	/* an upgraded program goes by the name that it had */
	if (length >= sizeof(deleted) && strcmp(plain + length + 1 - sizeof(deleted), deleted) == 0)
		plain[length + 1 - sizeof(deleted)] = '\0';
	target_canonical(out, size, plain);
}

/* By the arguments that a process has now: it may have written a title over them. */
static enum script_found target_script_now(int32_t pid, struct capture_target *out)
{
	char arguments[TARGET_ARGUMENTS];
	long n = proc_memory_file_read(pid, "cmdline", arguments, sizeof(arguments));

	return script_name(out->exe, arguments, n < 0 ? 0 : (size_t)n, out->service,
			   sizeof(out->service));
}

/* By those that it began with, which its shim kept. */
static enum script_found target_script_claimed(struct capture_target *out,
					       const struct rs_header *claims)
{
	size_t length = sizeof(claims->arguments) - 1;

	while (length && !claims->arguments[length - 1])
		length--;
	if (!length)
		return target_script_now(out->pid, out);
	return script_name(out->exe, claims->arguments, length + 1, out->service,
			   sizeof(out->service));
}

static bool target_script(struct capture_target *out, const struct rs_header *claims)
{
	enum script_found found = target_script_claimed(out, claims);
	int32_t pid = out->parent;
	struct proc_stat stat;

	for (int i = 0; i < TARGET_ANCESTORS && found == SCRIPT_INLINE && pid > 1; i++) {
		char exe[sizeof(out->exe)];

		target_exe_read(pid, exe, sizeof(exe));
		if (strcmp(exe, out->exe) != 0)
			break;
		found = target_script_now(pid, out);
		pid = proc_stat_read(pid, &stat) ? 0 : stat.parent;
	}
	return found == SCRIPT_NAMED;
}

void target_service_choose(struct capture_target *out, const struct rs_header *claims)
{
	const char *base = strrchr(out->exe, '/');

	out->named = TARGET_NAMED_PROGRAM;
	if (claims->service[0]) {
		if (claims->service_from <= RS_SERVICE_OTEL_ATTRIBUTES)
			out->named = claims->service_from;
		target_canonical(out->service, sizeof(out->service), claims->service);
		return;
	}
	if (target_unit(out->cgroup, out->service, sizeof(out->service))) {
		out->named = TARGET_NAMED_UNIT;
		return;
	}
	if (target_script(out, claims)) {
		out->named = TARGET_NAMED_SCRIPT;
		return;
	}
	base = base && base[1] ? base + 1 : out->comm;
	target_cut(out->service, sizeof(out->service), base, strlen(base));
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
	out->parent = stat_now.parent;
	out->uid = proc_uid(pid);
	out->start_ticks = stat_now.start_ticks;
	out->started_ms = target_started_ms(stat_now.start_ticks);
	target_canonical(out->comm, sizeof(out->comm), stat_now.comm);
	target_exe_read(pid, out->exe, sizeof(out->exe));
	if (proc_file_read(pid, "cgroup", text, sizeof(text)) > 0)
		target_cgroup_parse(text, out->cgroup, sizeof(out->cgroup));
	target_canonical(out->environment, sizeof(out->environment), claims->environment);
	out->allocator =
		claims->allocator <= RS_ALLOCATOR_HIDDEN ? claims->allocator : RS_ALLOCATOR_UNKNOWN;
	out->clock = claims->clock <= RS_CLOCK_MONOTONIC ? (uint8_t)claims->clock : RS_CLOCK_NONE;
	target_service_choose(out, claims);
	return 0;
}
