#include "flights.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint64_t hash_key[2] = { 1, 2 };
static char told[256];

static void hear(void *ctx, const struct origin_answer *answer)
{
	size_t n = strlen(told);

	snprintf(told + n, sizeof(told) - n, "%s%s ", (const char *)ctx, answer->first ? "!" : "");
}

static struct origin_then who(char *name)
{
	return (struct origin_then){ hear, name };
}

static struct cache_bytes key(const char *text)
{
	return (struct cache_bytes){ text, strlen(text) };
}

static struct flight *fly(struct flights *f, const char *text)
{
	struct cache_bytes k = key(text);
	struct flight *one;

	assert_int_equal(flights_add(f, &k, &one), 0);
	return one;
}

static struct flight *find(const struct flights *f, const char *text)
{
	struct cache_bytes k = key(text);

	return flights_find(f, &k);
}

static void all_who_wait_are_told_in_their_order(void **state)
{
	static char a[] = "a", b[] = "b", c[] = "c";
	struct origin_then then[] = { who(a), who(b), who(c) };
	struct origin_answer answer = { .fault = ORIGIN_FINE };
	struct flights *f;
	struct flight *one;

	(void)state;
	assert_int_equal(flights_open(&f, hash_key), 0);
	one = fly(f, "k");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(flights_join(f, one, &then[i]), 0);
	assert_ptr_equal(find(f, "k"), one);
	assert_memory_equal(one->key, "k", 1);
	flights_take(f, one);
	assert_null(find(f, "k"));
	told[0] = '\0';
	flight_tell(f, one, &answer);
	assert_string_equal(told, "a! b c ");
	flights_close(f);
}

static void keys_are_told_apart(void **state)
{
	struct cache_bytes zero = { "k\0a", 3 }, other = { "k\0b", 3 };
	struct flight *flights[3000], *one;
	struct flights *f;
	char name[16];

	(void)state;
	assert_int_equal(flights_open(&f, hash_key), 0);
	assert_null(flights_any(f));
	for (int i = 0; i < 3000; i++) { /* several of each bucket */
		snprintf(name, sizeof(name), "k%d", i);
		flights[i] = fly(f, name);
	}
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "k%d", i);
		assert_ptr_equal(find(f, name), flights[i]);
	}
	assert_null(find(f, "k"));
	assert_int_equal(flights_add(f, &zero, &one), 0);
	assert_ptr_equal(flights_find(f, &zero), one);
	assert_null(flights_find(f, &other));
	assert_non_null(flights_any(f));
	flights_close(f);
}

static void there_is_an_end_to_who_waits(void **state)
{
	static char name[] = "a";
	struct origin_then then = who(name);
	struct origin_answer answer = { .fault = ORIGIN_FINE };
	struct flight *one, *two;
	struct flights *f;

	(void)state;
	assert_int_equal(flights_open(&f, hash_key), 0);
	one = fly(f, "1");
	two = fly(f, "2");
	assert_int_equal(flights_join(f, one, &then), 0);
	for (uint32_t i = 1; i < FLIGHTS_WAITERS; i++)
		assert_int_equal(flights_join(f, two, &then), 0);
	assert_int_equal(flights_join(f, one, &then), -ENOBUFS);
	flights_take(f, one);
	flight_tell(f, one, &answer);
	assert_int_equal(flights_join(f, two, &then), 0);
	assert_int_equal(flights_join(f, two, &then), -ENOBUFS);
	flights_close(f); /* the rest with it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_who_wait_are_told_in_their_order),
		cmocka_unit_test(keys_are_told_apart),
		cmocka_unit_test(there_is_an_end_to_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
