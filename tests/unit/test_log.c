#include "log.h"
#include "rs_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_kept = -1;
static char log_text[8192];

/* Standard error goes into a pipe until log_caught. */
static void log_catch(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	log_kept = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	dup2(ends[0], 200);
	close(ends[0]);
}

static const char *log_caught(void)
{
	ssize_t n = read(200, log_text, sizeof(log_text) - 1);

	dup2(log_kept, STDERR_FILENO);
	close(log_kept);
	close(200);
	log_text[n > 0 ? n : 0] = '\0';
	return log_text;
}

static void a_line_says_who_and_how_bad(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_open("ringsided", LOG_LEVEL_DEBUG);
	log_catch();
	log_error("no %s", "memory");
	log_warning("%d left", 7);
	log_info("plain");
	log_debug("detail");
	assert_string_equal(log_caught(),
			    "ringsided: error: no memory\nringsided: warning: 7 left\n"
			    "ringsided: plain\nringsided: detail\n");
}

static void what_is_above_the_level_is_silent(void **state)
{
	(void)state;
	log_open("ringsided", LOG_LEVEL_WARNING);
	log_catch();
	log_info("not told");
	log_debug("not told");
	log_warning("told");
	assert_string_equal(log_caught(), "ringsided: warning: told\n");
}

static void control_bytes_cannot_forge_a_line(void **state)
{
	(void)state;
	log_open("ringsided", LOG_LEVEL_INFO);
	log_catch();
	log_info("a\nringsided: error: b\x1b[2J\x7f\t");
	assert_string_equal(log_caught(), "ringsided: a?ringsided: error: b?[2J??\n");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
	static char text[3000];
	const char *line;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	log_open("ringsided", LOG_LEVEL_INFO);
	log_catch();
	log_info("%s", text);
	line = log_caught();
	assert_int_equal(strlen(line), 2500);
	assert_int_equal(line[2499], '\n');
	assert_int_equal(line[2498], 'x');
}

static void the_journal_gets_priorities_where_it_is_standard_error(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	log_catch();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev,
		 (unsigned long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("ringsided", LOG_LEVEL_DEBUG);
	log_error("a");
	log_warning("b");
	log_info("c");
	log_debug("d");
	assert_string_equal(log_caught(), "<3>a\n<4>b\n<6>c\n<7>d\n");
}

static void an_inherited_journal_variable_is_not_believed(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_catch();
	log_open("ringsided", LOG_LEVEL_INFO);
	log_info("c");
	assert_string_equal(log_caught(), "ringsided: c\n");
	unsetenv("JOURNAL_STREAM");
}

static void levels_are_known_by_name(void **state)
{
	(void)state;
	assert_int_equal(log_level_parse("error"), LOG_LEVEL_ERROR);
	assert_int_equal(log_level_parse("warning"), LOG_LEVEL_WARNING);
	assert_int_equal(log_level_parse("info"), LOG_LEVEL_INFO);
	assert_int_equal(log_level_parse("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("Info"), -EINVAL);
	assert_int_equal(log_level_parse(""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_who_and_how_bad),
		cmocka_unit_test(what_is_above_the_level_is_silent),
		cmocka_unit_test(control_bytes_cannot_forge_a_line),
		cmocka_unit_test(a_long_line_is_cut_and_still_ends),
		cmocka_unit_test(the_journal_gets_priorities_where_it_is_standard_error),
		cmocka_unit_test(an_inherited_journal_variable_is_not_believed),
		cmocka_unit_test(levels_are_known_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
