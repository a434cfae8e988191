#include "core.h"

#include <time.h>

static void the_choice_is_a_clock(void **state)
{
	enum rs_clock clock = clock_choose();

	(void)state;
	assert_true(clock == RS_CLOCK_TSC || clock == RS_CLOCK_MONOTONIC);
	home.clock = clock;
	for (int i = 0; i < 1000; i++) {
		uint64_t before = clock_ticks();

		assert_true(clock_ticks() >= before && before > 0);
	}
}

static void monotonic_is_the_kernels(void **state)
{
	struct timespec t;
	uint64_t ns;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &t);
	ns = clock_monotonic_ns();
	assert_in_range(ns - (uint64_t)t.tv_sec * 1000000000u - (uint64_t)t.tv_nsec, 0, 1000000000);
}

static void a_clock_that_is_off_is_zero(void **state)
{
	(void)state;
	home.clock = RS_CLOCK_NONE;
	assert_int_equal(clock_ticks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_choice_is_a_clock),
		cmocka_unit_test(monotonic_is_the_kernels),
		cmocka_unit_test(a_clock_that_is_off_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
