/*
 * blocker - so many processes that keep whoever reads of their memory waiting, for test_blocked.py:
 * prints their pids, none where that may not be done, and ends them when its input does. With a
 * file's name: they map that, and keep waiting only who would write to their memory.
 */
#include "../unit/blocked_process.h"

#define BLOCKERS 8

int main(int argc, char **argv)
{
	struct blocked all[BLOCKERS];
	const struct blocked_how how = { argc == 3 ? argv[2] : NULL, argc == 3 };
	int count = argc > 1 && argc < 4 ? atoi(argv[1]) : 0;
	char byte;

	if (count < 1 || count > BLOCKERS)
		return 2;
	for (int i = 0; i < count; i++) {
		all[i] = blocked_start_so(&how);
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
