#include "target.h"

#include "identity.h"
#include "proc.h"
#include "text.h"

#include <ringside/segment.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TARGET_EXE 1024

_Static_assert((int)TARGET_NAMED_RINGSIDE == RS_SERVICE_RINGSIDE &&
		       (int)TARGET_NAMED_OTEL_NAME == RS_SERVICE_OTEL_NAME &&
		       (int)TARGET_NAMED_OTEL_ATTRIBUTES == RS_SERVICE_OTEL_ATTRIBUTES,
	       "claims keep their number");
_Static_assert(sizeof(((struct capture_target *)0)->service) == IDENTITY_BYTES &&
		       sizeof(((struct capture_target *)0)->exe) == IDENTITY_PATH_BYTES &&
		       sizeof(((struct capture_target *)0)->cgroup) == IDENTITY_PATH_BYTES,
	       "names are cut as the shim cuts them");

static void target_canonical(char *out, size_t size, const char *in)
{
	text_canonical(in, strlen(in), out, size);
}

void target_exe_read(int32_t pid, char *out, size_t size)
{
	char path[PROC_PATH_BYTES], link[TARGET_EXE];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, link, sizeof(link));
	identity_exe(link, n > 0 ? (size_t)n : 0, out, size);
}

/* What identity_name asks for. */
struct target_ancestry {
	const struct capture_target *target;
	const struct rs_header *claims;
	int32_t pid; /* of whom it has gone up to */
	char exe[IDENTITY_PATH_BYTES];
	char arguments[IDENTITY_TEXT];
};

static const char *target_above(void *ctx)
{
	struct target_ancestry *a = ctx;
	struct proc_stat stat;

	if (a->pid == a->target->pid)
		a->pid = a->target->parent;
	else
		a->pid = proc_stat_read(a->pid, &stat) ? 0 : stat.parent;
	target_exe_read(a->pid, a->exe, sizeof(a->exe));
	return a->exe;
}

/* Its own as its shim kept them, else as they are now: it may have written a title over them. */
static const char *target_arguments(void *ctx, size_t *bytes)
{
	struct target_ancestry *a = ctx;
	long n;

	if (a->pid == a->target->pid && a->claims->arguments[0]) {
		*bytes = sizeof(a->claims->arguments);
		return a->claims->arguments;
	}
	n = proc_memory_file_read(a->pid, "cmdline", a->arguments, sizeof(a->arguments));
	*bytes = n > 0 ? (size_t)n : 0;
	return a->arguments;
}

void target_service_choose(struct capture_target *out, const struct rs_header *claims)
{
	struct target_ancestry ancestry = { .target = out, .claims = claims, .pid = out->pid };
	const struct identity of = { .claim = claims->service,
				     .cgroup = out->cgroup,
				     .exe = out->exe,
				     .comm = out->comm,
				     .arguments = target_arguments,
				     .above = target_above,
				     .ctx = &ancestry };
	static const uint8_t named[] = { [IDENTITY_CLAIM] = TARGET_NAMED_PROGRAM,
					 [IDENTITY_UNIT] = TARGET_NAMED_UNIT,
					 [IDENTITY_SCRIPT] = TARGET_NAMED_SCRIPT,
					 [IDENTITY_PROGRAM] = TARGET_NAMED_PROGRAM };
	enum identity_by by = identity_name(&of, out->service);

	out->named = named[by];
	if (by == IDENTITY_CLAIM && claims->service_from <= RS_SERVICE_OTEL_ATTRIBUTES)
		out->named = claims->service_from;
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
	char text[IDENTITY_TEXT];
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
		identity_cgroup(text, out->cgroup, sizeof(out->cgroup));
	target_canonical(out->environment, sizeof(out->environment), claims->environment);
	out->allocator =
		claims->allocator <= RS_ALLOCATOR_HIDDEN ? claims->allocator : RS_ALLOCATOR_UNKNOWN;
	out->clock = claims->clock <= RS_CLOCK_MONOTONIC ? (uint8_t)claims->clock : RS_CLOCK_NONE;
	target_service_choose(out, claims);
	return 0;
}
