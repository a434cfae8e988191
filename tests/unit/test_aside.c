#include "../../agent/capture/aside.c"
#include "rs_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Says by one byte how many descriptors it has, until it is told no more. */
static void live(void)
{
	char byte;

	while (recv(ASIDE_SOCKET, &byte, 1, 0) == 1) {
		DIR *folder = opendir("/proc/self/fd");
		char count = 0;

		while (readdir(folder))
			count++;
		closedir(folder);
		count -= 3; /* ".", "..", and the folder itself */
		if (send(ASIDE_SOCKET, &count, 1, MSG_NOSIGNAL) != 1)
			return;
	}
}

static char asked(int socket)
{
	char byte = 0;

	assert_int_equal(send(socket, &byte, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(socket, &byte, 1, 0), 1);
	return byte;
}

static void it_holds_nothing_of_ours_but_the_socket(void **state)
{
	int held = dup(STDERR_FILENO), socket;
	pid_t child = aside_start("aside-test", live, &socket);
	char path[32], name[32] = "";
	FILE *file;

	(void)state;
	assert_true(child > 0);
	assert_int_equal(asked(socket), 1);
	snprintf(path, sizeof(path), "/proc/%d/comm", child);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(name, sizeof(name), file));
	fclose(file);
	assert_string_equal(name, "aside-test\n");
	close(socket);
	assert_int_equal(waitpid(child, NULL, 0), child); /* it ends with our end */
	close(held);
}

/* It asks nobody whether somebody is there still. */
static void pause_for_good(void)
{
	for (;;)
		pause();
}

static void it_ends_with_us(void **state)
{
	int told[2];
	pid_t parent, child;

	(void)state;
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	parent = fork();
	if (parent == 0) {
		int socket;

		child = aside_start("aside-test", pause_for_good, &socket);
		if (write(told[1], &child, sizeof(child)) < 0)
			_exit(1);
		pause();
	}
	close(told[1]);
	assert_int_equal(read(told[0], &child, sizeof(child)), sizeof(child));
	assert_true(child > 0 && kill(child, 0) == 0);
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_int_equal(waitpid(child, NULL, 0), child); /* it is ours now */
	assert_int_equal(kill(child, 0), -1);
	close(told[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_holds_nothing_of_ours_but_the_socket),
		cmocka_unit_test(it_ends_with_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
