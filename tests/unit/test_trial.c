#include "rs_test.h"
#include "trial.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

static void program_that_cannot_start_is_no_good_trial(void **state)
{
	char path[] = "PATH=/nonexistent"; /* no cat there */
	const char *old = getenv("PATH");
	struct trial trial;
	int result;

	(void)state;
	putenv(path);
	result = trial_run("/nonexistent/libringside.so", &trial);
	if (old)
		setenv("PATH", old, 1);
	else
		unsetenv("PATH");
	assert_int_equal(result, 0);
	assert_false(trial.ended_well);
	assert_int_equal(trial.sight, WATCHER_SEES_END);
	assert_int_equal(trial.accept, ACCEPT_GONE);
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
		cmocka_unit_test(program_that_cannot_start_is_no_good_trial),
		cmocka_unit_test(no_process_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
