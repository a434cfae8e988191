/*
 * blocker - so many processes that keep whoever reads of their memory waiting, for test_blocked.py:
 * prints their pids, none where that may not be done, and ends them when its input does.
 */
#include "../unit/blocked_process.h"

#define BLOCKERS 8

int main(int argc, char **argv)
{
	struct blocked all[BLOCKERS];
	int count = argc == 2 ? atoi(argv[1]) : 0;
	char byte;

	if (count < 1 || count > BLOCKERS)
		return 2;
	for (int i = 0; i < count; i++) {
		all[i] = blocked_start();
		if (all[i].pid)
			printf("%d ", all[i].pid);
	}
	printf("\n");
	fflush(stdout);
	if (read(STDIN_FILENO, &byte, 1) < 0)
		return 1;
	for (int i = 0; i < count; i++)
		if (all[i].pid)
			blocked_end(&all[i]);
	return 0;
}
