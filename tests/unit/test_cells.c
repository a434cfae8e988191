#include "cells.h"

#include "rs_test.h"

static void open_both(struct timeline *t, struct cells *c, uint32_t step_s,
		      enum metrics_gauge gauge)
{
	const struct timeline_span span = { 6000, 7200, step_s };

	assert_int_equal(timeline_open(t, &span, TIMELINE_VALUES), 0);
	assert_int_equal(cells_open(c, t, gauge), 0);
}

static void close_both(struct timeline *t, struct cells *c)
{
	cells_fini(c);
	timeline_fini(t);
}

static void a_point_is_made_of_its_slots(void **state)
{
	struct timeline t;
	struct cells c;

	(void)state;
	open_both(&t, &c, 600, METRICS_GAUGE_CPU_PERCENT);
	assert_int_equal(c.slot_s, 300);
	assert_int_equal(c.count, 4);
	assert_true(cells_add(&c, &t, 1, 6000, 10));
	assert_true(cells_add(&c, &t, 2, 6300, 30));
	assert_true(cells_add(&c, &t, 2, 5999, 99)); /* outside */
	assert_true(cells_add(&c, &t, 2, 7200, 99));
	cells_fold(&c, &t);
	assert_true(t.values[0] == 20);
	assert_true(t.values[1] == METRICS_UNKNOWN);
	close_both(&t, &c);
	open_both(&t, &c, 600, METRICS_GAUGE_RSS);
	cells_add(&c, &t, 1, 6900, 50); /* of a slot that is not on our grid */
	cells_add(&c, &t, 1, 6605, 70);
	cells_fold(&c, &t);
	assert_true(t.values[1] == 50);
	close_both(&t, &c);
}

static void series_of_one_block_add_up_and_a_later_block_takes_their_place(void **state)
{
	struct timeline t;
	struct cells c;

	(void)state;
	open_both(&t, &c, 300, METRICS_GAUGE_RSS);
	cells_add(&c, &t, 1, 6300, 5);
	cells_add(&c, &t, 1, 6300, 7);
	cells_add(&c, &t, 2, 6600, 5);
	cells_add(&c, &t, 3, 6600, 40); /* an agent that began anew */
	cells_add(&c, &t, 3, 6600, 2);
	cells_fold(&c, &t);
	assert_true(t.values[1] == 12);
	assert_true(t.values[2] == 42);
	close_both(&t, &c);
}

static void what_memory_knows_stays(void **state)
{
	struct timeline t;
	struct cells c;

	(void)state;
	open_both(&t, &c, 300, METRICS_GAUGE_RSS);
	t.values[2] = 0;
	cells_add(&c, &t, 1, 6300, 5);
	cells_add(&c, &t, 1, 6600, 5);
	cells_fold(&c, &t);
	assert_true(t.values[1] == 5);
	assert_true(t.values[2] == 0);
	close_both(&t, &c);
}

static void each_slot_is_work(void **state)
{
	struct timeline t;
	struct cells c;

	(void)state;
	open_both(&t, &c, 300, METRICS_GAUGE_RSS);
	t.work = 1;
	assert_true(cells_add(&c, &t, 1, 6300, 5));
	assert_false(cells_add(&c, &t, 1, 6600, 5));
	assert_true(t.is_cut);
	assert_false(cells_add(&c, &t, 1, 99999, 5));
	close_both(&t, &c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_point_is_made_of_its_slots),
		cmocka_unit_test(series_of_one_block_add_up_and_a_later_block_takes_their_place),
		cmocka_unit_test(what_memory_knows_stays),
		cmocka_unit_test(each_slot_is_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
