#include "../../agent/split.c" /* white box: who needs a runner */
#include "rs_test.h"

#include <sys/stat.h>

static bool needs(const char *json, bool acts)
{
	struct config_alerts *alerts;
	struct config_error error;
	struct config *config;
	struct split s = { .error = &error };
	bool result;

	assert_int_equal(config_open(&config), 0);
	assert_int_equal(config_read(config, "c", json, strlen(json), &error), 0);
	s.config = config;
	assert_int_equal(config_alerts_open(&alerts, config, &error), 0);
	result = split_needs(&s, alerts, acts);
	config_alerts_close(alerts);
	config_close(config);
	return result;
}

static void a_runner_is_for_channels_that_need_it(void **state)
{
	(void)state;
	assert_false(needs("{}", false));
	assert_false(needs("{\"alerts\": {\"channels\": {\"l\": {\"type\": \"log\"}}}}", false));
	assert_true(
		needs("{\"alerts\": {\"channels\": {\"d\": {\"type\": \"dogstatsd\"}}}}", false));
	assert_false(
		needs("{\"alerts\": {\"channels\": {\"d\": {\"type\": \"dogstatsd\"}}}}", true));
	assert_false(needs("{\"alerts\": {\"enabled\": false, \"channels\": {\"d\": {\"type\": "
			   "\"dogstatsd\"}}}}",
			   false));
}

static void one_that_stays_root_is_for_actions_alone(void **state)
{
	static const char restart[] =
		"{\"alerts\": {\"channels\": {\"r\": {\"type\": \"restart_unit\", "
		"\"units\": \"a.service\"}}}}";

	(void)state;
	assert_false(needs("{\"alerts\": {\"channels\": {\"l\": {\"type\": \"log\"}}}}", true));
	assert_true(needs(restart, true));
	assert_false(needs(restart, false));
	assert_false(needs("{\"alerts\": {\"channels\": {\"c\": {\"type\": \"cache_clear\", "
			   "\"pattern\": \"*\"}}}}",
			   true)); /* the worker's own */
}

static void root_is_nobody_whom_a_command_becomes(void **state)
{
	struct runner_user user = { 0 };

	(void)state;
	split_user("0", &user);
	assert_int_equal(user.error, -EPERM);
	split_user("root", &user);
	assert_int_equal(user.error, -EPERM);
	split_user("there-is-no-such-user", &user);
	assert_int_equal(user.error, -ENOENT);
	split_user("65533", &user);
	assert_int_equal(user.error, 0);
	assert_int_equal(user.uid, 65533);
}

static void the_worker_alone_gets_the_secrets(void **state)
{
	char path[] = "/tmp/rs_split_XXXXXX", text[256];
	struct worker_config worker = { .link = -1 };
	struct config_error error;
	struct split s = { .worker = &worker, .error = &error };
	struct config *config;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "s3cret\n", 7), 7);
	snprintf(text, sizeof(text),
		 "{\"redis\": {\"password_file\": \"%s\"}, \"cache\": {\"origins\": [{\"prefix\": "
		 "\"a\", "
		 "\"url\": \"http://h/\", \"header_files\": {\"X\": \"%s\"}}]}}",
		 path, path);
	assert_int_equal(config_open(&config), 0);
	assert_int_equal(config_read(config, "c", text, strlen(text), &error), 0);
	s.config = config;
	assert_int_equal(split_secrets(&s), 0);
	assert_string_equal(worker.redis.text, "s3cret");
	assert_string_equal(worker.origins->at[0].rule.headers[0].text, "X: s3cret");
	split_forget(&s);
	assert_string_equal(worker.redis.text, "");
	assert_null(worker.origins);
	assert_int_equal(fchmod(fd, 0666), 0);
	assert_int_equal(split_secrets(&s), 0);
	assert_string_equal(worker.redis.text, "");
	assert_non_null(strstr(worker.origins->at[0].fault, "others than root may write it"));
	assert_non_null(strstr(worker.redis.fault, "redis.password_file: /tmp/rs_split_"));
	assert_non_null(strstr(worker.redis.fault, "others than root may write it"));
	split_forget(&s);
	config_close(config);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_runner_is_for_channels_that_need_it),
		cmocka_unit_test(one_that_stays_root_is_for_actions_alone),
		cmocka_unit_test(root_is_nobody_whom_a_command_becomes),
		cmocka_unit_test(the_worker_alone_gets_the_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
