#include "breaker.h"
#include "rs_test.h"

static const struct breaker_limits limits = { .failures = 3, .first_ns = 100, .most_ns = 400 };

static void fails(struct breaker *b, uint64_t now_ns)
{
	breaker_failed(b, &limits, now_ns, UINT32_MAX / 2);
}

static void three_failures_in_a_row_open_it(void **state)
{
	struct breaker b = { .state = BREAKER_CLOSED };

	(void)state;
	fails(&b, 1);
	fails(&b, 2);
	assert_true(breaker_allows(&b, 2));
	breaker_answered(&b, 3);
	fails(&b, 4);
	fails(&b, 5);
	assert_int_equal(b.state, BREAKER_CLOSED);
	fails(&b, 6);
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_int_equal(b.since_ns, 6);
	assert_false(breaker_allows(&b, 7));
}

static struct breaker opened(void)
{
	struct breaker b = { .state = BREAKER_CLOSED };

	for (uint64_t i = 0; i < 3; i++)
		fails(&b, 0);
	return b;
}

static void one_probe_goes_when_the_wait_is_over(void **state)
{
	struct breaker b = opened();

	(void)state;
	assert_false(breaker_allows(&b, b.due_ns - 1));
	assert_true(breaker_allows(&b, b.due_ns));
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
	assert_false(breaker_allows(&b, b.due_ns + 1));
	breaker_answered(&b, 500);
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_int_equal(b.since_ns, 500);
	assert_true(breaker_allows(&b, 501));
}

static void a_probe_that_fails_waits_for_twice_as_long(void **state)
{
	static const uint64_t waits[] = { 100, 200, 400, 400, 400 };
	struct breaker b = opened();
	uint64_t now_ns = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_in_range(b.due_ns - now_ns, waits[i] - 1, waits[i]);
		now_ns = b.due_ns;
		assert_true(breaker_allows(&b, now_ns));
		fails(&b, now_ns);
	}
	breaker_allows(&b, now_ns + 1000);
	breaker_answered(&b, now_ns + 1000);
	for (int i = 0; i < 3; i++)
		fails(&b, now_ns);
	assert_in_range(b.due_ns - now_ns, 99, 100); /* as at first */
}

static void a_failure_of_before_does_not_move_an_open_one(void **state)
{
	struct breaker b = opened();
	uint64_t due_ns = b.due_ns;

	(void)state;
	fails(&b, 50);
	assert_int_equal(b.due_ns, due_ns);
}

static void one_at_rest_is_not_asked_until_then(void **state)
{
	struct breaker b = { .state = BREAKER_CLOSED };

	(void)state;
	breaker_rest(&b, 5, 1000);
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_int_equal(b.since_ns, 5);
	fails(&b, 6);
	assert_false(breaker_allows(&b, 999));
	assert_true(breaker_allows(&b, 1000));
	breaker_rest(&b, 1001, 2000); /* by the probe, too */
	assert_false(breaker_allows(&b, 1999));
	assert_true(breaker_allows(&b, 2000));
}

static void chance_moves_the_wait_by_a_half(void **state)
{
	(void)state;
	assert_int_equal(breaker_wait_ns(&limits, 0, 0), 50);
	assert_int_equal(breaker_wait_ns(&limits, 0, UINT32_MAX), 150);
	assert_int_equal(breaker_wait_ns(&limits, UINT32_MAX, UINT32_MAX), 600);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(breaker_state_name(BREAKER_CLOSED), "closed");
	assert_string_equal(breaker_state_name(BREAKER_OPEN), "open");
	assert_string_equal(breaker_state_name(BREAKER_HALF_OPEN), "half-open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_failures_in_a_row_open_it),
		cmocka_unit_test(one_probe_goes_when_the_wait_is_over),
		cmocka_unit_test(a_probe_that_fails_waits_for_twice_as_long),
		cmocka_unit_test(a_failure_of_before_does_not_move_an_open_one),
		cmocka_unit_test(one_at_rest_is_not_asked_until_then),
		cmocka_unit_test(chance_moves_the_wait_by_a_half),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
