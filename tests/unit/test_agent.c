#include "agent.h"
#include "answer_fixture.h"
#include "tree_fixture.h"

#include <errno.h>

static struct tree tree;
static char path[128];
static struct settings settings;

static int test_setup(void **state)
{
	(void)state;
	tree_make(&tree);
	snprintf(path, sizeof(path), "%s/api.sock", tree.root);
	settings = (struct settings){ 0 };
	snprintf(settings.socket, sizeof(settings.socket), "%s", path);
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

static void agent_is_found_and_asked(void **state)
{
	static const struct answer answers[] = {
		{ "/healthz ", 200, "{}" },
		{ "/api/x ", 200, "{\"success\": true, \"data\": {\"a\": 1}}" },
		{ 0 },
	};
	pid_t server = answer_begin(path, answers);
	struct agent_error error;
	struct envelope *r;
	struct agent a;

	(void)state;
	assert_int_equal(agent_open(&a, &settings, &error), 0);
	assert_string_equal(a.where, path);
	assert_int_equal(agent_ask(&a, "/api/x", &r, &error), 0);
	assert_true(envelope_number(envelope_data(r), "a") == 1);
	envelope_close(r);
	agent_close(&a);
	answer_end(server);
}

static void refusal_names_the_agent_and_its_reason(void **state)
{
	static const struct answer answers[] = {
		{ "/healthz ", 200, "{}" },
		{ "/api/x ", 401,
		  "{\"success\": false, \"error\": {\"message\": \"token needed\"}}" },
		{ 0 },
	};
	pid_t server = answer_begin(path, answers);
	struct agent_error error;
	struct envelope *r;
	struct agent a;
	char expected[256];

	(void)state;
	assert_int_equal(agent_open(&a, &settings, &error), 0);
	assert_int_equal(agent_ask(&a, "/api/x", &r, &error), -EREMOTEIO);
	snprintf(expected, sizeof(expected), "the agent on %s: token needed", path);
	assert_string_equal(error.text, expected);
	assert_null(r);
	agent_close(&a);
	answer_end(server);
}

static void nobody_is_told_with_every_address_and_the_cure(void **state)
{
	struct agent_error error;
	struct agent a;
	char expected[512];

	(void)state;
	assert_int_equal(agent_open(&a, &settings, &error), -ENOTCONN);
	snprintf(expected, sizeof(expected),
		 "no agent answers on %s (No such file or directory); start it: sudo ringsided",
		 path);
	assert_string_equal(error.text, expected);
	settings.tcp = "127.0.0.1:1"; /* nobody listens on tcpmux */
	assert_int_equal(agent_open(&a, &settings, &error), -ENOTCONN);
	assert_non_null(strstr(error.text, "api.sock or 127.0.0.1:1 ("));
	settings.socket[0] = '\0';
	assert_int_equal(agent_open(&a, &settings, &error), -ENOTCONN);
	assert_non_null(strstr(error.text, "on 127.0.0.1:1 (Connection refused)"));
}

static void api_that_is_turned_off_is_said(void **state)
{
	struct agent_error error;
	struct agent a;

	(void)state;
	settings.socket[0] = '\0';
	assert_int_equal(agent_open(&a, &settings, &error), -ENOTCONN);
	assert_non_null(strstr(error.text, "any address (the API is turned off)"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(agent_is_found_and_asked),
		TEST(refusal_names_the_agent_and_its_reason),
		TEST(nobody_is_told_with_every_address_and_the_cure),
		TEST(api_that_is_turned_off_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
