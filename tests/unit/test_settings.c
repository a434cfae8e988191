#include "rs_test.h"
#include "settings.h"
#include "tree_fixture.h"

#include <errno.h>

static struct tree tree;
static char file[128];

/* Each test names a file of its own, so that the machine's never counts. */
static int test_setup(void **state)
{
	(void)state;
	tree_make(&tree);
	snprintf(file, sizeof(file), "%s/ringside.json", tree.root);
	tree_put(&tree, "/ringside.json", "{}");
	assert_int_equal(setenv("RINGSIDE_CONFIG", file, 1), 0);
	unsetenv("RINGSIDE_RUN_DIR");
	unsetenv("RINGSIDE_HTTP_LISTEN");
	unsetenv("RINGSIDE_HTTP_SOCKET");
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

static void test_open(struct settings *s, const char *run_dir, const char *socket)
{
	struct config_error error = { "" };

	assert_int_equal(settings_open(s, &(struct settings_flags){ run_dir, socket }, &error), 0);
	assert_string_equal(error.text, "");
}

static void defaults_are_those_of_the_agent(void **state)
{
	struct settings s;

	(void)state;
	test_open(&s, NULL, NULL);
	assert_string_equal(settings_run_dir(&s), "/run/ringside");
	assert_string_equal(s.socket, "/run/ringside/api.sock");
	assert_string_equal(s.tcp, "127.0.0.1:9977");
	assert_string_equal(s.problem.text, "");
	settings_close(&s);
}

static void named_run_directory_is_asked_by_its_socket_alone(void **state)
{
	struct settings s;

	(void)state;
	test_open(&s, "/x/run", NULL);
	assert_string_equal(s.socket, "/x/run/api.sock");
	assert_null(s.tcp);
	settings_close(&s);

	setenv("RINGSIDE_RUN_DIR", "/y/run", 1);
	test_open(&s, NULL, NULL);
	assert_string_equal(s.socket, "/y/run/api.sock");
	assert_null(s.tcp);
	settings_close(&s);

	setenv("RINGSIDE_HTTP_LISTEN", "127.0.0.1:1234", 1);
	test_open(&s, NULL, NULL);
	assert_string_equal(s.tcp, "127.0.0.1:1234");
	settings_close(&s);
}

static void file_of_the_agent_tells_where_it_is(void **state)
{
	struct settings s;

	(void)state;
	tree_put(&tree, "/ringside.json",
		 "{\"run_dir\": \"/z\", \"http\": {\"listen\": \"127.0.0.1:99\"}}");
	test_open(&s, NULL, NULL);
	assert_string_equal(s.socket, "/z/api.sock");
	assert_string_equal(s.tcp, "127.0.0.1:99");
	settings_close(&s);
}

static void named_socket_is_the_only_address(void **state)
{
	struct settings s;

	(void)state;
	test_open(&s, NULL, "/x/y.sock");
	assert_string_equal(s.socket, "/x/y.sock");
	assert_null(s.tcp);
	settings_close(&s);
}

static void what_is_turned_off_is_not_asked(void **state)
{
	struct settings s;

	(void)state;
	setenv("RINGSIDE_HTTP_LISTEN", "none", 1);
	setenv("RINGSIDE_HTTP_SOCKET", "none", 1);
	test_open(&s, NULL, NULL);
	assert_string_equal(s.socket, "");
	assert_null(s.tcp);
	settings_close(&s);
}

static void wrong_file_or_variable_is_a_problem_and_the_rest_holds(void **state)
{
	struct settings s;

	(void)state;
	tree_put(&tree, "/ringside.json", "{\"run_dri\": 1}");
	setenv("RINGSIDE_RUN_DIR", "/y/run", 1);
	test_open(&s, NULL, NULL);
	assert_non_null(strstr(s.problem.text, "run_dri"));
	assert_string_equal(settings_run_dir(&s), "/y/run");
	settings_close(&s);

	tree_put(&tree, "/ringside.json", "{}");
	setenv("RINGSIDE_HTTP_LISTEN", "nonsense", 1);
	test_open(&s, NULL, NULL);
	assert_non_null(strstr(s.problem.text, "RINGSIDE_HTTP_LISTEN"));
	assert_string_equal(settings_run_dir(&s), "/y/run");
	settings_close(&s);
}

static void named_file_that_is_absent_is_a_problem(void **state)
{
	struct settings s;

	(void)state;
	setenv("RINGSIDE_CONFIG", "/nonexistent/ringside.json", 1);
	test_open(&s, NULL, NULL);
	assert_non_null(strstr(s.problem.text, "does not exist"));
	settings_close(&s);
}

static void relative_run_directory_is_refused(void **state)
{
	struct config_error error = { "" };
	struct settings s;

	(void)state;
	assert_int_not_equal(settings_open(&s, &(struct settings_flags){ "run", NULL }, &error), 0);
	assert_non_null(strstr(error.text, "absolute"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(defaults_are_those_of_the_agent),
		TEST(named_run_directory_is_asked_by_its_socket_alone),
		TEST(file_of_the_agent_tells_where_it_is),
		TEST(named_socket_is_the_only_address),
		TEST(what_is_turned_off_is_not_asked),
		TEST(wrong_file_or_variable_is_a_problem_and_the_rest_holds),
		TEST(named_file_that_is_absent_is_a_problem),
		TEST(relative_run_directory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
