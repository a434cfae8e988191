#include "pace.h"
#include "rs_test.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

/* Looks when it is due, so often, and finds this much. */
static uint64_t pace_run(struct pace *p, uint64_t now_ns, uint32_t looks, uint32_t fill)
{
	for (uint32_t i = 0; i < looks; i++) {
		if (pace_due_ns(p) > now_ns)
			now_ns = pace_due_ns(p);
		pace_step(p, now_ns, fill);
	}
	return now_ns;
}

static void a_new_process_is_looked_at_at_once_and_soon_again(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 5 * SECOND);
	assert_int_equal(pace_due_ns(&p), 5 * SECOND);
	pace_step(&p, 5 * SECOND, 0);
	assert_int_equal(p.period_ns, PACE_LEAST_NS);
}

static void nothing_doubles_the_period_to_its_most(void **state)
{
	struct pace p;
	uint64_t now_ns;

	(void)state;
	pace_init(&p, SECOND);
	now_ns = pace_run(&p, SECOND, 4, 0);
	assert_int_equal(p.period_ns, 16 * MS);
	pace_run(&p, now_ns, 4, 0);
	assert_int_equal(p.period_ns, PACE_MOST_NS);
}

static void something_brings_it_back_to_ten_milliseconds(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, SECOND);
	pace_run(&p, SECOND, 20, 0);
	pace_step(&p, pace_due_ns(&p), 1);
	assert_int_equal(p.period_ns, PACE_LOAD_NS);
}

static void a_lane_holds_two_periods_of_its_peak(void **state)
{
	struct pace p;
	uint64_t now_ns;

	(void)state;
	pace_init(&p, SECOND);
	now_ns = pace_run(&p, SECOND, 20, 1);
	assert_int_equal(p.period_ns, PACE_LOAD_NS);
	pace_step(&p, now_ns + 10 * MS, PACE_FULL);
	assert_int_equal(p.hold_ns, 10 * MS);
	assert_int_equal(p.period_ns, 5 * MS);
	pace_step(&p, now_ns + 15 * MS, PACE_FULL);
	assert_int_equal(p.period_ns, 2500000);
	pace_step(&p, now_ns + 17 * MS, PACE_FULL);
	assert_int_equal(p.period_ns, PACE_LEAST_NS);
}

static void the_peak_is_remembered_when_nothing_comes(void **state)
{
	struct pace p;
	uint64_t now_ns;

	(void)state;
	pace_init(&p, SECOND);
	now_ns = pace_run(&p, SECOND, 10, 0);
	pace_step(&p, now_ns + 5 * MS, PACE_FULL);
	now_ns = pace_run(&p, now_ns + 5 * MS, 100, 0);
	assert_true(p.period_ns < 4 * MS); /* a quarter of a second later */
	while (p.period_ns < PACE_MOST_NS)
		now_ns = pace_run(&p, now_ns, 1, 0);
	assert_in_range(now_ns, 3 * SECOND, 15 * SECOND);
}

static void a_clock_that_stands_still_or_goes_back_hurts_nobody(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, SECOND);
	for (int i = 0; i < 1000; i++)
		pace_step(&p, SECOND - (uint64_t)i, PACE_FULL);
	assert_int_equal(p.period_ns, PACE_LOAD_NS);
	pace_step(&p, UINT64_MAX / 2, 0);
	assert_true(p.period_ns <= PACE_MOST_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_process_is_looked_at_at_once_and_soon_again),
		cmocka_unit_test(nothing_doubles_the_period_to_its_most),
		cmocka_unit_test(something_brings_it_back_to_ten_milliseconds),
		cmocka_unit_test(a_lane_holds_two_periods_of_its_peak),
		cmocka_unit_test(the_peak_is_remembered_when_nothing_comes),
		cmocka_unit_test(a_clock_that_stands_still_or_goes_back_hurts_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
