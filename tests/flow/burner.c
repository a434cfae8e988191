/*
 * burner - burns CPU in threads that end, and tells at its exit what the kernel says that it used.
 *
 * Threads:  as many at a time as it is told, one after the other.
 * Memory:   none.
 * Errors:   exit code 1; 2 for wrong usage.
 * burner FILE MILLISECONDS THREADS LIFE [abrupt]: for so long, each thread burns LIFE ms of its own
 * CPU time, a part of it in the kernel. abrupt: ends while they all run.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BURNER_THREADS 16
#define BURNER_STEP 20000

static uint64_t burner_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *burner_thread(void *life_ns)
{
	volatile uint64_t sink = 0;

	while (burner_ns(CLOCK_THREAD_CPUTIME_ID) < *(const uint64_t *)life_ns) {
		for (int i = 0; i < BURNER_STEP; i++)
			sink += (uint64_t)i;
		for (int i = 0; i < BURNER_STEP / 100; i++)
			syscall(SYS_getppid);
	}
	return NULL;
}

/* One line: microseconds in user and in system mode. */
static int burner_tell(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct rusage own;
	char line[64];
	int n;

	getrusage(RUSAGE_SELF, &own);
	n = snprintf(line, sizeof(line), "%ld %ld\n",
		     own.ru_utime.tv_sec * 1000000 + own.ru_utime.tv_usec,
		     own.ru_stime.tv_sec * 1000000 + own.ru_stime.tv_usec);
	return fd < 0 || write(fd, line, (size_t)n) != n;
}

int main(int argc, char **argv)
{
	pthread_t threads[BURNER_THREADS];
	uint64_t end_ns, life_ns;
	int count;

	if (argc < 5)
		return 2;
	end_ns = burner_ns(CLOCK_MONOTONIC) + strtoull(argv[2], NULL, 10) * 1000000;
	count = atoi(argv[3]);
	life_ns = strtoull(argv[4], NULL, 10) * 1000000;
	if (count < 1 || count > BURNER_THREADS)
		return 2;
	do {
		for (int i = 0; i < count; i++)
			if (pthread_create(&threads[i], NULL, burner_thread, &life_ns))
				return 1;
		if (argc > 5) {
			usleep((unsigned int)(strtoul(argv[2], NULL, 10) * 1000));
			_exit(burner_tell(argv[1]));
		}
		for (int i = 0; i < count; i++)
			pthread_join(threads[i], NULL);
	} while (burner_ns(CLOCK_MONOTONIC) < end_ns);
	_exit(burner_tell(argv[1]));
}
