/*
 * bench_exec - what a process start costs more with the shim: /bin/true by vfork and exec, all
 * sides in turn. It prints the medians, and the same side twice as the noise of this machine.
 *
 * usage: bench_exec LIBRARY      exit 0; with RINGSIDE_TEST_FULL 1 above EXEC_MOST_MS
 *
 * The loader only warns of a library that it cannot load, and the start would cost nothing.
 */
#include "bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXEC_ROUNDS 400
#define EXEC_MOST_MS 0.2

enum exec_side { EXEC_BARE, EXEC_BARE_AGAIN, EXEC_WATCHED, EXEC_SIDES };

static double exec_ms[EXEC_SIDES][EXEC_ROUNDS];

static double exec_once(char *const environment[])
{
	char *const arguments[] = { (char[]){ "true" }, NULL };
	double from = bench_now_ns();
	int status = 1;
	pid_t pid = vfork();

	if (!pid) {
		execve("/bin/true", arguments, environment);
		_exit(126);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "bench_exec: /bin/true does not run\n");
		exit(1);
	}
	return (bench_now_ns() - from) / 1e6;
}

static int exec_compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double exec_median(enum exec_side side)
{
	qsort(exec_ms[side], EXEC_ROUNDS, sizeof(double), exec_compare);
	return exec_ms[side][EXEC_ROUNDS / 2];
}

int main(int argc, char **argv)
{
	char preload[4096];
	char *bare[] = { NULL }, *watched[] = { preload, NULL };
	char *const *environments[EXEC_SIDES] = { bare, bare, watched };
	const char *full = getenv("RINGSIDE_TEST_FULL");
	double median[EXEC_SIDES];

	if (argc != 2 || snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", argv[1]) < 0)
		return 2;
	if (!dlopen(argv[1], RTLD_NOW)) {
		fprintf(stderr, "bench_exec: %s\n", dlerror());
		return 2;
	}
	bench_alone();
	for (int i = 0; i < EXEC_ROUNDS; i++) {
		for (int side = 0; side < EXEC_SIDES; side++) {
			int turn = (side + i) % EXEC_SIDES;

			exec_ms[turn][i] = exec_once(environments[turn]);
		}
	}
	for (int side = 0; side < EXEC_SIDES; side++)
		median[side] = exec_median(side);
	printf("/bin/true: %.3f ms bare, %.3f ms bare again (A/A %+.3f), %.3f ms with the shim\n",
	       median[EXEC_BARE], median[EXEC_BARE_AGAIN],
	       median[EXEC_BARE_AGAIN] - median[EXEC_BARE], median[EXEC_WATCHED]);
	printf("a process start costs %+.3f ms, at most %.1f\n",
	       median[EXEC_WATCHED] - median[EXEC_BARE], EXEC_MOST_MS);
	return full && *full && median[EXEC_WATCHED] - median[EXEC_BARE] > EXEC_MOST_MS;
}
