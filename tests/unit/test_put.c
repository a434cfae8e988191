#include "put.h"

#include "rs_test.h"

#include <errno.h>
#include <string.h>

static const struct cache_config config = { .max_value = 5 };

static void a_value_has_all_that_was_put(void **state)
{
	const struct cache_bytes names[] = { { "x", 1 }, { "yz", 2 } };
	const struct cache_put put = { .key = { "a", 1 },
				       .value = { "hello", 5 },
				       .type = "text/plain",
				       .tags = names,
				       .tag_count = 2,
				       .wall_ms = 1234 };
	struct pack pack = { .on = false };
	struct cache_value *v;

	(void)state;
	assert_int_equal(put_check(&put, &config), 0);
	assert_int_equal(put_value(&put, &pack, 7, &v), 0);
	assert_memory_equal(v->bytes, "hello", 5);
	assert_string_equal(v->type, "text/plain");
	assert_string_equal(v->tags, "x yz");
	assert_int_equal(v->version, 7);
	assert_int_equal(v->created_ms, 1234);
	cache_value_put(v);
}

static void one_that_is_too_large_is_refused(void **state)
{
	const struct cache_put put = { .key = { "a", 1 }, .value = { "longer", 6 } };

	(void)state;
	assert_int_equal(put_check(&put, &config), -EFBIG);
}

static int check(size_t key_length, uint64_t ttl_s, const char *tag, size_t count)
{
	struct cache_bytes list[CACHE_TAGS + 1];
	const struct cache_put put = {
		.key = { tag, key_length }, .ttl_s = ttl_s, .tags = list, .tag_count = count
	};

	for (size_t i = 0; i < count; i++)
		list[i] = (struct cache_bytes){ tag, strlen(tag) };
	return put_check(&put, &config);
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

static void the_tags_of_a_value_are_names_again(void **state)
{
	struct cache_bytes names[CACHE_TAGS];

	(void)state;
	assert_int_equal(put_tags_read("a bc", names), 2);
	assert_int_equal(names[1].length, 2);
	assert_memory_equal(names[1].at, "bc", 2);
	assert_int_equal(put_tags_read("", names), 0);
	for (const char *bad[] = { " ", "a ", " a", "a  b", "a,b", "a\tb",
				   "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7" },
			**at = bad;
	     at < bad + 7; at++)
		assert_int_equal(put_tags_read(*at, names), -E2BIG);
}

static void a_type_goes_into_a_header(void **state)
{
	char longest[CACHE_TYPE + 2];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[CACHE_TYPE] = '\0';
	assert_true(put_is_type("text/plain; charset=utf-8"));
	assert_true(put_is_type(longest));
	longest[CACHE_TYPE] = 'a';
	longest[CACHE_TYPE + 1] = '\0';
	assert_false(put_is_type(longest));
	assert_false(put_is_type(""));
	assert_false(put_is_type("a\r\nX: y"));
	assert_false(put_is_type("a\xff"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_has_all_that_was_put),
		cmocka_unit_test(one_that_is_too_large_is_refused),
		cmocka_unit_test(what_nothing_can_be_made_of_is_refused),
		cmocka_unit_test(the_tags_of_a_value_are_names_again),
		cmocka_unit_test(a_type_goes_into_a_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
