#include "origin_settings.h"
#include "rs_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct origin_settings *settings;

/* One origin without a secret, one with a file that has this. */
static void settle(const char *secret)
{
	char path[] = "/tmp/origin-secret-XXXXXX", text[400];
	struct config_error error;
	struct config *config;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, secret, strlen(secret)), (ssize_t)strlen(secret));
	close(fd);
	snprintf(text, sizeof(text),
		 "{\"cache\": {\"origins\": [{\"prefix\": \"a:\", \"url\": \"http://a/\"}, "
		 "{\"prefix\": \"b:\", \"url\": \"http://b/\", \"headers\": {\"X\": \"y\"}, "
		 "\"header_files\": {\"Authorization\": \"%s\"}}]}}",
		 path);
	assert_int_equal(config_open(&config), 0);
	assert_int_equal(config_read(config, "r.json", text, strlen(text), &error), 0);
	assert_int_equal(origin_settings_open(&settings, config), 0);
	config_close(config);
	unlink(path);
	assert_int_equal(settings->count, 2);
	assert_string_equal(settings->at[0].fault, "");
}

static void a_secret_takes_the_place_of_its_path(void **state)
{
	(void)state;
	settle("Bearer 12 3\nmore\n");
	assert_string_equal(settings->at[1].fault, "");
	assert_string_equal(settings->at[1].rule.headers[0].text, "X: y");
	assert_string_equal(settings->at[1].rule.headers[1].text, "Authorization: Bearer 12 3");
	assert_false(settings->at[1].rule.headers[1].from_file);
	origin_settings_close(settings);
}

static void one_that_is_none_is_a_fault_of_its_origin(void **state)
{
	static const char *const bad[] = { "", "\nx", "a\tb\n", "a\x01" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		settle(bad[i]);
		assert_memory_equal(settings->at[1].fault, "header_files: /tmp/origin-secret-", 33);
		origin_settings_close(settings);
	}
}

static void none_is_configured(void **state)
{
	struct config *config;

	(void)state;
	assert_int_equal(config_open(&config), 0);
	assert_int_equal(origin_settings_open(&settings, config), 0);
	assert_null(settings);
	origin_settings_close(settings);
	config_close(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_takes_the_place_of_its_path),
		cmocka_unit_test(one_that_is_none_is_a_fault_of_its_origin),
		cmocka_unit_test(none_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
