/*
 * limit - would a segment hurt this process?
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   what cannot be read counts as a no.
 * Cost:     two system calls; five under a limit of the address space.
 */
#include "limit.h"

#include "hot.h"
#include "sys.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/resource.h>

#define LIMIT_HEADROOM (UINT64_C(64) << 20)
#define LIMIT_PAGE 4096u

static uint64_t limit_soft(int resource)
{
	struct rlimit64 limit;

	return sys_call(SYS_prlimit64, 0, resource, NULL, &limit) ? 0 : limit.rlim_cur;
}

/* Bytes of address space in use; UINT64_MAX when /proc cannot say. */
static uint64_t limit_mapped(void)
{
	char text[64];
	uint64_t pages = 0;
	long fd = sys_call(SYS_openat, AT_FDCWD, "/proc/self/statm", O_RDONLY | O_CLOEXEC, 0);
	long n;

	if (sys_failed(fd))
		return UINT64_MAX;
	n = sys_call(SYS_read, fd, text, sizeof(text));
	sys_call(SYS_close, fd);
	if (n <= 0)
		return UINT64_MAX;
	for (long i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		pages = pages * 10 + (uint64_t)(text[i] - '0');
	return pages * LIMIT_PAGE;
}

START bool limit_allow(uint64_t bytes)
{
	uint64_t space;
	uint64_t mapped;

	if (limit_soft(RLIMIT_FSIZE) < bytes)
		return false;
	space = limit_soft(RLIMIT_AS);
	if (space == RLIM64_INFINITY)
		return true;
	mapped = limit_mapped();
	return mapped < space && space - mapped >= LIMIT_HEADROOM;
}
