#include "attach.h"
#include "attached.h"
#include "proc.h"
#include "replace.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[32], file[64], own[ATTACHED_LINE];

static int folder_make(void **state)
{
	char pid[16];

	(void)state;
	strcpy(folder, "/tmp/attached.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/x", folder);
	snprintf(pid, sizeof(pid), "%d", getpid());
	assert_int_equal(attached_line(pid, own, sizeof(own)), 0);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	char lock[80];

	snprintf(lock, sizeof(lock), "%s.lock", file);
	unlink(lock);
	unlink(file);
	return rmdir(folder);
}

static void file_is(const char *wanted)
{
	char *text;

	assert_int_equal(replace_read(file, &text), 0);
	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void a_pid_becomes_the_line_of_its_process(void **state)
{
	struct proc_stat stat;
	char wanted[ATTACH_LINE], line[ATTACHED_LINE];

	(void)state;
	assert_int_equal(proc_stat_read(getpid(), &stat), 0);
	attach_line(getpid(), stat.start_ticks, wanted);
	assert_string_equal(own, wanted);
	assert_int_equal(attached_line("999999999", line, sizeof(line)), -ESRCH);
	assert_int_equal(attached_line("# x", line, sizeof(line)), -EINVAL);
	assert_int_equal(attached_line("", line, sizeof(line)), -EINVAL);
	assert_int_equal(attached_line(":http", line, sizeof(line)), -EINVAL);
	assert_int_equal(attached_line(":8080", line, sizeof(line)), 0);
	assert_string_equal(line, ":8080");
	assert_int_equal(attached_line("shop*", line, sizeof(line)), 0);
	assert_string_equal(line, "shop*");
}

static void lines_come_once_and_go_and_the_file_with_the_last(void **state)
{
	char both[ATTACHED_LINE + 8];

	(void)state;
	assert_int_equal(attached_remove(file, "shop"), -ENOENT);
	assert_int_equal(attached_add(file, "shop"), 0);
	assert_int_equal(attached_add(file, "shop"), 0);
	file_is("shop\n");
	assert_int_equal(attached_add(file, own), 0);
	snprintf(both, sizeof(both), "shop\n%.250s\n", own);
	file_is(both);
	assert_int_equal(attached_remove(file, "bank"), -ENOENT);
	assert_int_equal(attached_remove(file, "shop"), 0);
	assert_int_equal(attached_remove(file, own), 0);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(attached_clear(file), -ENOENT);
}

static void processes_that_are_over_go_by_the_way(void **state)
{
	(void)state;
	assert_int_equal(replace_file(file, "999999999:5\n12:30:11\nkeep\n1:1\n"), 0);
	assert_int_equal(attached_add(file, "shop"), 0);
	file_is("12:30:11\nkeep\nshop\n"); /* pid 1 did not start at tick 1; the first is a name */
}

static void a_list_that_would_be_no_list_is_not_written(void **state)
{
	char line[ATTACHED_LINE];
	int result = 0;

	(void)state;
	for (int i = 0; i < 40 && result == 0; i++) {
		snprintf(line, sizeof(line), "%0200d.service", i);
		result = attached_add(file, line);
	}
	assert_int_equal(result, -EFBIG);
	assert_int_equal(attached_clear(file), 0);
}

static void of_several_at_a_time_none_is_lost(void **state)
{
	char line[32], *text;
	int status;

	(void)state;
	for (int child = 0; child < 8; child++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		for (int i = 0; !pid && i < 5; i++) {
			snprintf(line, sizeof(line), "s%d-%d", child, i);
			if (attached_add(file, line))
				_exit(1);
		}
		if (!pid)
			_exit(0);
	}
	for (int child = 0; child < 8; child++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(replace_read(file, &text), 0);
	assert_non_null(text);
	for (int i = 0; i < 40; i++) {
		snprintf(line, sizeof(line), "s%d-%d", i / 5, i % 5);
		assert_non_null(strstr(text, line));
	}
	free(text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(a_pid_becomes_the_line_of_its_process),
		TEST(lines_come_once_and_go_and_the_file_with_the_last),
		TEST(processes_that_are_over_go_by_the_way),
		TEST(a_list_that_would_be_no_list_is_not_written),
		TEST(of_several_at_a_time_none_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
