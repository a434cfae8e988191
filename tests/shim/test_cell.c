#include "cell.h"
#include "core.h"

#include <ringside/histogram.h>
#include <string.h>

static const struct rs_cell *cell(uint32_t number)
{
	return (const struct rs_cell *)(const void *)(home.base + RS_CELLS_AT) + number;
}

/* 1,000 requests of known durations meet a full lane: cell, block and our own book say the same. */
static void a_full_lane_folds_exactly(void **state)
{
	struct served r = { .t0 = 1, .connection = 1, .status = 200, .bytes_in = 10 };
	uint32_t buckets[RS_HIST_SLOTS] = { 0 };
	uint64_t sum = 0;
	bool fresh;

	(void)state;
	assert_true(guard_enter());
	r.method = RS_METHOD_PUT;
	r.shape = shape_intern((const uint8_t *)"/folded", 7, &fresh);
	assert_true(fresh);
	here.lane->head = RS_BIG_SLOTS; /* full: nothing was drained */
	for (uint64_t i = 1; i <= 1000; i++) {
		uint64_t span = i * i * 97;

		r.end = r.t0 + span;
		r.bytes_out = i;
		r.status = i % 10 ? 200 : 500;
		emit_request(&r);
		sum += span;
		buckets[rs_hist_slot(span)]++;
	}
	guard_leave();
	assert_int_equal(here.block->folded[RS_KIND_REQUEST], 1000);
	assert_int_equal(here.block->counted[RS_KIND_REQUEST], 1000);
	assert_int_equal(here.block->pushed[RS_KIND_REQUEST], 0);
	assert_int_equal(here.block->dropped[RS_KIND_REQUEST], 0);
	assert_int_equal(home.header->folded, 1000);
	assert_int_equal(home.header->cells[0], 1);
	assert_int_equal(cell(0)->count, 1000);
	assert_int_equal(cell(0)->status[1], 900);
	assert_int_equal(cell(0)->status[4], 100);
	assert_int_equal(cell(0)->span, sum);
	assert_int_equal(cell(0)->span, here.block->span);
	assert_int_equal(cell(0)->span_min, 97 + 1);
	assert_int_equal(cell(0)->span_max, 97000000);
	assert_int_equal(cell(0)->methods, 1u << RS_METHOD_PUT);
	assert_int_equal(cell(0)->bytes_in, 10000);
	assert_int_equal(cell(0)->bytes_out, 500500);
	for (uint32_t i = 0; i < RS_HIST_SLOTS; i++)
		assert_int_equal(cell(0)->buckets[i], buckets[i]);
}

static void requests_without_a_shape_share_a_cell(void **state)
{
	struct served r = { .t0 = 1, .end = 5000, .flags = RS_FLAG_ABORTED };

	(void)state;
	assert_true(guard_enter());
	assert_true(cell_fold(&r, 4999));
	guard_leave();
	assert_int_equal(cell(RS_OTHER_CELL)->count, 1);
	assert_int_equal(cell(RS_OTHER_CELL)->aborted, 1);
	assert_int_equal(home.header->cells[0], 0);
}

static void without_calibration_a_request_is_dropped(void **state)
{
	struct served r = { .t0 = 1, .end = 5000, .status = 200 };

	(void)state;
	atomic_store(&home.header->agent.ns_per_tick, 0);
	assert_true(guard_enter());
	here.lane->head = RS_BIG_SLOTS;
	emit_request(&r);
	guard_leave();
	assert_int_equal(here.block->dropped[RS_KIND_REQUEST], 1);
	assert_int_equal(here.block->counted[RS_KIND_REQUEST], 1);
}

static void a_frozen_host_gets_no_new_cell(void **state)
{
	struct served r = { .t0 = 1, .end = 5000, .status = 200 };

	(void)state;
	atomic_store(&home.frozen, 1);
	assert_true(guard_enter());
	assert_false(cell_fold(&r, 4999));
	guard_leave();
	assert_int_equal(here.block->lost[RS_LOST_CELL], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_full_lane_folds_exactly, core_setup),
		cmocka_unit_test_setup(requests_without_a_shape_share_a_cell, core_setup),
		cmocka_unit_test_setup(without_calibration_a_request_is_dropped, core_setup),
		cmocka_unit_test_setup(a_frozen_host_gets_no_new_cell, core_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
