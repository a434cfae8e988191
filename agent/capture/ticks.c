#include "ticks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TICKS_SECOND_NS 1000000000u

/* -ENODEV: this CPU is offline. */
static int ticks_start_one(int program, int cpu, unsigned int hz)
{
	struct perf_event_attr attr = { .size = sizeof(attr),
					.type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_CPU_CLOCK,
					.sample_period = TICKS_SECOND_NS / hz,
					.disabled = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	int result;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) == 0 &&
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0)
		return fd;
	result = -errno;
	close(fd);
	return result;
}

static void ticks_online(const char *file, char *out, size_t size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

bool ticks_are_old(const struct ticks *t, const char *file)
{
	char now[sizeof(t->online)];

	ticks_online(file, now, sizeof(now));
	return t->clocks && strcmp(now, t->online) != 0;
}

int ticks_start(struct ticks *t, int program, unsigned int hz)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	ticks_online(TICKS_CPUS, t->online,
		     sizeof(t->online)); /* what comes later makes them old */
	t->clocks = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*t->clocks));
	if (!t->clocks)
		return -ENOMEM;
	for (t->cpus = 0; t->cpus < cpus; t->cpus++) {
		int fd = ticks_start_one(program, t->cpus, hz);

		t->clocks[t->cpus] = fd < 0 ? -1 : fd;
		if (fd >= 0 || fd == -ENODEV)
			continue;
		ticks_stop(t);
		return fd;
	}
	return 0;
}

void ticks_stop(struct ticks *t)
{
	for (int i = 0; t->clocks && i < t->cpus; i++)
		if (t->clocks[i] >= 0)
			close(t->clocks[i]);
	free(t->clocks);
	t->clocks = NULL;
	t->cpus = 0;
}
