#include "caching.h"

#include "rs_test.h"

#include "config.h"
#include "health.h"

#include <string.h>

#define S UINT64_C(1000000000)

static struct config *config;
static struct health *health;

static int set_up(void **state)
{
	(void)state;
	return config_open(&config) || health_open(&health);
}

static int tear_down(void **state)
{
	(void)state;
	config_close(config);
	health_close(health);
	return 0;
}

static void configure(const char *text)
{
	struct config_error error;

	assert_int_equal(config_read(config, "t", text, strlen(text), &error), 0);
}

static void part(struct health_part *out)
{
	assert_int_equal(health_list(health, out, 1), 1);
	assert_string_equal(out->name, "cache");
}

static void it_is_opened_as_it_was_configured(void **state)
{
	const struct cache_config *c;
	struct cache *cache;

	(void)state;
	configure("{\"cache\": {\"default_ttl\": \"90s\", \"max_memory_items\": 7, "
		  "\"compression_threshold\": 2000, \"compression\": false}}");
	assert_int_equal(caching_open(&cache, config), 0);
	c = cache_config_get(cache);
	assert_int_equal(c->ttl_s, 90);
	assert_int_equal(c->max_items, 7);
	assert_int_equal(c->max_bytes, 64 << 20);
	assert_int_equal(c->max_value, 1 << 20);
	assert_int_equal(c->cleanup_ns, 60 * S);
	assert_int_equal(c->compression_from, 2001);
	assert_int_equal(c->compression_level, 3);
	assert_false(c->compression);
	cache_close(cache);
}

static void turned_off_there_is_none_and_health_says_so(void **state)
{
	struct health_part told;
	struct cache *cache;

	(void)state;
	configure("{\"cache\": {\"enabled\": false}}");
	assert_int_equal(caching_open(&cache, config), 0);
	assert_null(cache);
	caching_second(cache, health, S, 1000);
	part(&told);
	assert_int_equal(told.status, HEALTH_INFO);
	assert_string_equal(told.reason, "turned off by cache.enabled");
}

static void rules_are_told_of_looks_and_memory(void **state)
{
	const struct cache_bytes key = { "a", 1 }, other = { "b", 1 };
	struct source_cache told;
	struct health_part h;
	struct cache *cache;
	uint64_t left_ns;

	(void)state;
	configure("{\"cache\": {\"max_memory_bytes\": \"2MiB\"}}");
	assert_int_equal(caching_open(&cache, config), 0);
	caching_second(cache, health, 100 * S, 1000);
	assert_int_equal(cache_set(cache, &(struct cache_put){ .key = key,
							       .value = { "x", 1 },
							       .type = "t",
							       .now_ns = 100 * S }),
			 0);
	cache_value_put(cache_get(cache, &key, 100 * S, &left_ns));
	cache_value_put(cache_get(cache, &key, 100 * S, &left_ns));
	assert_null(cache_get(cache, &other, 100 * S, &left_ns));
	caching_second(cache, health, 101 * S, 2000);
	caching_told(cache, 0, &told);
	assert_int_equal((int)told.looks, 3);
	assert_int_equal((int)told.hits, 2);
	assert_true(told.memory_percent > 0 && told.memory_percent < 0.1);
	part(&h);
	assert_int_equal(h.status, HEALTH_HEALTHY);
	assert_string_equal(h.reason, "1 of 1000 entries, 0.0 of 2.0 MiB in memory");
	cache_close(cache);
}

static void keep(struct cache *cache, int n)
{
	const struct cache_put put = { .key = { &n, sizeof(n) }, .type = "t", .now_ns = 100 * S };

	assert_int_equal(cache_set(cache, &put), 0);
}

/* Full: what comes in takes the place of another one. It is told by what was looked for. */
static void rules_are_told_of_what_was_given_up(void **state)
{
	struct source_cache told;
	struct cache *cache;
	uint64_t left_ns;

	(void)state;
	configure("{\"cache\": {\"max_memory_items\": 10}}");
	assert_int_equal(caching_open(&cache, config), 0);
	caching_second(cache, health, 100 * S, 1000);
	for (int n = 0; n < 15; n++)
		keep(cache, n);
	for (int n = 0; n < 30; n++) {
		const struct cache_bytes key = { &n, sizeof(n) };

		cache_value_put(cache_get(cache, &key, 100 * S, &left_ns));
	}
	caching_second(cache, health, 101 * S, 2000);
	caching_told(cache, 0, &told);
	assert_int_equal((int)told.looks, 30);
	assert_int_equal((int)told.hits, 10);
	assert_int_equal((int)told.evictions, 5);
	cache_close(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_opened_as_it_was_configured, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(turned_off_there_is_none_and_health_says_so, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(rules_are_told_of_looks_and_memory, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(rules_are_told_of_what_was_given_up, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
