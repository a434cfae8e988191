/*
 * test_cache_clear - what clears take, when they take it, and how many they say.
 */
#include "cache.h"

#include "rs_test.h"

#include "glob.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S UINT64_C(1000000000)
#define NOW (1000 * S)
#define MANY 8000 /* more than are looked at in a piece */

static struct cache *c;
static struct cache_counts counts;
static int asker, other;

static int set_up(void **state)
{
	const struct cache_config config = { .max_items = 20000,
					     .max_bytes = 64 << 20,
					     .max_value = 10000,
					     .ttl_s = 300,
					     .cleanup_ns = 60 * S };

	(void)state;
	return cache_open(&c, &config);
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

static void keep(const char *key, const char *tag, uint64_t ttl_s)
{
	const struct cache_bytes tags[1] = { bytes(tag ? tag : "") };

	assert_int_equal(cache_set(c, &(struct cache_put){ .key = bytes(key),
							   .value = bytes("1"),
							   .type = "t",
							   .tags = tags,
							   .tag_count = tag != NULL,
							   .ttl_s = ttl_s,
							   .now_ns = NOW }),
			 0);
}

/* PREFIX0 … PREFIX7999 */
static void keep_many(const char *prefix, const char *tag)
{
	char key[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "%s%d", prefix, i);
		keep(key, tag, 0);
	}
}

static bool has(const char *key)
{
	const struct cache_bytes k = bytes(key);
	uint64_t left_ns;
	struct cache_value *v = cache_get(c, &k, NOW, &left_ns);
	bool found = v;

	cache_value_put(v);
	return found;
}

static uint64_t items(void)
{
	cache_counts_get(c, &counts);
	return counts.items;
}

static int begin_pattern(const void *who, const char *pattern, uint64_t now_ns)
{
	struct cache_clear clear = { .who = who, .now_ns = now_ns };

	assert_int_equal(glob_open(&clear.pattern, pattern, strlen(pattern)), 0);
	return cache_clear(c, &clear);
}

static int begin_tag(const void *who, const char *tag, uint64_t now_ns)
{
	const struct cache_bytes tags[1] = { bytes(tag) };

	return cache_clear(c, &(struct cache_clear){
				      .tags = tags, .tag_count = 1, .who = who, .now_ns = now_ns });
}

static int begin_prefix(const void *who, const char *prefix, uint64_t now_ns)
{
	return cache_clear(
		c, &(struct cache_clear){ .prefix = bytes(prefix), .who = who, .now_ns = now_ns });
}

/* How many went with one that was begun. */
static uint64_t told(const void *who, int begun)
{
	uint64_t count = UINT64_MAX;
	int ret, wait_ms = 0;

	assert_int_equal(begun, 0);
	while ((ret = cache_cleared(c, who, &count)) == -EAGAIN) {
		assert_int_equal(wait_ms, 0); /* until it is done */
		wait_ms = cache_run(c, NOW);
	}
	assert_int_equal(ret, 0);
	assert_int_equal(cache_cleared(c, who, &count), -ENOENT); /* it is told once */
	return count;
}

static uint64_t pattern(const char *text)
{
	return told(&asker, begin_pattern(&asker, text, NOW));
}

static uint64_t tag(const char *text)
{
	return told(&asker, begin_tag(&asker, text, NOW));
}

static uint64_t prefix(const char *text)
{
	return told(&asker, begin_prefix(&asker, text, NOW));
}

static void a_pattern_clears_what_it_matches(void **state)
{
	(void)state;
	keep("leads:1", NULL, 0);
	keep("leads:2", NULL, 0);
	keep("lead:1", NULL, 0);
	keep("[x]", NULL, 0);
	assert_int_equal(pattern("leads:*"), 2);
	assert_int_equal(pattern("leads:*"), 0);
	assert_int_equal(pattern("[a-z]"), 0);
	assert_int_equal(pattern("[x]"), 1);
	keep("gone", NULL, 1);
	assert_true(has("lead:1"));
	assert_int_equal(pattern("*"), 2);
	assert_int_equal(items(), 0);
	assert_int_equal(counts.invalidations, 5);
}

static void tags_keys_and_prefixes_invalidate(void **state)
{
	const struct cache_bytes key = bytes("k");

	(void)state;
	keep("1", "t", 0);
	keep("2", "t", 0);
	keep("3", "other", 0);
	keep("2", "other", 0); /* not of that tag any more */
	assert_int_equal(tag("t"), 1);
	assert_int_equal(tag("t"), 0);
	assert_true(has("2"));
	keep("k", NULL, 0);
	assert_int_equal(cache_invalidate_key(c, &key, NOW), 1);
	assert_int_equal(cache_invalidate_key(c, &key, NOW), 0);
	keep("p:1", NULL, 0);
	keep("p", NULL, 0);
	assert_int_equal(prefix("p:"), 1);
	assert_true(has("p"));
}

static void what_is_over_does_not_count_as_cleared(void **state)
{
	const struct cache_bytes key = bytes("b");

	(void)state;
	keep("a", NULL, 1);
	keep("b", "t", 1);
	assert_int_equal(told(&asker, begin_prefix(&asker, "a", NOW + S)), 0);
	assert_int_equal(told(&asker, begin_tag(&asker, "t", NOW + S)), 0);
	assert_int_equal(cache_invalidate_key(c, &key, NOW + S), 0);
	assert_int_equal(items(), 0);
	assert_int_equal(counts.expired, 2);
	assert_int_equal(counts.invalidations, 0);
}

/* Each way to clear much: what is left of it in memory nobody finds, and all of it is told. */
static void much_goes_in_pieces_and_at_once(void **state)
{
	static int (*const ways[])(const void *, const char *,
				   uint64_t) = { begin_pattern, begin_prefix, begin_tag };
	static const char *const what[] = { "a*", "a", "t" };
	char key[32];

	(void)state;
	for (size_t way = 0; way < 3; way++) {
		uint64_t left;

		keep_many("a", "t");
		keep("b", NULL, 0);
		assert_int_equal(ways[way](&asker, what[way], NOW), 0);
		left = items();
		assert_true(left > 1 && left < MANY + 1);
		assert_int_equal(cache_cleared(c, &asker, &left), -EAGAIN);
		for (int i = 0; i < MANY; i += 3) {
			snprintf(key, sizeof(key), "a%d", i);
			assert_false(has(key));
		}
		assert_int_equal(cache_run(c, NOW), 0); /* it goes on at once */
		assert_int_equal(told(&asker, 0), MANY);
		assert_int_equal(items(), 1);
		assert_int_equal(counts.invalidations, (way + 1) * MANY);
		assert_true(has("b"));
		assert_true(cache_run(c, NOW) > 0); /* and is done */
	}
}

/* Under keys that were cleared and with their tag, before it was looked at and behind. */
static void what_is_set_meanwhile_stays(void **state)
{
	char key[32];

	(void)state;
	for (int way = 0; way < 2; way++) {
		keep_many("a", "t");
		assert_int_equal(
			way ? begin_tag(&asker, "t", NOW) : begin_pattern(&asker, "*", NOW), 0);
		for (int i = 0; i < MANY; i += 2) {
			snprintf(key, sizeof(key), "a%d", i);
			keep(key, "t", 0);
		}
		assert_int_equal(told(&asker, 0), MANY);
		assert_int_equal(items(), MANY / 2);
		for (int i = 0; i < MANY; i++) {
			snprintf(key, sizeof(key), "a%d", i);
			assert_int_equal(has(key), i % 2 == 0);
		}
	}
}

/* What several take is told by the one that was asked first, to each of them its own. */
static void each_entry_is_told_once(void **state)
{
	(void)state;
	keep_many("a", "t");
	keep_many("b", "t");
	assert_int_equal(begin_pattern(&asker, "a*", NOW), 0);
	assert_int_equal(begin_tag(&other, "t", NOW), 0);
	assert_int_equal(begin_prefix(&c, "", NOW), 0);
	assert_int_equal(told(&other, 0), MANY);
	assert_int_equal(told(&asker, 0), MANY);
	assert_int_equal(told(&c, 0), 0);
	assert_int_equal(items(), 0);
	assert_int_equal(counts.invalidations, 2 * MANY);
}

/* Whatever else takes an entry that a clear was to take: it had been cleared before. */
static void what_goes_otherwise_meanwhile_was_cleared(void **state)
{
	struct cache_bytes key = bytes("short");
	uint64_t left_ns;
	char text[32];

	(void)state;
	keep_many("a", NULL);
	keep("short", NULL, 1);
	assert_int_equal(begin_pattern(&asker, "*", NOW), 0);
	assert_null(cache_get(c, &key, NOW + 2 * S, &left_ns)); /* its second is over by now */
	for (int i = 0; i < MANY; i += 2) {
		snprintf(text, sizeof(text), "a%d", i);
		key = bytes(text);
		assert_false(cache_delete(c, &key, NOW));
	}
	for (int i = 0; i < 20001; i++) { /* the room is full, and one more */
		snprintf(text, sizeof(text), "new%d", i);
		keep(text, NULL, 0);
	}
	cache_counts_get(c, &counts);
	assert_int_equal(counts.deletes, 0);
	assert_int_equal(counts.evictions, 1);
	assert_int_equal(told(&asker, 0), MANY + 1);
	assert_int_equal(items(), 20000);
	assert_int_equal(counts.expired, 0);
}

/* A few at a time; who leaves holds no place once his is done. */
static void no_more_than_a_few_are_under_way(void **state)
{
	uint64_t count;
	int who[9];

	(void)state;
	keep_many("a", NULL);
	for (int i = 0; i < 8; i++)
		assert_int_equal(begin_pattern(&who[i], "?", NOW), 0);
	assert_int_equal(begin_pattern(&who[8], "?", NOW), -EBUSY);
	assert_int_equal(begin_prefix(&who[8], "a", NOW), -EBUSY);
	assert_true(has("a1"));
	assert_int_equal(cache_cleared(c, &who[8], &count), -ENOENT);
	cache_leave(c, &who[3]);
	cache_leave(c, &who[8]); /* he has none */
	assert_int_equal(cache_cleared(c, &who[3], &count), -ENOENT);
	while (cache_run(c, NOW) == 0)
		;
	assert_int_equal(begin_pattern(&who[8], "a*", NOW), 0);      /* the place of who left */
	assert_int_equal(begin_pattern(&who[3], "a*", NOW), -EBUSY); /* the others were not told */
	assert_int_equal(told(&who[8], 0), MANY);
	assert_int_equal(told(&who[0], 0), 0);
	assert_int_equal(cache_cleared(c, NULL, &count), -ENOENT);
	cache_leave(c, &who[1]);
	assert_int_equal(begin_pattern(&who[3], "a*", NOW), 0);
	assert_int_equal(begin_pattern(&who[8], "a*", NOW), 0);
}

/* It is done at once to who looks, however many there are. */
static void what_nobody_waits_for_is_never_refused(void **state)
{
	int who[8];

	(void)state;
	keep_many("a", "t");
	for (int i = 0; i < 8; i++)
		assert_int_equal(begin_pattern(&who[i], "?", NOW), 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(begin_prefix(NULL, "?", NOW), 0);
	assert_true(has("a7999"));
	assert_int_equal(begin_tag(NULL, "t", NOW), 0);
	assert_false(has("a7999"));
	for (int i = 0; i < 8; i++)
		assert_int_equal(told(&who[i], 0), 0);
	while (cache_run(c, NOW) == 0)
		;
	assert_int_equal(items(), 0);
	assert_int_equal(counts.invalidations, MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pattern_clears_what_it_matches),
		TEST(tags_keys_and_prefixes_invalidate),
		TEST(what_is_over_does_not_count_as_cleared),
		TEST(much_goes_in_pieces_and_at_once),
		TEST(what_is_set_meanwhile_stays),
		TEST(each_entry_is_told_once),
		TEST(what_goes_otherwise_meanwhile_was_cleared),
		TEST(no_more_than_a_few_are_under_way),
		TEST(what_nobody_waits_for_is_never_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
