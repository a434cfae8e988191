#include "redis_key.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>

static uint16_t slot(const char *key)
{
	return redis_key_slot(key, strlen(key));
}

/* Of the cluster specification, and of redis-cli cluster keyslot. */
static void slots_are_those_of_the_specification(void **state)
{
	(void)state;
	assert_int_equal(slot("123456789"), 0x31c3 % REDIS_SLOTS);
	assert_int_equal(slot("foo"), 12182);
	assert_int_equal(slot("bar"), 5061);
	assert_int_equal(slot(""), 0);
	assert_int_equal(redis_key_slot("\0\xff", 2), 0x1ef0 % REDIS_SLOTS);
}

static void a_hash_tag_is_all_that_counts(void **state)
{
	(void)state;
	assert_int_equal(slot("{user1000}.following"), slot("user1000"));
	assert_int_equal(slot("a{user1000}b"), slot("{user1000}.followers"));
	assert_int_equal(slot("foo{bar}{zap}"), slot("bar"));
	assert_int_equal(slot("foo{{bar}}zap"), slot("{bar"));
	assert_int_not_equal(slot("foo{}{bar}"), slot("bar")); /* an empty tag is none */
	assert_int_not_equal(slot("foo{bar"), slot("bar"));
	assert_int_not_equal(slot("foo}bar{"), slot(""));
}

static void pattern_is(const char *ours, const char *theirs)
{
	char out[64];
	int n = redis_key_pattern("p:", ours, strlen(ours), out, sizeof(out));

	assert_true(n >= 0);
	assert_int_equal(n, strlen(theirs));
	assert_memory_equal(out, theirs, (size_t)n);
}

static void patterns_stay_behind_the_prefix(void **state)
{
	char out[8];

	(void)state;
	pattern_is("*", "p:*");
	pattern_is("a?c", "p:a?c");
	pattern_is("[a-z]", "p:\\[a-z\\]");
	pattern_is("\\*", "p:\\*");
	pattern_is("\\[", "p:\\[");
	pattern_is("\\\\", "p:\\\\");
	pattern_is("a\\", "p:a\\\\"); /* nothing follows: it is one of its own */
	pattern_is("^", "p:^");
	assert_int_equal(redis_key_pattern("p:", "abcdef", 6, out, sizeof(out)), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_those_of_the_specification),
		cmocka_unit_test(a_hash_tag_is_all_that_counts),
		cmocka_unit_test(patterns_stay_behind_the_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
