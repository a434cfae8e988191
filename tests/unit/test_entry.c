#include "entry.h"

#include "put.h"
#include "rs_test.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

static const uint64_t key[2] = { 1, 2 };
static struct pack pack;
static struct tags tags;
static const struct entry_means means = { &tags, key };

static int set_up(void **state)
{
	(void)state;
	return tags_open(&tags, 8, key);
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(tags.count, 0);
	tags_close(&tags);
	return 0;
}

static struct cache_entry *make(const struct cache_put *put)
{
	struct cache_value *v;
	struct cache_entry *e;

	assert_int_equal(put_value(put, &pack, 7, &v), 0);
	assert_int_equal(entry_open(&e, put, v, &means), 0);
	return e;
}

static void it_has_all_that_was_put(void **state)
{
	const struct cache_bytes names[] = { { "x", 1 }, { "yz", 2 } };
	const struct cache_put put = { .key = { "a\0b", 3 },
				       .value = { "hello", 5 },
				       .type = "text/plain",
				       .tags = names,
				       .tag_count = 2 };
	struct cache_entry *e, *same;

	(void)state;
	e = make(&put);
	assert_int_equal(e->key_length, 3);
	assert_memory_equal(e->key, "a\0b", 3);
	assert_memory_equal(e->value->bytes, "hello", 5);
	assert_ptr_equal(tags_first(&tags, "x", 1)->owner, e);
	assert_ptr_equal(tags_first(&tags, "yz", 2)->owner, e);
	assert_null(e->node.queue);
	same = make(&put);
	assert_true(e->node.hash == same->node.hash);
	assert_true(e->node.bytes == same->node.bytes);
	entry_close(e, &tags);
	assert_ptr_equal(tags_first(&tags, "x", 1)->owner, same);
	entry_close(same, &tags);
	assert_null(tags_first(&tags, "x", 1));
}

/* Sixteen names that nobody else has cost what they take; it stays so where others have them. */
static void the_names_of_its_tags_are_its_own_cost(void **state)
{
	char text[CACHE_TAGS * CACHE_TAG];
	struct cache_bytes names[CACHE_TAGS];
	struct cache_put put = { .key = { "a", 1 }, .type = "t", .tags = names };
	struct cache_entry *none, *all, *others;

	(void)state;
	for (size_t i = 0; i < CACHE_TAGS; i++) {
		names[i] = (struct cache_bytes){ text + i * CACHE_TAG, CACHE_TAG };
		memset(text + i * CACHE_TAG, 'a' + (int)i, CACHE_TAG);
	}
	none = make(&put);
	put.tag_count = CACHE_TAGS;
	all = make(&put);
	others = make(&put);
	/* a name in the index, one in the value with its blank, and the link */
	assert_true(all->node.bytes >=
		    none->node.bytes + CACHE_TAGS * (tags_size(CACHE_TAG) + CACHE_TAG + 1 +
						     sizeof(struct tag_link)));
	assert_true(others->node.bytes == all->node.bytes);
	entry_close(none, &tags);
	entry_close(all, &tags);
	entry_close(others, &tags);
}

/* As many and as long tags as there may be, which no other entry has. */
static int keep_tagged(struct cache *c, int n)
{
	char text[CACHE_TAGS][CACHE_TAG + 1];
	struct cache_bytes names[CACHE_TAGS];
	const struct cache_put put = { .key = { &n, sizeof(n) },
				       .value = { "0123456789", 10 },
				       .type = "t",
				       .tags = names,
				       .tag_count = CACHE_TAGS };

	for (int i = 0; i < (int)CACHE_TAGS; i++) {
		snprintf(text[i], sizeof(text[i]), "%0*d", (int)CACHE_TAG, n * 100 + i);
		names[i] = (struct cache_bytes){ text[i], CACHE_TAG };
	}
	return cache_set(c, &put);
}

/* By what malloc says (under a sanitizer it says nothing): it takes no more than it may. */
static void a_cache_of_many_tags_keeps_within_its_bytes(void **state)
{
	const struct cache_config config = {
		.max_items = 10000, .max_bytes = 4 << 20, .max_value = 10, .ttl_s = 1
	};
	struct mallinfo2 before, after;
	struct cache_counts counts;
	struct cache *c;

	(void)state;
	assert_int_equal(cache_open(&c, &config), 0);
	before = mallinfo2();
	for (int n = 0; n < 3000; n++)
		assert_int_equal(keep_tagged(c, n), 0);
	after = mallinfo2();
	cache_counts_get(c, &counts);
	assert_true(counts.evictions > 0);
	assert_true(counts.bytes <= config.max_bytes);
	/* a hundredth: what was freed last is kept at hand */
	assert_true(after.uordblks <= before.uordblks + config.max_bytes + config.max_bytes / 100);
	cache_close(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_has_all_that_was_put),
		TEST(the_names_of_its_tags_are_its_own_cost),
		TEST(a_cache_of_many_tags_keeps_within_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
