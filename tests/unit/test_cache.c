#include "cache.h"

#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

static int set_for(const char *key, const char *value, const char *tag, uint64_t ttl_s)
{
	const struct cache_bytes tags[1] = { bytes(tag ? tag : "") };

	return cache_set(c, &(struct cache_put){ .key = bytes(key),
						 .value = bytes(value),
						 .type = "text/plain",
						 .tags = tags,
						 .tag_count = tag != NULL,
						 .ttl_s = ttl_s,
						 .now_ns = NOW });
}

static int set(const char *key, const char *value)
{
	return set_for(key, value, NULL, 0);
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

static void what_was_set_is_got_until_it_is_deleted(void **state)
{
	const struct cache_bytes key = bytes("a");

	(void)state;
	assert_false(has("a", "1"));
	assert_int_equal(set("a", "1"), 0);
	assert_true(has("a", "1"));
	assert_int_equal(set("a", "22"), 0);
	assert_true(has("a", "22"));
	assert_false(has("b", "22"));
	assert_true(cache_delete(c, &key, NOW));
	assert_false(cache_delete(c, &key, NOW));
	assert_false(has("a", "22"));
	cache_counts_get(c, &counts);
	assert_int_equal(counts.hits, 2);
	assert_int_equal(counts.misses, 3);
	assert_int_equal(counts.sets, 2);
	assert_int_equal(counts.deletes, 1);
	assert_int_equal(counts.items, 0);
	assert_int_equal(counts.bytes, 0);
	assert_int_equal(counts.max_items, 100);
	assert_int_equal(counts.max_bytes, 1 << 20);
}

/* Seen or not, it was no look-up, and it does not stay for it. */
static void a_peek_leaves_no_trace(void **state)
{
	const struct cache_bytes key = bytes("a"), none = bytes("b");
	struct cache_value *v;
	uint64_t left_ns = 0;

	(void)state;
	assert_int_equal(set("a", "1"), 0);
	for (int i = 0; i < 5; i++) {
		v = cache_peek(c, &key, NOW + S, &left_ns);
		assert_int_equal(v->bytes[0], '1');
		assert_int_equal(left_ns, 299 * S);
		cache_value_put(v);
	}
	assert_null(cache_peek(c, &none, NOW, &left_ns));
	assert_null(cache_peek(c, &key, NOW + 300 * S, &left_ns));
	cache_counts_get(c, &counts);
	assert_int_equal(counts.hits, 0);
	assert_int_equal(counts.misses, 0);
	assert_int_equal(counts.expired, 1);
}

static void keys_are_bytes_of_any_kind(void **state)
{
	static char longest[CACHE_KEY_MAX + 1];
	const struct cache_bytes keys[] = {
		{ "a\0b", 3 }, { "a\0c", 3 }, { "a", 1 }, { "\xff", 1 }, { longest, CACHE_KEY_MAX }
	};
	struct cache_put put = { .value = bytes("v"), .type = "t", .now_ns = NOW };
	uint64_t left_ns;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		put.key = keys[i];
		put.value = (struct cache_bytes){ &"01234"[i], 1 };
		assert_int_equal(cache_set(c, &put), 0);
	}
	for (size_t i = 0; i < 5; i++) {
		struct cache_value *v = cache_get(c, &keys[i], NOW, &left_ns);

		assert_non_null(v);
		assert_int_equal(v->bytes[0], '0' + i);
		cache_value_put(v);
	}
	put.key = (struct cache_bytes){ longest, sizeof(longest) };
	assert_int_equal(cache_set(c, &put), -EINVAL);
	put.key.length = 0;
	assert_int_equal(cache_set(c, &put), -EINVAL);
}

static void what_is_refused_changes_nothing(void **state)
{
	static char large[10001], tag[CACHE_TAG + 2];
	struct cache_bytes tags[CACHE_TAGS + 1];
	struct cache_put put = { .key = bytes("a"), .type = "t", .now_ns = NOW, .tags = tags };

	(void)state;
	assert_int_equal(set("a", "1"), 0);
	put.value = (struct cache_bytes){ large, sizeof(large) };
	assert_int_equal(cache_set(c, &put), -EFBIG);
	put.value.length--;
	put.ttl_s = CACHE_TTL_MAX_S + 1;
	assert_int_equal(cache_set(c, &put), -ERANGE);
	put.ttl_s = CACHE_TTL_MAX_S;
	for (size_t i = 0; i <= CACHE_TAGS; i++)
		tags[i] = bytes("t");
	put.tag_count = CACHE_TAGS + 1;
	assert_int_equal(cache_set(c, &put), -E2BIG);
	put.tag_count = 1;
	memset(tag, 'x', CACHE_TAG + 1);
	for (const char *bad[] = { "", "a b", "a,b", "a\x7f", "\xc3\xa4", tag }, **at = bad;
	     at < bad + 6; at++) {
		tags[0] = bytes(*at);
		assert_int_equal(cache_set(c, &put), -E2BIG);
	}
	assert_true(has("a", "1"));
	cache_counts_get(c, &counts);
	assert_int_equal(counts.sets, 1);
	tags[0] = bytes(tag + 1);
	assert_int_equal(cache_set(c, &put), 0);
	assert_false(has("a", "1"));
}

static void an_entry_lives_as_long_as_it_was_given(void **state)
{
	const struct cache_bytes key = bytes("a");
	uint64_t left_ns = 0;

	(void)state;
	assert_int_equal(set_for("a", "1", NULL, 10), 0);
	assert_int_equal(set("b", "1"), 0);
	cache_value_put(cache_get(c, &key, NOW + 4 * S, &left_ns));
	assert_int_equal(left_ns, 6 * S);
	assert_true(has_at("a", "1", NOW + 10 * S - 1));
	assert_false(has_at("a", "1", NOW + 10 * S));
	assert_true(has_at("b", "1", NOW + 300 * S - 1));
	assert_false(has_at("b", "1", NOW + 300 * S));
	cache_counts_get(c, &counts);
	assert_int_equal(counts.expired, 2);
	assert_int_equal(counts.items, 0);
}

static void what_is_over_goes_in_time_though_nobody_asks(void **state)
{
	(void)state;
	assert_int_equal(cache_run(c, NOW), -1); /* an empty one sleeps */
	assert_int_equal(set_for("a", "1", NULL, 10), 0);
	assert_int_equal(set_for("b", "1", NULL, 100), 0);
	assert_int_equal(cache_run(c, NOW), 60001);
	assert_int_equal(cache_run(c, NOW + 60 * S - 1), 1);
	cache_counts_get(c, &counts);
	assert_int_equal(counts.items, 2);
	assert_int_equal(cache_run(c, NOW + 60 * S), 60001);
	cache_counts_get(c, &counts);
	assert_int_equal(counts.items, 1);
	assert_int_equal(counts.expired, 1);
	assert_int_equal(cache_run(c, NOW + 120 * S), -1);
	assert_int_equal(set("c", "1"), 0);
	assert_true(cache_run(c, NOW) > 0);
}

static void a_large_one_is_looked_through_in_pieces(void **state)
{
	struct cache_config large = usual;
	char key[16];

	(void)state;
	cache_close(c);
	large.max_items = 5000;
	assert_int_equal(cache_open(&c, &large), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(set_for(key, "", NULL, 1), 0);
	}
	assert_int_equal(cache_run(c, NOW + 60 * S), 1);
	cache_counts_get(c, &counts);
	assert_true(counts.items > 0 && counts.items < 3000);
	while (cache_run(c, NOW + 60 * S) == 1)
		;
	assert_int_equal(cache_run(c, NOW + 60 * S), -1);
	cache_counts_get(c, &counts);
	assert_int_equal(counts.items, 0);
	assert_int_equal(counts.bytes, 0);
}

static void items_and_bytes_have_their_limits(void **state)
{
	struct cache_config small = usual;
	static char value[9001];
	char key[16];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(set(key, "v"), 0);
		cache_counts_get(c, &counts);
		assert_true(counts.items <= 100);
	}
	assert_int_equal(counts.items, 100);
	assert_int_equal(counts.evictions, 900);
	cache_close(c);
	small.max_bytes = 50000;
	small.compression = false;
	assert_int_equal(cache_open(&c, &small), 0);
	memset(value, 'x', 9000);
	for (int i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(set(key, value), 0);
		cache_counts_get(c, &counts);
		assert_true(counts.bytes <= 50000);
	}
	assert_int_equal(counts.items, 5);
	assert_int_equal(set("0", "short"), 0);
	assert_true(has("0", "short"));
}

static void one_larger_than_all_the_room_is_refused(void **state)
{
	struct cache_config tiny = usual;
	static char value[600];

	(void)state;
	cache_close(c);
	tiny.max_bytes = 500;
	assert_int_equal(cache_open(&c, &tiny), 0);
	assert_int_equal(set("a", "1"), 0);
	memset(value, 'x', 599);
	assert_int_equal(set("b", value), -ENOSPC);
	assert_true(has("a", "1"));
	cache_counts_get(c, &counts);
	assert_int_equal(counts.errors, 1);
	assert_int_equal(counts.sets, 1);
}

static void what_is_over_makes_room_first_of_all_without_being_an_eviction(void **state)
{
	struct cache_config tiny = usual;

	(void)state;
	cache_close(c);
	tiny.max_items = 1;
	assert_int_equal(cache_open(&c, &tiny), 0);
	assert_int_equal(set_for("a", "1", NULL, 1), 0);
	assert_int_equal(cache_set(c, &(struct cache_put){ .key = bytes("b"),
							   .value = bytes("2"),
							   .type = "t",
							   .now_ns = NOW + 2 * S }),
			 0);
	cache_counts_get(c, &counts);
	assert_int_equal(counts.evictions, 0);
	assert_int_equal(counts.expired, 1);
}

/* Setting it again is a use of it: what is written often is not what goes first. */
static void what_is_replaced_keeps_its_worth(void **state)
{
	char key[16];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(set("hot", "1"), 0);
	for (int i = 0; i < 150; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(set(key, "v"), 0);
	}
	assert_true(has("hot", "1"));
	assert_false(has("0", "v"));
}

static void a_value_outlives_its_entry(void **state)
{
	const struct cache_bytes key = bytes("a");
	struct cache_value *v;
	uint64_t left_ns;

	(void)state;
	assert_int_equal(set("a", "1"), 0);
	v = cache_get(c, &key, NOW, &left_ns);
	assert_true(cache_delete(c, &key, NOW));
	assert_int_equal(v->bytes[0], '1');
	cache_value_put(v);
}

static void long_values_are_packed_and_told(void **state)
{
	static char value[5001];
	const struct cache_bytes key = bytes("a");
	struct cache_value *v;
	uint64_t left_ns;
	void *out;

	(void)state;
	memset(value, 'x', 5000);
	assert_int_equal(set("a", value), 0);
	cache_counts_get(c, &counts);
	assert_int_equal(counts.packed, 1);
	assert_int_equal(counts.packed_raw, 5000);
	assert_true(counts.packed_stored < 100);
	v = cache_get(c, &key, NOW, &left_ns);
	assert_int_equal(cache_expand(c, v, &out), 0);
	assert_memory_equal(out, value, 5000);
	free(out);
	v->bytes[0] ^= 0xff;
	assert_int_equal(cache_expand(c, v, &out), -EBADMSG);
	cache_value_put(v);
	assert_int_equal(set("a", "short"), 0);
	cache_counts_get(c, &counts);
	assert_int_equal(counts.packed, 0);
	assert_int_equal(counts.packed_raw, 0);
	assert_int_equal(counts.errors, 1);
	assert_null(cache_pack_problem(c));
}

static void versions_grow_and_windows_are_kept(void **state)
{
	const struct cache_bytes key = bytes("a");
	struct rates_counts window;
	uint64_t left_ns, version = 0;

	(void)state;
	cache_second(c, NOW);
	for (int i = 0; i < 3; i++) {
		struct cache_value *v;

		assert_int_equal(set("a", "1"), 0);
		v = cache_get(c, &key, NOW, &left_ns);
		assert_true(v->version > version);
		version = v->version;
		cache_value_put(v);
	}
	cache_second(c, NOW + S);
	cache_window(c, NOW, UINT64_MAX, &window);
	assert_int_equal(window.hits, 3);
	assert_int_equal(window.misses, 0);
	assert_int_equal(cache_config_get(c)->ttl_s, 300);
}

/* One from behind, as another agent kept it, for the caller to put back. */
static struct cache_value *restored(const char *text, const char *tags)
{
	const struct cache_stored stored = { .bytes = bytes(text),
					     .type = "a/b",
					     .tags = tags,
					     .length = strlen(text),
					     .checksum = 9,
					     .created_ms = 5 };
	struct cache_value *v;

	assert_int_equal(cache_value_restore(&v, &stored), 0);
	return v;
}

static void a_value_from_behind_is_as_good_as_one_that_was_put_in(void **state)
{
	const struct cache_bytes key = bytes("a"), other = bytes("b"), tag = bytes("t");
	const struct cache_lease lease = { NOW, 7 * S };
	struct cache_value *v = restored("one", "s t"), *got;
	uint64_t left_ns, version;

	(void)state;
	assert_int_equal(set("b", "1"), 0);
	got = cache_peek(c, &other, NOW, &left_ns);
	version = got->version;
	cache_value_put(got);
	assert_int_equal(cache_adopt(c, &key, v, &lease), 0);
	cache_value_put(v);
	got = cache_get(c, &key, NOW + 3 * S, &left_ns);
	assert_ptr_equal(got, v);
	assert_true(got->version > version);
	assert_int_equal(got->checksum, 9);
	assert_int_equal(left_ns, 4 * S);
	cache_value_put(got);
	cache_counts_get(c, &counts);
	assert_int_equal(counts.sets, 1); /* nobody set it here */
	assert_int_equal(
		cache_clear(c,
			    &(struct cache_clear){ .tags = &tag, .tag_count = 1, .now_ns = NOW }),
		0);
	v = restored("one", "bad,tag");
	assert_int_equal(cache_adopt(c, &key, v, &lease), -E2BIG);
	cache_value_put(v);
	assert_null(cache_get(c, &key, NOW, &left_ns));
}

static void a_peek_is_no_look(void **state)
{
	const struct cache_bytes key = bytes("a"), other = bytes("b");
	struct rates_counts window;
	uint64_t left_ns;

	(void)state;
	assert_int_equal(set("a", "1"), 0);
	cache_second(c, NOW);
	cache_value_put(cache_peek(c, &key, NOW + S, &left_ns));
	assert_int_equal(left_ns, 299 * S);
	assert_null(cache_peek(c, &other, NOW, &left_ns));
	cache_counts_get(c, &counts);
	assert_int_equal(counts.hits + counts.misses, 0);
	assert_null(cache_get(c, &other, NOW, &left_ns));
	cache_found(c); /* behind */
	cache_counts_get(c, &counts);
	assert_int_equal(counts.misses, 1);
	assert_int_equal(counts.found, 1);
	cache_second(c, NOW + S);
	cache_window(c, NOW, UINT64_MAX, &window);
	assert_int_equal(window.hits, 1); /* one look, and it was answered */
	assert_int_equal(window.misses, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_set_is_got_until_it_is_deleted),
		TEST(a_peek_leaves_no_trace),
		TEST(keys_are_bytes_of_any_kind),
		TEST(what_is_refused_changes_nothing),
		TEST(an_entry_lives_as_long_as_it_was_given),
		TEST(what_is_over_goes_in_time_though_nobody_asks),
		TEST(a_large_one_is_looked_through_in_pieces),
		TEST(items_and_bytes_have_their_limits),
		TEST(one_larger_than_all_the_room_is_refused),
		TEST(what_is_over_makes_room_first_of_all_without_being_an_eviction),
		TEST(what_is_replaced_keeps_its_worth),
		TEST(a_value_outlives_its_entry),
		TEST(long_values_are_packed_and_told),
		TEST(versions_grow_and_windows_are_kept),
		TEST(a_value_from_behind_is_as_good_as_one_that_was_put_in),
		TEST(a_peek_is_no_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
