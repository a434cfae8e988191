#include "../../agent/store/run.c" /* white box: the two schemas */

#include "metrics_fixture.h"

#include <errno.h>
#include <math.h>

struct seen {
	uint32_t count, last;
	uint64_t requests, in_buckets;
	struct metrics_sums sums;
	struct slot newest;
};

static bool see(void *ctx, uint32_t second, const struct slot *slot)
{
	struct seen *seen = ctx;

	seen->count++;
	seen->last = second;
	seen->requests += slot->sums.count;
	for (uint32_t i = 0; i < RS_HIST_SLOTS; i++)
		seen->in_buckets += slot->buckets[i];
	seen->newest = *slot;
	return seen->count < 50;
}

static void put(struct run *run, uint32_t second, uint64_t requests, uint64_t span_ns)
{
	static struct slot slot;
	uint8_t bytes[SLOT_PACKED_MAX];

	slot_init(&slot, second);
	slot.sums.count = slot.sums.recorded = slot.sums.status[1] = requests;
	slot.sums.span_ns = requests * span_ns;
	slot.sums.min_ns = slot.sums.max_ns = span_ns;
	slot_bucket_add(&slot, rs_hist_slot(span_ns), (uint32_t)requests);
	assert_int_equal(run_add(run, second, bytes, (uint32_t)slot_pack(&slot, bytes)), 0);
}

static struct seen unpacked(const struct run *run, const uint8_t *bytes, size_t size)
{
	static struct slot scratch;
	struct seen seen = { 0 };
	const struct run_reader reader = { &scratch, see, &seen };

	assert_int_equal(run_unpack(bytes, size, &run->span, &reader), 0);
	return seen;
}

static void slots_come_back_whole_with_the_gaps_between_them(void **state)
{
	const struct run_span span = { 1000, 10, false, 0 };
	static struct run run;
	static uint8_t bytes[65536];
	struct seen seen;
	size_t size;

	(void)state;
	run_begin(&run, &span);
	put(&run, 1000, 1, 3 * MILLISECOND);
	put(&run, 1010, 5, 4 * MILLISECOND);
	put(&run, 1500, 9, 5 * MILLISECOND);
	assert_true(run_size_max(&run) < sizeof(bytes));
	size = run_pack(&run, bytes);
	seen = unpacked(&run, bytes, size);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.last, 1500);
	assert_int_equal(seen.requests, 15);
	assert_int_equal(seen.in_buckets, 15);
	assert_int_equal(seen.newest.sums.max_ns, 5 * MILLISECOND);
	assert_int_equal(seen.newest.sums.status[1], 9);
	assert_int_equal(seen.newest.buckets[rs_hist_slot(5 * MILLISECOND)], 9);
	run.span.until_s = 1500; /* what is behind that is somebody else's */
	seen = unpacked(&run, bytes, size);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.last, 1010);
	run_fini(&run);
}

static void at_schema_3_a_bucket_holds_the_four_that_it_is_made_of(void **state)
{
	static struct slot scratch, wide;

	(void)state;
	for (uint32_t i = 0; i < RS_HIST_SLOTS; i++) {
		double upper = ((double)i - RS_HIST_BIAS) / 32;
		double widened = ((double)run_narrow(run_wide(i)) - RS_HIST_BIAS) / 32;

		/* a bound of schema 3, at or above, by less than one bucket of it */
		if (i > 4 && i < RS_HIST_SLOTS - 4) {
			assert_true(widened >= upper && widened < upper + 1.0 / 8);
			assert_true(fmod(widened * 8, 1) == 0);
		}
	}
	slot_init(&scratch, 7);
	slot_bucket_add(&scratch, 500, 3);
	slot_bucket_add(&scratch, 501, 4);
	slot_bucket_add(&scratch, 502, 5);
	run_map(&wide, &scratch, run_wide);
	/* 501 = 637 - 4 * 34: a bound of both */
	assert_int_equal(wide.buckets[run_wide(501)], 7);
	assert_int_equal(wide.buckets[run_wide(501) + 1], 5);
}

static void bad_bytes_are_refused(void **state)
{
	const struct run_span span = { 1000, 1, true, 0 };
	static struct run run;
	static struct slot scratch;
	static uint8_t bytes[65536];
	struct seen seen = { 0 };
	const struct run_reader reader = { &scratch, see, &seen };
	size_t size;

	(void)state;
	run_begin(&run, &span);
	for (uint32_t s = 0; s < 40; s++)
		put(&run, 1000 + s, 1 + s % 5, (1 + s) * MILLISECOND);
	size = run_pack(&run, bytes);
	assert_int_equal(run_unpack(bytes, size, &span, &reader), 0);
	assert_int_equal(seen.count, 40);
	for (size_t cut = 0; cut < size; cut++) {
		seen.count = 0;
		assert_int_equal(run_unpack(bytes, cut, &span, &reader), -EBADMSG);
	}
	for (uint32_t i = 0; i < 20000; i++) { /* anything: an error or slots, no harm */
		bytes[i % size] ^= (uint8_t)(1u << i % 8);
		seen.count = 0;
		(void)run_unpack(bytes, size, &span, &reader);
	}
	run_fini(&run);
}

static void a_run_holds_so_many_slots(void **state)
{
	const struct run_span span = { 0, 1, false, 0 };
	uint8_t bytes[SLOT_PACKED_MAX];
	static struct slot slot;
	static struct run run;

	(void)state;
	run_begin(&run, &span);
	for (uint32_t s = 0; s < RUN_SLOTS; s++)
		put(&run, s, 1, MILLISECOND);
	slot_init(&slot, 99);
	assert_int_equal(run_add(&run, 99, bytes, (uint32_t)slot_pack(&slot, bytes)), -E2BIG);
	bytes[0] = 0xff;
	run_begin(&run, &span);
	assert_int_equal(run_add(&run, 99, bytes, 1), -EBADMSG);
	run_fini(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_come_back_whole_with_the_gaps_between_them),
		cmocka_unit_test(at_schema_3_a_bucket_holds_the_four_that_it_is_made_of),
		cmocka_unit_test(bad_bytes_are_refused),
		cmocka_unit_test(a_run_holds_so_many_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
