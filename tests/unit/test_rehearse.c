#include "rehearse.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

static void a_library_that_is_none_changes_what_programs_say(void **state)
{
	struct rehearse r;

	(void)state;
	assert_int_equal(rehearse_run("/nonexistent/libringside.so", &r), 0);
	assert_int_equal(r.tried, 1); /* no need to go on */
	assert_non_null(strstr(r.why, "does not do the same"));
}

static void a_library_that_does_nothing_changes_nothing(void **state)
{
	struct rehearse r;

	(void)state;
	assert_int_equal(rehearse_run("", &r), 0);
	assert_string_equal(r.why, "");
	assert_true(r.tried >= 10);
}

static void no_process_is_left(void **state)
{
	(void)state;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_library_that_is_none_changes_what_programs_say),
		cmocka_unit_test(a_library_that_does_nothing_changes_nothing),
		cmocka_unit_test(no_process_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
