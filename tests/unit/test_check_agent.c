#include "../../tools/ringside/check_agent.c" /* white box: one check at a time */
#include "answer_fixture.h"
#include "tree_fixture.h"

static struct tree tree;
static struct checks checks;
static struct settings settings;

static int test_setup(void **state)
{
	(void)state;
	tree_make(&tree);
	memset(&checks, 0, sizeof(checks));
	settings = (struct settings){ 0 };
	snprintf(settings.socket, sizeof(settings.socket), "%s/api.sock", tree.root);
	unsetenv("RINGSIDE");
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

static const struct check *test_last(void)
{
	assert_true(checks.count > 0);
	return &checks.items[checks.count - 1];
}

static void missing_library_is_bad_and_nothing_is_tried(void **state)
{
	(void)state;
	agent_check_library(&checks, "/nonexistent/libringside.so");
	assert_int_equal(checks.count, 1);
	assert_int_equal(test_last()->level, CHECK_BAD);
	assert_non_null(strstr(test_last()->found, "/nonexistent/libringside.so"));
}

static void what_switches_the_library_off_is_told(void **state)
{
	(void)state;
	agent_check_switches(&checks, tree.root);
	assert_int_equal(test_last()->level, CHECK_OK);
	setenv("RINGSIDE", "disabled", 1);
	agent_check_switches(&checks, tree.root);
	assert_int_equal(test_last()->level, CHECK_WARN);
	assert_non_null(strstr(test_last()->found, "RINGSIDE=disabled"));
	tree_put(&tree, "/off", "");
	agent_check_switches(&checks, tree.root);
	assert_non_null(strstr(test_last()->found, "/off exists"));
	tree_put(&tree, "/off", "shop\n");
	agent_check_switches(&checks, tree.root);
	assert_non_null(strstr(test_last()->found, "in what it names"));
}

static void run_directory_is_judged_by_who_may_do_what(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/run", tree.root);
	agent_check_run_dir(&checks, path);
	assert_int_equal(test_last()->level, CHECK_OK);
	assert_non_null(strstr(test_last()->found, "is made by the agent"));
	assert_int_equal(mkdir(path, 0755), 0);
	agent_check_run_dir(&checks, path);
	assert_int_equal(test_last()->level, CHECK_OK);
	assert_int_equal(chmod(path, 0775), 0);
	agent_check_run_dir(&checks, path);
	assert_int_equal(test_last()->level, CHECK_BAD);
	assert_int_equal(chmod(path, 0700), 0);
	agent_check_run_dir(&checks, path);
	assert_int_equal(test_last()->level, CHECK_WARN);
	tree_put(&tree, "/file", "");
	snprintf(path, sizeof(path), "%s/file", tree.root);
	agent_check_run_dir(&checks, path);
	assert_int_equal(test_last()->level, CHECK_BAD);
	snprintf(path, sizeof(path), "%s/file/below", tree.root);
	agent_check_run_dir(&checks, path);
	assert_int_equal(test_last()->level, CHECK_BAD);
}

static void user_is_looked_up_by_the_settings(void **state)
{
	struct config_error error;

	(void)state;
	assert_int_equal(config_open(&settings.config), 0);
	assert_int_equal(config_flag(settings.config, "user", "no-such-user", &error), 0);
	agent_check_user(&checks, &settings);
	assert_int_equal(test_last()->level, CHECK_BAD);
	assert_int_equal(config_flag(settings.config, "user", "1234", &error), 0);
	agent_check_user(&checks, &settings);
	assert_int_equal(test_last()->level, CHECK_OK);
	assert_non_null(strstr(test_last()->found, "uid 1234"));
	config_close(settings.config);
}

static void wrong_settings_are_bad(void **state)
{
	(void)state;
	settings.file = "/nonexistent/ringside.json";
	agent_check_settings(&checks, &settings);
	assert_int_equal(test_last()->level, CHECK_OK);
	assert_non_null(strstr(test_last()->found, "defaults hold"));
	snprintf(settings.problem.text, sizeof(settings.problem.text), "x:1: unknown key");
	agent_check_settings(&checks, &settings);
	assert_int_equal(test_last()->level, CHECK_BAD);
	assert_string_equal(test_last()->found, "x:1: unknown key");
}

static void health_of_the_agent_is_told_part_by_part(void **state)
{
	static const struct answer answers[] = {
		{ "/healthz ", 200, "{}" },
		{ "/api/health ", 503,
		  "{\"success\": false, \"data\": {\"status\": \"unhealthy\", \"parts\": ["
		  "{\"name\": \"web\", \"status\": \"healthy\"},"
		  "{\"name\": \"redis\", \"status\": \"info\", \"reason\": \"not set\"},"
		  "{\"name\": \"disk\", \"status\": \"degraded\", \"reason\": \"nearly full\"},"
		  "{\"name\": \"drain\", \"status\": \"unhealthy\", \"reason\": null}],"
		  "\"facilities\": ["
		  "{\"set\": \"http\", \"name\": \"a\", \"state\": \"loaded\", \"dropped\": 7},"
		  "{\"set\": \"life\", \"name\": \"b\", \"state\": \"notNeeded\", \"dropped\": 0},"
		  "{\"set\": \"http\", \"name\": \"c\", \"state\": \"refused\","
		  " \"errno\": \"EPERM\", \"dropped\": 7}]}}" },
		{ 0 },
	};
	pid_t server = answer_begin(settings.socket, answers);

	(void)state;
	agent_check_health(&checks, &settings);
	answer_end(server);
	assert_int_equal(checks.count, 5);
	assert_non_null(strstr(checks.items[0].found, ": unhealthy"));
	assert_int_equal(checks.items[1].level, CHECK_WARN);
	assert_string_equal(checks.items[1].found, "disk is degraded: nearly full");
	assert_int_equal(checks.items[2].level, CHECK_BAD);
	assert_string_equal(checks.items[2].found, "drain is unhealthy: no reason given");
	assert_int_equal(checks.items[3].level, CHECK_WARN);
	assert_string_equal(checks.items[3].found, "http: 1 loaded, 0 not needed, 1 refused, "
						   "c refused: EPERM; 7 events dropped");
	assert_int_equal(checks.items[4].level, CHECK_OK);
	assert_string_equal(checks.items[4].found,
			    "life: 0 loaded, 1 not needed, 0 refused; 0 events dropped");
}

static void agent_that_is_not_there_is_no_fault_of_the_machine(void **state)
{
	(void)state;
	agent_check_health(&checks, &settings);
	assert_int_equal(checks.count, 1);
	assert_int_equal(test_last()->level, CHECK_WARN);
	assert_non_null(strstr(test_last()->found, "start it: sudo ringsided"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(missing_library_is_bad_and_nothing_is_tried),
		TEST(what_switches_the_library_off_is_told),
		TEST(run_directory_is_judged_by_who_may_do_what),
		TEST(user_is_looked_up_by_the_settings),
		TEST(wrong_settings_are_bad),
		TEST(health_of_the_agent_is_told_part_by_part),
		TEST(agent_that_is_not_there_is_no_fault_of_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
