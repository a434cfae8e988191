#include "series.h"

#include "metrics_fixture.h"

#include <errno.h>

#define BUDGET (8u * 1024 * 1024)

static void add(struct series *series, struct series_budget *budget, uint32_t second, uint32_t n)
{
	static struct slot slot;

	slot_init(&slot, second);
	slot.sums.count = n;
	slot.sums.min_ns = slot.sums.max_ns = 1000 + second;
	slot_bucket_add(&slot, 100, n);
	series_add(series, &slot, budget);
}

static const struct series_budget plenty;

static uint32_t random_below(uint64_t *seed, uint32_t bound)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed % bound);
}

static void compare_windows(const struct series *series, const struct slot seconds[600],
			    uint32_t now, uint64_t *seed)
{
	static struct slot_window told, truth;

	for (int i = 0; i < 10; i++) {
		uint32_t from = 1000 + random_below(seed, now - 999);
		uint32_t to = from + random_below(seed, now + 2 - from);
		struct series_span span = series_span_of(&plenty, from, to, now);

		slot_window_clear(&told);
		series_window(series, &span, &told);
		slot_window_init(&truth);
		for (uint32_t s = from; s < to && s < 1600; s++)
			slot_window_add(&seconds[s - 1000], &truth.sums, truth.buckets);
		assert_memory_equal(&told.sums, &truth.sums, sizeof(truth.sums));
		assert_memory_equal(told.buckets, truth.buckets, sizeof(truth.buckets));
	}
}

/* As it is told at that second. */
static struct metrics_sums window_at(const struct series *series, uint32_t from, uint32_t to,
				     uint32_t now)
{
	const struct series_span span = series_span_of(&plenty, from, to, now);
	static struct slot_window out;

	slot_window_init(&out);
	series_window(series, &span, &out);
	assert_int_equal(out.buckets[100], out.sums.count);
	return out.sums;
}

/* What a window of some minutes is made of must come to what its seconds come to. */
static void a_window_is_the_sum_of_its_seconds(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	static struct slot seconds[600];
	struct series series = { 0 };
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (uint32_t s = 0; s < 600; s++)
		slot_init(&seconds[s], 1000 + s);
	for (uint32_t i = 0; i < 3000; i++) { /* late ones among them, and seconds without any */
		uint32_t at = i / 5 - (i / 5 % 7 ? 0 : random_below(&seed, 1 + i / 5));
		uint64_t span_ns = 1000 + random_below(&seed, 90000000);
		struct slot one;

		if (at % 11 == 3 || (i % 5 && at % 3 == 0)) /* none, and one alone */
			continue;
		slot_init(&one, 1000 + at);
		one.sums.count = 1;
		one.sums.span_ns = one.sums.min_ns = one.sums.max_ns = span_ns;
		slot_bucket_add(&one, rs_hist_slot(span_ns), 1);
		slot_add(&seconds[at], &one);
		series_add(&series, &one, &budget);
		series_age(&series, 1000 + i / 5, &budget);
		if (i % 20 == 0)
			compare_windows(&series, seconds, 1000 + i / 5, &seed);
	}
	series_fini(&series, &budget);
	series_budget_fini(&budget);
}

static struct metrics_sums window(const struct series *series, uint32_t from, uint32_t to)
{
	return window_at(series, from, to, to ? to - 1 : 0);
}

static void a_window_holds_its_first_second_and_not_its_last(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct series series = { 0 };

	(void)state;
	for (uint32_t s = 1000; s < 1010; s++)
		add(&series, &budget, s, 1u << (s - 1000));
	assert_int_equal(window(&series, 1002, 1005).count, 4 + 8 + 16);
	assert_int_equal(window(&series, 1002, 1002).count, 0);
	assert_int_equal(window(&series, 1009, 1010).count, 512);
	assert_int_equal(window(&series, 0, 1000).count, 0);
	assert_int_equal(window(&series, 1003, 1005).min_ns, 2003);
	assert_int_equal(window(&series, 1003, 1005).max_ns, 2004);
	series_fini(&series, &budget);
	series_budget_fini(&budget);
}

static void late_and_repeated_seconds_are_added(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct series series = { 0 };

	(void)state;
	add(&series, &budget, 1005, 1);
	add(&series, &budget, 1003, 2);
	add(&series, &budget, 1005, 4);
	add(&series, &budget, 1003, 8);
	add(&series, &budget, 1004, 16);
	assert_int_equal(window(&series, 1003, 1004).count, 10);
	assert_int_equal(window(&series, 1003, 1006).count, 31);
	assert_int_equal(window(&series, 300, 1006).count, 31);
	series_fini(&series, &budget);
	series_budget_fini(&budget);
}

static void above_ten_minutes_the_coarse_tier_answers(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct series series = { 0 };

	(void)state;
	for (uint32_t s = 10000; s < 11000; s++)
		add(&series, &budget, s, 1);
	assert_int_equal(window(&series, 10400, 11000).count, 600);
	/* 601 seconds: begun at 10390, and not one second after the end of the window */
	assert_int_equal(series_span_of(&plenty, 10396, 10997, 10996).from, 10390);
	assert_int_equal(window(&series, 10396, 10997).count, 607);
	assert_int_equal(series_span_of(&plenty, 10397, 10997, 10996).from, 10397);
	assert_int_equal(window(&series, 10397, 10997).count, 600);
	series_fini(&series, &budget);
	series_budget_fini(&budget);
}

/* However short: no step has its seconds any more. */
static void a_window_of_long_ago_is_told_too(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct series series = { 0 };

	(void)state;
	for (uint32_t s = 10000; s < 30000; s++) {
		add(&series, &budget, s, 1);
		assert_false(series_age(&series, s, &budget));
	}
	assert_int_equal(window_at(&series, 29400, 29405, 29999).count, 5);
	assert_int_equal(window_at(&series, 29400, 29405, 30000).count, 0);
	assert_int_equal(window_at(&series, 29003, 29067, 29999).count, 60);
	assert_int_equal(window_at(&series, 29003, 29607, 29999).count, 607);
	assert_int_equal(window_at(&series, 22801, 22869, 29999).count, 60);
	assert_int_equal(window_at(&series, 22799, 23000, 29999).count, 500);
	assert_int_equal(window_at(&series, 15001, 15699, 29999).count, 600);
	assert_int_equal(window_at(&series, 15001, 25123, 29999).count, 10120);
	for (uint32_t at = 12000; at < 29990; at += 601) { /* they make up the whole */
		uint64_t parts = window_at(&series, 12000, at, 29999).count +
				 window_at(&series, at, 30000, 29999).count;

		assert_int_equal(parts, 18000);
	}
	budget.kept_from[SERIES_FINE] = 29900; /* its room was needed */
	assert_int_equal(series_span_of(&budget, 29801, 29999, 29999).widest, SERIES_COARSE);
	assert_int_equal(series_span_of(&budget, 29900, 29999, 29999).widest, SERIES_FINE);
	series_fini(&series, &budget);
	series_budget_fini(&budget);
}

static void what_is_too_old_goes_and_its_memory_too(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct series series = { 0 };

	(void)state;
	for (uint32_t s = 10000; s < 20000; s++) {
		add(&series, &budget, s, 1);
		assert_false(series_age(&series, s, &budget));
	}
	assert_true(series.fine.count <= SERIES_FINE_SLOTS + 2);
	assert_true(series.coarse.count <= SERIES_COARSE_SLOTS + 2);
	assert_int_equal(window(&series, 19400, 20000).count, 600);
	assert_int_equal(window(&series, 12800, 20000).count, 7200);
	assert_int_equal(window(&series, 10000, 20000).count, 10000); /* from 9,900 on */
	assert_false(series_age(&series, 19999 + SERIES_SECONDS + 30, &budget));
	assert_int_equal(window(&series, 0, 30000).count, 10000);
	assert_true(series_age(&series, 19999 + SERIES_SPAN + 330, &budget));
	assert_int_equal(window(&series, 0, 30000).count, 0);
	series_fini(&series, &budget);
	series_budget_fini(&budget);
	assert_int_equal(budget.used, 0);
	assert_int_equal(budget.given_up, 0);
}

static void the_budget_holds_and_what_is_lost_is_counted(void **state)
{
	struct series_budget budget = { .limit = 4 * sizeof(struct slot) };
	struct series series = { 0 };
	uint64_t kept;

	(void)state;
	for (uint32_t s = 0; s < 6000; s++) {
		add(&series, &budget, 10000 + s, 1);
		assert_true(budget.used <= budget.limit);
	}
	kept = window(&series, 9990, 16000).count;
	assert_true(kept > 0 && budget.given_up > 0);
	series_fini(&series, &budget);
	series_budget_fini(&budget);
	assert_int_equal(budget.used, 0);
}

static void the_coarsest_is_given_up_last(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct series series = { 0 };
	enum series_step step;

	(void)state;
	for (uint32_t s = 10000; s < 31000; s++) {
		add(&series, &budget, s, 1);
		series_age(&series, s, &budget);
	}
	step = series_shed_step(&budget, 31000, 10000);
	assert_int_equal(step, SERIES_FINE);
	assert_int_equal(budget.kept_from[SERIES_FINE], 30400 + 75);
	series_shed(&series, step, &budget);
	assert_int_equal(budget.shed, 77); /* two more than the span had been kept */
	assert_int_equal(window(&series, 30471, 30480).count, 5);
	assert_int_equal(window(&series, 30300, 31000).count, 700); /* tens */
	while (step == SERIES_FINE) {
		series_shed(&series, step, &budget);
		step = series_shed_step(&budget, 31000, 10000);
	}
	assert_int_equal(step, SERIES_COARSE);
	assert_true(budget.kept_from[SERIES_FINE] + 60 >= 31000);
	assert_int_equal(series.fine.first, budget.kept_from[SERIES_FINE]);
	while (step == SERIES_COARSE) {
		series_shed(&series, step, &budget);
		step = series_shed_step(&budget, 31000, 10000);
	}
	assert_int_equal(step, SERIES_WIDE);
	assert_int_equal(window(&series, 10000, 31000).count, 21000);
	while (step == SERIES_WIDE) {
		series_shed(&series, step, &budget);
		step = series_shed_step(&budget, 31000, 10000);
	}
	assert_int_equal(step, SERIES_STEPS); /* what is left is little */
	series_fini(&series, &budget);
	series_budget_fini(&budget);
	assert_int_equal(budget.used, 0);
}

/* Late ones too are in all steps, whichever of these were made of the others before. */
static void every_step_holds_the_same_requests(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct series series = { 0 }, other = { 0 };
	uint32_t all = 0;

	(void)state;
	for (uint32_t s = 12000; s < 18000; s += 7) {
		add(&series, &budget, s, 1);
		add(&series, &budget, s - (s * 31) % 400, 2);
		if (s % 3 == 0)
			series_age(&series, s, &budget);
		all += 3;
	}
	/* in seconds, in tens, and in five minutes; the last ones are open yet in each */
	assert_int_equal(window(&series, 17400, 17999).count,
			 window(&series, 0, 17999).count - window(&series, 0, 17400).count);
	assert_int_equal(window(&series, 11000, 16000).count + window(&series, 16000, 18000).count,
			 all);
	assert_int_equal(window(&series, 0, 30000).count, all);
	add(&other, &budget, 17999, 5);
	add(&other, &budget, 12000, 7);
	series_unite(&other, &series, &budget);
	assert_int_equal(window(&other, 0, 30000).count, all + 12);
	assert_int_equal(window(&other, 11990, 18000).count,
			 window(&series, 11990, 18000).count + 12);
	add(&other, &budget, 18011, 1);
	series_age(&other, 18400, &budget);
	assert_int_equal(window(&other, 0, 30000).count, all + 13);
	series_fini(&series, &budget);
	series_fini(&other, &budget);
	series_budget_fini(&budget);
	assert_int_equal(budget.used, 0);
	assert_int_equal(budget.given_up, 0);
}

/* One request a second, of 5 to 80 ms, as long as anything is kept. */
static void a_thousand_series_fit_into_64_mib(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct series series[4] = { { 0 } };
	static struct slot slot;
	uint64_t random = 1;

	(void)state;
	for (uint32_t s = 10000; s < 10000 + SERIES_SPAN + 1000; s++) {
		for (int i = 0; i < 4; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			slot_init(&slot, s);
			slot.sums.count = slot.sums.recorded = slot.sums.status[1] = 1;
			slot.sums.bytes_in = 80 + random % 7;
			slot.sums.bytes_out = 700 + random % 100;
			slot.sums.span_ns = 5000000 + (random >> 33) % 75000000;
			slot.sums.min_ns = slot.sums.max_ns = slot.sums.span_ns;
			slot_bucket_add(&slot, rs_hist_slot(slot.sums.span_ns), 1);
			series_add(&series[i], &slot, &budget);
			series_age(&series[i], s, &budget);
		}
	}
	print_message("a series takes %u + %u + %u bytes; a thousand %.1f MiB\n",
		      series[0].fine.capacity, series[0].coarse.capacity, series[0].wide.capacity,
		      (double)budget.used / 4 * 1000 / 1048576);
	assert_true(budget.used / 4 * 1000 < 56u * 1048576); /* where shedding begins */
	for (int i = 0; i < 4; i++)
		series_fini(&series[i], &budget);
	series_budget_fini(&budget);
}

static void minutes_are_those_of_the_clock(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct series series = { 0 };
	uint64_t minutes[SERIES_MINUTES] = { 0 };

	(void)state;
	add(&series, &budget, 6000, 1);
	add(&series, &budget, 6059, 2);
	add(&series, &budget, 6060, 4);
	add(&series, &budget, 6200, 8);
	series_minutes(&series, 100, minutes);
	assert_int_equal(minutes[0], 3);
	assert_int_equal(minutes[1], 4);
	assert_int_equal(minutes[3], 8);
	series_fini(&series, &budget);
	series_budget_fini(&budget);
}

static void a_restored_slot_adds_to_what_is_there(void **state)
{
	struct series_budget budget = { .limit = BUDGET };
	struct series series = { 0 };
	static struct slot slot;
	uint8_t bytes[SLOT_PACKED_MAX];
	struct series_saved saved = { .second = 50, .bytes = bytes };

	(void)state;
	slot_init(&slot, 0);
	slot.sums.count = 3;
	slot_bucket_add(&slot, 100, 3);
	saved.size = (uint32_t)slot_pack(&slot, bytes);
	assert_int_equal(series_restore(&series, SERIES_FINE, &saved, &budget), 0);
	assert_int_equal(series_restore(&series, SERIES_FINE, &saved, &budget), 0);
	saved.second = 51;
	assert_int_equal(series_restore(&series, SERIES_COARSE, &saved, &budget), -EBADMSG);
	saved.size--;
	assert_int_equal(series_restore(&series, SERIES_FINE, &saved, &budget), -EBADMSG);
	assert_int_equal(window(&series, 50, 52).count, 6);
	series_fini(&series, &budget);
	series_budget_fini(&budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_holds_its_first_second_and_not_its_last),
		cmocka_unit_test(a_window_is_the_sum_of_its_seconds),
		cmocka_unit_test(late_and_repeated_seconds_are_added),
		cmocka_unit_test(above_ten_minutes_the_coarse_tier_answers),
		cmocka_unit_test(a_window_of_long_ago_is_told_too),
		cmocka_unit_test(what_is_too_old_goes_and_its_memory_too),
		cmocka_unit_test(the_budget_holds_and_what_is_lost_is_counted),
		cmocka_unit_test(the_coarsest_is_given_up_last),
		cmocka_unit_test(every_step_holds_the_same_requests),
		cmocka_unit_test(a_thousand_series_fit_into_64_mib),
		cmocka_unit_test(minutes_are_those_of_the_clock),
		cmocka_unit_test(a_restored_slot_adds_to_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
