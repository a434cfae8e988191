/*
 * clock - the choice between rdtsc and the vDSO clock.
 *
 * Threads:  clock_choose runs in the constructor; clock_monotonic_ns anywhere.
 * Memory:   none.
 * Errors:   where user space may read no clock it is RS_CLOCK_NONE.
 * Cost:     four system calls at start, none later.
 */
#include "clock.h"

#include "hot.h"
#include "mem.h"
#include "real.h"
#include "sys.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <time.h>

#define CLOCK_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

uint64_t clock_monotonic_ns(void)
{
	struct timespec now;

	/* Not by name: a program of clang -fsanitize=thread has one that is not ready. */
	if (real.clock_gettime(CLOCK_MONOTONIC, &now))
		return 0;
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#if defined(__x86_64__)
/*
 * Does the kernel go by it? Then it neither varies nor halts: the kernel compares it with other
 * clocks and drops a bad one. The processor's own word, CPUID, costs a virtual machine 3 us.
 */
static bool clock_tsc_usable(void)
{
	char source[4] = "";
	long fd;

	fd = sys_call(SYS_openat, AT_FDCWD, CLOCK_SOURCE, O_RDONLY | O_CLOEXEC, 0);
	if (sys_failed(fd))
		return false;
	if (sys_call(SYS_read, fd, source, sizeof(source)) != sizeof(source))
		source[0] = 0;
	sys_call(SYS_close, fd);
	return !memcmp(source, "tsc\n", 4);
}
#else
static bool clock_tsc_usable(void)
{
	return false;
}
#endif

/* PR_TSC_SIGSEGV crosses exec: reading any clock in user space would kill this process. */
static bool clock_forbidden(void)
{
#if defined(__x86_64__)
	int mode = PR_TSC_ENABLE;

	return !sys_call(SYS_prctl, PR_GET_TSC, &mode) && mode == PR_TSC_SIGSEGV;
#else
	return false;
#endif
}

START enum rs_clock clock_choose(void)
{
	if (clock_forbidden())
		return RS_CLOCK_NONE;
	if (clock_tsc_usable())
		return RS_CLOCK_TSC;
	return RS_CLOCK_MONOTONIC;
}
