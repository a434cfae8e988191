#include "config_cache.h"

#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static struct config_error error;

static int check(const char *keys)
{
	struct config *c;
	char text[512];
	int ret, n = snprintf(text, sizeof(text), "{\"cache\": {%s}}", keys);

	error.text[0] = '\0';
	assert_int_equal(config_open(&c), 0);
	ret = config_read(c, "r.json", text, (size_t)n, &error);
	if (!ret)
		ret = config_cache_check(c, &error);
	config_close(c);
	return ret;
}

static void the_defaults_are_the_guides(void **state)
{
	struct config *c;

	(void)state;
	assert_int_equal(check(""), 0);
	assert_int_equal(config_open(&c), 0);
	assert_true(config_switch(c, CONFIG_CACHE_ENABLED));
	assert_true(config_switch(c, CONFIG_CACHE_COMPRESSION));
	assert_int_equal(config_span_ns(c, CONFIG_CACHE_DEFAULT_TTL), 300000000000);
	assert_int_equal((int)config_number(c, CONFIG_CACHE_MAX_MEMORY_ITEMS), 1000);
	assert_int_equal(config_bytes(c, CONFIG_CACHE_COMPRESSION_THRESHOLD), 1024);
	assert_int_equal(config_span_ns(c, CONFIG_CACHE_CLEANUP_INTERVAL), 60000000000);
	assert_int_equal(config_bytes(c, CONFIG_CACHE_MAX_VALUE), 1 << 20);
	config_close(c);
}

static void each_has_its_range(void **state)
{
	static const char *const bad[] = {
		"\"default_ttl\": \"999ms\"",
		"\"default_ttl\": \"366d\"",
		"\"cleanup_interval\": \"500ms\"",
		"\"cleanup_interval\": \"61m\"",
		"\"compression_level\": 20",
		"\"compression_level\": 0",
		"\"max_value\": 0",
		"\"max_value\": \"17MiB\"",
		"\"max_memory_items\": 0",
		"\"max_memory_items\": 1000001",
		"\"max_memory_items\": 1.5",
		"\"max_memory_bytes\": \"1MiB\"",
		"\"max_memory_bytes\": \"lots\"",
		"\"enabled\": \"perhaps\"",
		"\"write_buffer_items\": 0",
		"\"write_buffer_bytes\": \"63KiB\"",
		"\"write_buffer_bytes\": 2e12",
		("\"origins\": [{\"prefix\": \"a:\", \"url\": \"http://h/\"}, "
		 "{\"prefix\": \"a:\", \"url\": \"http://i/\"}]"),
	};
	static const char *const good[] = {
		"\"default_ttl\": \"1s\"",
		"\"default_ttl\": \"365d\"",
		"\"compression_level\": 19",
		"\"max_value\": \"16MiB\"",
		"\"max_memory_items\": 1000000",
		"\"max_memory_bytes\": \"1152KiB\"",
		"\"max_memory_bytes\": 200000, \"max_value\": 1024",
		("\"origins\": [{\"prefix\": \"a:\", \"url\": \"http://h/\"}, "
		 "{\"prefix\": \"a:b\", \"url\": \"http://i/\"}]"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_not_equal(check(bad[i]), 0);
		assert_non_null(strstr(error.text, "r.json:1: cache."));
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(check(good[i]), 0);
}

static void there_are_sixteen_origins_at_most(void **state)
{
	char text[4096] = "{\"cache\": {\"origins\": [";
	struct config *c;

	(void)state;
	for (int i = 0; i < 17; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n,
			 "%s{\"prefix\": \"p%d:\", \"url\": \"http://h/\"}", i ? "," : "", i);
	}
	strcat(text, "]}}");
	assert_int_equal(config_open(&c), 0);
	assert_int_equal(config_read(c, "r.json", text, strlen(text), &error), 0);
	assert_int_not_equal(config_cache_check(c, &error), 0);
	assert_string_equal(error.text, "r.json:1: cache.origins: must be 16 at most");
	config_close(c);
}

static void the_guides_object_and_environment_are_understood(void **state)
{
	static char disabled[] = "CACHE_ENABLED=false", plain[] = "COMPRESSION_ENABLED=false",
		    own[] = "RINGSIDE_CACHE_ENABLED=true", odd[] = "CACHE_ENABLED=perhaps",
		    other[] = "CACHE_ENABLE=x";
	static const char guide[] = "{\"cache\": {\"defaultTTL\": 30, \"maxMemoryItems\": 10, "
				    "\"compressionThreshold\": 2048, \"cleanupInterval\": 5000}}";
	char *const environment[] = { disabled, plain, other, NULL };
	char *const both[] = { own, disabled, NULL }, *const wrong[] = { odd, NULL };
	struct config *c;

	(void)state;
	assert_int_equal(config_open(&c), 0);
	assert_int_equal(config_read(c, "g", guide, strlen(guide), &error), 0);
	assert_int_equal(config_span_ns(c, CONFIG_CACHE_DEFAULT_TTL), 30000000000);
	assert_int_equal((int)config_number(c, CONFIG_CACHE_MAX_MEMORY_ITEMS), 10);
	assert_int_equal(config_bytes(c, CONFIG_CACHE_COMPRESSION_THRESHOLD), 2048);
	assert_int_equal(config_span_ns(c, CONFIG_CACHE_CLEANUP_INTERVAL), 5000000000);
	assert_int_equal(config_environment(c, environment, &error), 0);
	assert_false(config_switch(c, CONFIG_CACHE_ENABLED));
	assert_false(config_switch(c, CONFIG_CACHE_COMPRESSION));
	assert_int_equal(config_environment(c, both, &error), 0);
	assert_true(config_switch(c, CONFIG_CACHE_ENABLED)); /* our own name wins */
	assert_int_not_equal(config_environment(c, wrong, &error), 0);
	assert_non_null(strstr(error.text, "CACHE_ENABLED: cache.enabled: must be true or false"));
	config_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_the_guides),
		cmocka_unit_test(each_has_its_range),
		cmocka_unit_test(there_are_sixteen_origins_at_most),
		cmocka_unit_test(the_guides_object_and_environment_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
