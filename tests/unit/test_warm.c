#include "rs_test.h"
#include "warm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S UINT64_C(1000000000)

static struct warm *w;

static void open_it(uint32_t per_s, uint32_t most, uint64_t every_ns, uint32_t random)
{
	const struct warm_config config = { per_s, most, every_ns };

	assert_int_equal(warm_open(&w, &config, 100 * S, random), 0);
}

static int add(const char *text, uint64_t ttl_s)
{
	const struct cache_bytes key = { text, strlen(text) };

	return warm_add(w, &key, ttl_s, &w);
}

static struct warm_job *next_is(const char *text, uint64_t now_ns)
{
	struct warm_job *job = warm_next(w, now_ns);

	assert_non_null(job);
	assert_int_equal(job->key.length, strlen(text));
	assert_memory_equal(job->key.at, text, strlen(text));
	return job;
}

static void keys_come_in_their_order_at_their_rate(void **state)
{
	struct warm_job *job;

	(void)state;
	open_it(4, 100, 0, 0);
	assert_int_equal(warm_due_ns(w), UINT64_MAX);
	assert_int_equal(add("a", 7), 0);
	assert_int_equal(add("b", 0), 0);
	assert_int_equal(add("c", 0), 0);
	assert_true(warm_due_ns(w) <= 100 * S);
	job = next_is("a", 100 * S);
	assert_int_equal(job->ttl_s, 7);
	assert_ptr_equal(job->who, &w);
	assert_int_equal(warm_due_ns(w), 100 * S + S / 4);
	assert_null(warm_next(w, 100 * S + S / 4 - 1));
	next_is("b", 100 * S + S / 4);
	next_is("c", 200 * S); /* what was not used is not made up for */
	assert_null(warm_next(w, 300 * S));
	add("d", 0);
	add("e", 0);
	next_is("d", 300 * S);
	assert_null(warm_next(w, 300 * S));
	warm_close(w);
}

static void no_more_are_under_way_than_may(void **state)
{
	struct warm_job *a;

	(void)state;
	open_it(1000, 2, 0, 0);
	add("a", 0);
	add("b", 0);
	add("c", 0);
	a = next_is("a", 101 * S);
	next_is("b", 102 * S);
	assert_null(warm_next(w, 103 * S));
	assert_int_equal(warm_due_ns(w), UINT64_MAX);
	warm_done(w, a);
	next_is("c", 103 * S);
	warm_close(w);
}

static void a_key_is_planned_once(void **state)
{
	struct warm_job *a;

	(void)state;
	open_it(1000, 8, 0, 0);
	assert_int_equal(add("a", 0), 0);
	assert_int_equal(add("ab", 0), 0);
	assert_int_equal(add("a", 0), -EEXIST);
	a = next_is("a", 101 * S);
	assert_int_equal(add("a", 0), -EEXIST);
	warm_done(w, a);
	assert_int_equal(add("a", 0), 0);
	warm_close(w);
}

static void a_plan_has_an_end(void **state)
{
	char name[16];

	(void)state;
	open_it(1000, 8, 0, 0);
	for (uint32_t i = 0; i < WARM_KEYS; i++) {
		snprintf(name, sizeof(name), "k%u", i);
		assert_int_equal(add(name, 0), 0);
	}
	assert_int_equal(add("k", 0), -ENOSPC);
	next_is("k0", 101 * S);
	assert_int_equal(add("k", 0), 0);
	warm_close(w);
}

static void the_schedule_comes_round(void **state)
{
	(void)state;
	open_it(1, 1, 10 * S, UINT32_MAX / 2);
	assert_in_range(warm_due_ns(w), 105 * S - 10, 105 * S);
	assert_false(warm_is_time(w, 104 * S));
	assert_true(warm_is_time(w, 105 * S));
	assert_false(warm_is_time(w, 105 * S));
	assert_int_equal(warm_due_ns(w), 115 * S);
	assert_true(warm_is_time(w, 139 * S)); /* once, though two were missed */
	assert_false(warm_is_time(w, 148 * S));
	assert_true(warm_is_time(w, 149 * S));
	warm_close(w);
	open_it(1, 1, 0, UINT32_MAX);
	assert_false(warm_is_time(w, UINT64_MAX - 1));
	warm_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_in_their_order_at_their_rate),
		cmocka_unit_test(no_more_are_under_way_than_may),
		cmocka_unit_test(a_key_is_planned_once),
		cmocka_unit_test(a_plan_has_an_end),
		cmocka_unit_test(the_schedule_comes_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
