#include "entry.h"

#include "rs_test.h"

#include <errno.h>
#include <string.h>

static const uint64_t key[2] = { 1, 2 };
static struct pack pack;
static struct tags tags;
static const struct entry_means means = { &tags, &pack, key, 7 };

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

static void it_has_all_that_was_put(void **state)
{
	const struct cache_bytes names[] = { { "x", 1 }, { "yz", 2 } };
	const struct cache_put put = { .key = { "a\0b", 3 },
				       .value = { "hello", 5 },
				       .type = "text/plain",
				       .tags = names,
				       .tag_count = 2,
				       .wall_ms = 1234 };
	struct cache_entry *e, *same;

	(void)state;
	assert_int_equal(entry_open(&e, &put, &means), 0);
	assert_int_equal(e->key_length, 3);
	assert_memory_equal(e->key, "a\0b", 3);
	assert_memory_equal(e->value->bytes, "hello", 5);
	assert_string_equal(e->value->type, "text/plain");
	assert_string_equal(e->value->tags, "x yz");
	assert_int_equal(e->value->version, 7);
	assert_int_equal(e->value->created_ms, 1234);
	assert_ptr_equal(tags_first(&tags, "x", 1)->owner, e);
	assert_ptr_equal(tags_first(&tags, "yz", 2)->owner, e);
	assert_null(e->node.queue);
	assert_int_equal(entry_open(&same, &put, &means), 0);
	assert_true(e->node.hash == same->node.hash);
	assert_true(e->node.bytes == same->node.bytes);
	entry_close(e, &tags);
	assert_ptr_equal(tags_first(&tags, "x", 1)->owner, same);
	entry_close(same, &tags);
	assert_null(tags_first(&tags, "x", 1));
}

static int check(size_t key_length, uint64_t ttl_s, const char *tag, size_t count)
{
	struct cache_bytes list[CACHE_TAGS + 1];
	const struct cache_put put = {
		.key = { tag, key_length }, .ttl_s = ttl_s, .tags = list, .tag_count = count
	};

	for (size_t i = 0; i < count; i++)
		list[i] = (struct cache_bytes){ tag, strlen(tag) };
	return entry_check(&put);
}

static void what_nothing_can_be_made_of_is_refused(void **state)
{
	char tag[CACHE_TAG + 2];

	(void)state;
	memset(tag, 'x', sizeof(tag) - 1);
	tag[sizeof(tag) - 1] = '\0';
	assert_int_equal(check(1, 0, "x", CACHE_TAGS), 0);
	assert_int_equal(check(CACHE_KEY_MAX, CACHE_TTL_MAX_S, tag + 1, 1), 0);
	assert_int_equal(check(0, 0, "x", 0), -EINVAL);
	assert_int_equal(check(CACHE_KEY_MAX + 1, 0, "x", 0), -EINVAL);
	assert_int_equal(check(1, CACHE_TTL_MAX_S + 1, "x", 0), -ERANGE);
	assert_int_equal(check(1, 0, "x", CACHE_TAGS + 1), -E2BIG);
	for (const char *bad[] = { "", "a b", "a,b", "a\x7f", "\xc3\xa4", tag }, **at = bad;
	     at < bad + 6; at++)
		assert_int_equal(check(1, 0, *at, 1), -E2BIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_has_all_that_was_put),
		TEST(what_nothing_can_be_made_of_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
