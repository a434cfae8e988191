#include "cache.h"

#include "rs_test.h"

#include <errno.h>
#include <string.h>

#define S UINT64_C(1000000000)
#define NOW (1000 * S)

static struct cache *c;
static struct cache_counts counts;

static const struct cache_config usual = { .max_items = 100,
					   .max_bytes = 1 << 20,
					   .max_value = 10000,
					   .ttl_s = 300,
					   .cleanup_ns = 60 * S,
					   .compression = true,
					   .compression_from = 1025,
					   .compression_level = 3 };

static int set_up(void **state)
{
	(void)state;
	return cache_open(&c, &usual);
}

static int tear_down(void **state)
{
	(void)state;
	cache_close(c);
	return 0;
}

static struct cache_bytes bytes(const char *text)
{
	return (struct cache_bytes){ text, strlen(text) };
}

static int set(const char *key, const char *value)
{
	return cache_set(c, &(struct cache_put){ .key = bytes(key),
						 .value = bytes(value),
						 .type = "text/plain",
						 .now_ns = NOW });
}

/* Is it there, with this value? */
static bool has_at(const char *key, const char *value, uint64_t now_ns)
{
	const struct cache_bytes k = bytes(key);
	uint64_t left_ns = 0;
	struct cache_value *v = cache_get(c, &k, now_ns, &left_ns);
	bool has = v && v->length == strlen(value) && !memcmp(v->bytes, value, v->length);

	cache_value_put(v);
	return has;
}

static bool has(const char *key, const char *value)
{
	return has_at(key, value, NOW);
}

static int keep(const char *key, const char *value, uint64_t lapse_s, bool absent)
{
	return cache_set(c, &(struct cache_put){ .key = bytes(key),
						 .value = bytes(value),
						 .type = "text/plain",
						 .ttl_s = 10,
						 .lapse_s = lapse_s,
						 .absent = absent,
						 .now_ns = NOW });
}

static bool lapsed_at(const char *key, uint64_t now_ns, uint64_t over_ns)
{
	const struct cache_bytes k = bytes(key);
	uint64_t over = UINT64_MAX;
	struct cache_value *v = cache_lapsed(c, &k, now_ns, &over);

	if (v)
		assert_int_equal(over, over_ns);
	cache_value_put(v);
	return v != NULL;
}

static void what_is_over_may_be_kept_without_being_found(void **state)
{
	const struct cache_bytes key = bytes("a");
	uint64_t left_ns;

	(void)state;
	assert_int_equal(keep("a", "1", 5, false), 0);
	assert_true(has_at("a", "1", NOW + 10 * S - 1));
	assert_false(lapsed_at("a", NOW + 10 * S - 1, 0));
	assert_false(has_at("a", "1", NOW + 10 * S));
	assert_null(cache_peek(c, &key, NOW + 10 * S, &left_ns));
	assert_true(lapsed_at("a", NOW + 10 * S, 0));
	assert_true(lapsed_at("a", NOW + 15 * S - 1, 5 * S - 1));
	cache_run(c, NOW + 12 * S);
	assert_false(cache_delete(c, &key, NOW + 12 * S)); /* nobody could find it */
	assert_false(lapsed_at("a", NOW + 12 * S, 0));
	assert_int_equal(keep("a", "1", 5, false), 0);
	assert_false(lapsed_at("a", NOW + 15 * S, 0));
	cache_counts_get(c, &counts);
	assert_int_equal(counts.expired, 2);
	assert_int_equal(counts.deletes, 0);
	assert_int_equal(counts.items, 0);
}

static void that_there_is_none_can_be_kept(void **state)
{
	const struct cache_bytes key = bytes("a"), other = bytes("b");
	uint64_t left_ns, count;

	(void)state;
	assert_int_equal(keep("a", "", 0, true), 0);
	assert_true(cache_is_absent(c, &key, NOW + 10 * S - 1));
	assert_false(cache_is_absent(c, &other, NOW));
	assert_false(has_at("a", "", NOW));
	assert_null(cache_peek(c, &key, NOW, &left_ns));
	assert_false(lapsed_at("a", NOW, 0));
	assert_false(cache_is_absent(c, &key, NOW + 10 * S));
	assert_int_equal(keep("a", "", 0, true), 0);
	assert_int_equal(set("a", "1"), 0); /* until there is one */
	assert_false(cache_is_absent(c, &key, NOW));
	assert_true(has("a", "1"));
	assert_int_equal(keep("b", "", 0, true), 0);
	assert_int_equal(cache_clear(c, &(struct cache_clear){ .prefix = { "", 0 },
							       .who = &key,
							       .now_ns = NOW }),
			 0);
	while (cache_cleared(c, &key, &count) == -EAGAIN)
		cache_run(c, NOW);
	assert_int_equal(count, 1); /* of what could be found */
	assert_false(cache_is_absent(c, &other, NOW));
	cache_counts_get(c, &counts);
	assert_int_equal(counts.sets, 1);
	assert_int_equal(counts.invalidations, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_over_may_be_kept_without_being_found),
		TEST(that_there_is_none_can_be_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
