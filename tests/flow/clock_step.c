/*
 * clock_step - preloaded: a wall clock that is off by as many seconds as a file says.
 *
 * The file is named by CLOCK_STEP and holds an int64_t; who writes it steps the clock of all that
 * were started with it, and nobody else's. CLOCK_MONOTONIC goes on as it is.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define STEP_EXPORT __attribute__((visibility("default")))

static const volatile int64_t *step_s; /* NULL: not yet, other libraries begin before us */

__attribute__((constructor)) static void step_map(void)
{
	const char *path = getenv("CLOCK_STEP");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*step_s), PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		_exit(111); /* a test with the right time would prove nothing */
	close(fd);
	step_s = at;
}

static time_t step_now(void)
{
	return step_s ? (time_t)*step_s : 0;
}

STEP_EXPORT int clock_gettime(clockid_t clock, struct timespec *out)
{
	int ret = (int)syscall(SYS_clock_gettime, clock, out);

	if (ret == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		out->tv_sec += step_now();
	return ret;
}

STEP_EXPORT int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	int ret = (int)syscall(SYS_gettimeofday, out, zone);

	if (ret == 0)
		out->tv_sec += step_now();
	return ret;
}

STEP_EXPORT time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
