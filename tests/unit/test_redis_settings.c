#include "redis_settings.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct config *config;
static struct redis_settings s;
static const struct secret none;
static char path[] = "/tmp/redis-password-XXXXXX";

static int open_config(void **state)
{
	(void)state;
	return config_open(&config);
}

static int close_config(void **state)
{
	(void)state;
	config_close(config);
	return 0;
}

static void settle(const char *text)
{
	struct config_error error;

	assert_int_equal(config_read(config, "r.json", text, strlen(text), &error), 0);
	assert_int_equal(config_check(config, &error), 0);
}

/* "%s" in the configuration is a file with this. */
static int with_file(const char *password)
{
	struct secret secret;
	char text[200];
	int fd, ret;

	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, password, strlen(password)), (ssize_t)strlen(password));
	close(fd);
	snprintf(text, sizeof(text),
		 "{\"redis\": {\"url\": \"redis://me:old@h\", \"password_file\": \"%s\"}}", path);
	settle(text);
	secret_load(&secret, "redis.password_file",
		    config_text(config, CONFIG_REDIS_PASSWORD_FILE));
	ret = redis_settings_read(&s, config, &secret);
	unlink(path);
	return ret;
}

static void none_is_configured(void **state)
{
	(void)state;
	assert_int_equal(redis_settings_read(&s, config, &none), -ENOENT);
	assert_string_equal(s.fault, "redis.url: is not set");
}

static void a_client_is_configured(void **state)
{
	struct redis_config out = { .ctx = &s };

	(void)state;
	settle("{\"redis\": {\"url\": [\"redis://a:1\", \"redis://:pw@b:2\"], \"prefix\": \"p:\","
	       "\"timeout\": \"20ms\"}}");
	assert_int_equal(redis_settings_read(&s, config, &none), 0);
	assert_int_equal(s.url.count, 2);
	assert_string_equal(s.url.password, "pw");
	redis_settings_put(&s, config, &out);
	assert_ptr_equal(out.url, &s.url);
	assert_string_equal(out.prefix, "p:");
	assert_int_equal(out.timeout_ns, 20000000);
	assert_true(out.most_bytes && out.most_questions && out.most_question_bytes);
	assert_ptr_equal(out.ctx, &s);
}

static void a_file_is_over_the_url(void **state)
{
	(void)state;
	assert_int_equal(with_file("new\nsecond line\n"), 0);
	assert_string_equal(s.url.user, "me");
	assert_string_equal(s.url.password, "new");
}

static void a_file_that_gave_nothing_says_so(void **state)
{
	(void)state;
	assert_int_equal(with_file("\n"), -EACCES);
	assert_non_null(strstr(s.fault, "redis.password_file: /tmp/redis-password-"));
	assert_non_null(strstr(s.fault, ": No data available"));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_config, close_config)
	const struct CMUnitTest tests[] = {
		WITH(none_is_configured),
		WITH(a_client_is_configured),
		WITH(a_file_is_over_the_url),
		WITH(a_file_that_gave_nothing_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
