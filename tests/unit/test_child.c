#include "../../agent/profile/child.c" /* the test itself is the child that it starts */
#include "file.h"
#include "rs_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define MOST_MS 20000

static int run(const char *word, int answer, int passed, pid_t *out)
{
	const int all[] = { -1, passed };
	const struct child_start start = { "/proc/self/exe", word, STDIN_FILENO, answer, all, 2 };

	return child_start(&start, out);
}

static void its_end_tells_how_it_went(void **state)
{
	static const struct {
		const char *word;
		int result;
	} ends[] = { { "--good", 0 }, { "--bad", -EPROTO }, { "--lacks", -ELIBACC } };
	pid_t pid;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run(ends[i].word, STDERR_FILENO, -1, &pid), 0);
		assert_int_equal(child_wait(pid, MOST_MS), ends[i].result);
	}
}

static void who_runs_on_is_asked_again_or_ended(void **state)
{
	pid_t pid;

	(void)state;
	assert_int_equal(run("--stay", STDERR_FILENO, -1, &pid), 0);
	assert_int_equal(child_wait(pid, 1), -EAGAIN);
	child_kill(pid);
	assert_int_equal(waitpid(pid, NULL, 0), -1); /* nothing is left of it */
}

/* Whoever asks must go on: he has other things to do. */
static void without_a_descriptor_nobody_waits_for_its_end(void **state)
{
	struct rlimit before, none;
	int result = -EAGAIN;
	pid_t pid;

	(void)state;
	assert_int_equal(run("--stay", STDERR_FILENO, -1, &pid), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(child_wait(pid, 1), -EAGAIN);
	kill(pid, SIGTERM);
	for (int i = 0; i < MOST_MS / 10 && result == -EAGAIN; i++)
		result = child_wait(pid, 10);
	assert_int_equal(result, -EPROTO);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(child_end(pid), -ECHILD); /* that is no good end */
}

static void descriptors_are_passed_under_their_own_numbers(void **state)
{
	int file = memfd_create("file", MFD_CLOEXEC), answer = memfd_create("answer", MFD_CLOEXEC);
	char word[16], got[8] = "";
	pid_t pid;

	(void)state;
	assert_int_equal(file_write(file, "bytes", 5), 0);
	snprintf(word, sizeof(word), "--copy%d", file);
	assert_int_equal(run(word, answer, file, &pid), 0);
	assert_int_equal(child_wait(pid, MOST_MS), 0);
	assert_int_equal(pread(answer, got, sizeof(got), 0), 5);
	assert_string_equal(got, "bytes");
	assert_true(fcntl(file, F_GETFD) & FD_CLOEXEC);
	close(file);
	close(answer);
}

static void a_program_that_is_not_there_is_told(void **state)
{
	const struct child_start start = { "/nonexistent", "--good", STDIN_FILENO,
					   STDERR_FILENO,  NULL,     0 };
	pid_t pid;

	(void)state;
	assert_int_equal(child_start(&start, &pid), -ENOENT);
}

/* What the child does. */
static int child(const char *word)
{
	char bytes[5];

	alarm(60);
	if (strcmp(word, "--lacks") == 0)
		return CHILD_NO_LIBRARY;
	if (strcmp(word, "--stay") == 0)
		pause();
	if (strncmp(word, "--copy", 6) == 0)
		return pread(atoi(word + 6), bytes, 5, 0) != 5 ||
		       write(STDOUT_FILENO, bytes, 5) != 5;
	return strcmp(word, "--good") != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_end_tells_how_it_went),
		cmocka_unit_test(who_runs_on_is_asked_again_or_ended),
		cmocka_unit_test(without_a_descriptor_nobody_waits_for_its_end),
		cmocka_unit_test(descriptors_are_passed_under_their_own_numbers),
		cmocka_unit_test(a_program_that_is_not_there_is_told),
	};

	return argc == 2 ? child(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
