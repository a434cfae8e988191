int ringsided_main(int argc, char **argv);

#define main ringsided_main /* the whole program, as a function of a forked child */
#include "../../agent/main.c"
#undef main
#include "rs_test.h"

#include <sys/wait.h>

#define SAID 8192

/* Exit code of ringsided with these arguments; what it said. */
static int run(const char *const *arguments, char said[SAID])
{
	int argc = 0, status, out[2];
	size_t length = 0;
	ssize_t n;
	pid_t pid;

	while (arguments[argc])
		argc++;
	assert_int_equal(pipe(out), 0);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		unsetenv("RINGSIDE_CONFIG");
		status = ringsided_main(argc, (char **)(uintptr_t)arguments);
		fflush(stdout);
		_exit(status);
	}
	close(out[1]);
	while ((n = read(out[0], said + length, SAID - 1 - length)) > 0)
		length += (size_t)n;
	said[length] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void help_names_every_flag(void **state)
{
	const char *arguments[] = { "ringsided", "--help", NULL };
	char said[SAID], flag[64];

	(void)state;
	assert_int_equal(run(arguments, said), 0);
	for (int key = 0; key < CONFIG_KEYS; key++) {
		if (!config_info((enum config_key)key)->flag)
			continue;
		snprintf(flag, sizeof(flag), "--%s", config_info((enum config_key)key)->flag);
		assert_non_null(strstr(said, flag));
	}
}

static void version_is_one_line(void **state)
{
	const char *arguments[] = { "ringsided", "--version", NULL };
	char said[SAID];

	(void)state;
	assert_int_equal(run(arguments, said), 0);
	assert_string_equal(said, "ringsided " RS_VERSION "\n");
}

static void wrong_usage_is_2_and_says_what(void **state)
{
	const char *arguments[] = { "ringsided", "--verison", NULL };
	char said[SAID];

	(void)state;
	assert_int_equal(run(arguments, said), MAIN_USAGE);
	assert_non_null(strstr(said, "--verison"));
	assert_non_null(strstr(said, "--help"));
}

static void a_bad_configuration_is_1_and_says_where(void **state)
{
	const char *arguments[] = { "ringsided", "--check-config", "--log-level", "loud", NULL };
	const char *named[] = { "ringsided", "--check-config", "--config", "/nowhere/at.all",
				NULL };
	char said[SAID];

	(void)state;
	assert_int_equal(run(arguments, said), 1);
	assert_non_null(strstr(said, "--log-level"));
	assert_int_equal(run(named, said), 1);
	assert_non_null(strstr(said, "/nowhere/at.all"));
}

static void a_good_configuration_is_said_and_nothing_is_started(void **state)
{
	const char *arguments[] = { "ringsided", "--check-config", "--run-dir", "/nowhere/run",
				    NULL };
	char said[SAID];

	(void)state;
	assert_int_equal(run(arguments, said), 0);
	assert_non_null(strstr(said, "good"));
	assert_int_equal(access("/nowhere", F_OK), -1);
}

static void a_directory_that_cannot_be_made_is_1(void **state)
{
	const char *arguments[] = { "ringsided",    "--run-dir", "/dev/null/run", "--state-dir",
				    "/dev/null/st", "--listen",  "none",          NULL };
	char said[SAID];

	(void)state;
	assert_int_equal(run(arguments, said), 1);
	assert_non_null(strstr(said, "/dev/null/run"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_names_every_flag),
		cmocka_unit_test(version_is_one_line),
		cmocka_unit_test(wrong_usage_is_2_and_says_what),
		cmocka_unit_test(a_bad_configuration_is_1_and_says_where),
		cmocka_unit_test(a_good_configuration_is_said_and_nothing_is_started),
		cmocka_unit_test(a_directory_that_cannot_be_made_is_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
