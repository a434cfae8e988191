#include "config_redis.h"

#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static struct config_error error;

static int check(const char *keys)
{
	struct config *c;
	char text[512];
	int ret, n = snprintf(text, sizeof(text), "{\"redis\": {%s}}", keys);

	error.text[0] = '\0';
	assert_int_equal(config_open(&c), 0);
	ret = config_read(c, "r.json", text, (size_t)n, &error);
	if (!ret)
		ret = config_redis_check(c, &error);
	config_close(c);
	return ret;
}

static void refused(const char *keys, const char *why)
{
	assert_true(check(keys) < 0);
	assert_string_equal(error.text, why);
}

static void nothing_is_put_there_unless_it_is_said(void **state)
{
	struct config *c;

	(void)state;
	assert_int_equal(check(""), 0);
	assert_int_equal(config_open(&c), 0);
	assert_false(config_switch(c, CONFIG_REDIS_AGGREGATES));
	assert_int_equal(config_bytes(c, CONFIG_REDIS_AGGREGATES_BUDGET), 65536);
	assert_int_equal(config_span_ns(c, CONFIG_REDIS_AGGREGATES_TTL), 172800000000000);
	config_close(c);
	refused("\"aggregates\": true", "r.json:1: redis.aggregates: needs redis.url");
	assert_int_equal(check("\"aggregates\": true, \"url\": \"redis://h\""), 0);
}

static void each_has_its_range(void **state)
{
	(void)state;
	refused("\"timeout\": \"9ms\"", "r.json:1: redis.timeout: must be from 10ms to 1m");
	refused("\"timeout\": \"61s\"", "r.json:1: redis.timeout: must be from 10ms to 1m");
	refused("\"aggregates_budget\": 1023",
		"r.json:1: redis.aggregates_budget: must be from 1KiB to 1MiB");
	refused("\"aggregates_budget\": \"1025KiB\"",
		"r.json:1: redis.aggregates_budget: must be from 1KiB to 1MiB");
	refused("\"aggregates_ttl\": \"59m\"",
		"r.json:1: redis.aggregates_ttl: must be from 1h to 30d");
	refused("\"aggregates_ttl\": \"31d\"",
		"r.json:1: redis.aggregates_ttl: must be from 1h to 30d");
	assert_int_equal(check("\"timeout\": \"10ms\", \"aggregates_budget\": \"1KiB\", "
			       "\"aggregates_ttl\": \"30d\""),
			 0);
	assert_int_equal(check("\"timeout\": \"1m\", \"aggregates_budget\": \"1MiB\", "
			       "\"aggregates_ttl\": \"1h\""),
			 0);
}

/* Closes the object of redis, and opens that of the fleet. */
#define FLEET(keys) "}, \"fleet\": {" keys

static void a_fleet_has_names_and_times_that_make_sense(void **state)
{
	(void)state;
	assert_int_equal(check(FLEET("\"host\": \"web-1.example_org\", \"gone_after\": \"3s\"")),
			 0);
	refused(FLEET("\"host\": \"web 1\""), "r.json:1: fleet.host: has at most 64 letters, "
					      "digits, dots, dashes and underscores");
	refused(FLEET("\"gone_after\": \"2s\""),
		"r.json:1: fleet.gone_after: must be from 3s to 1h");
	refused(FLEET("\"gone_after\": \"61m\""),
		"r.json:1: fleet.gone_after: must be from 3s to 1h");
	refused(FLEET("\"forget_after\": \"59s\""),
		"r.json:1: fleet.forget_after: must be from 1m to 30d");
	refused(FLEET("\"forget_after\": \"31d\""),
		"r.json:1: fleet.forget_after: must be from 1m to 30d");
	refused(FLEET("\"gone_after\": \"10m\", \"forget_after\": \"10m\""),
		"r.json:1: fleet.forget_after: must be longer than fleet.gone_after");
}

static void urls_must_agree(void **state)
{
	(void)state;
	refused("\"url\": [\"redis://:a@h\", \"redis://:b@i\"]",
		"r.json:1: redis.url: must name the user and password that the others name, or "
		"none");
	assert_int_equal(check("\"url\": [\"redis://:a@h\", \"redis://i\"]"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_put_there_unless_it_is_said),
		cmocka_unit_test(each_has_its_range),
		cmocka_unit_test(a_fleet_has_names_and_times_that_make_sense),
		cmocka_unit_test(urls_must_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
