#include "levels.h"

#include "column.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>

#define ROOM 8192

struct seen {
	uint32_t count, seconds[RUN_SLOTS], most;
	double values[RUN_SLOTS][METRICS_GAUGES];
};

static bool see(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	struct seen *seen = ctx;

	seen->seconds[seen->count] = second;
	memcpy(seen->values[seen->count++], values, sizeof(seen->values[0]));
	return seen->count < seen->most;
}

static int unpack(const struct levels *l, const uint8_t *bytes, size_t size, struct seen *seen)
{
	const struct levels_reader reader = { see, seen };

	memset(seen, 0, sizeof(*seen));
	seen->most = RUN_SLOTS;
	return levels_unpack(bytes, size, &l->span, &reader);
}

/* All are known in the first slot, all but three in the second, none in the third. */
static size_t pack_three(struct levels *l, uint8_t out[ROOM])
{
	const struct run_span span = { .from_s = 1000, .step_s = 10 };
	double values[METRICS_GAUGES] = { 3, 12.345, 5e6, 4096, 81.5, 1234.4, 0, 77 };

	levels_begin(l, &span);
	assert_int_equal(levels_add(l, 1000, values), 0);
	values[METRICS_GAUGE_CPU_PERCENT] = values[METRICS_GAUGE_HEAP] = METRICS_UNKNOWN;
	values[METRICS_GAUGE_WRITTEN] = METRICS_UNKNOWN;
	values[METRICS_GAUGE_READ] = 9e15;
	assert_int_equal(levels_add(l, 1050, values), 0);
	gauges_init(values);
	assert_int_equal(levels_add(l, 1060, values), 0);
	assert_true(levels_size_max(l) < ROOM);
	return levels_pack(l, out);
}

static void all_comes_back_in_its_units(void **state)
{
	static const double wanted[METRICS_GAUGES] = {
		3, 12.35, 5000192, 4096, 81.5, 1234, 0, 77 /* MB and percent are rounded */
	};
	uint8_t bytes[ROOM];
	struct levels l;
	struct seen seen;
	size_t size = pack_three(&l, bytes);

	(void)state;
	assert_true(size <= levels_size_max(&l));
	assert_int_equal(unpack(&l, bytes, size, &seen), 0);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.seconds[0], 1000);
	assert_int_equal(seen.seconds[1], 1050);
	assert_int_equal(seen.seconds[2], 1060);
	for (int i = 0; i < METRICS_GAUGES; i++) {
		double off = seen.values[0][i] - wanted[i];

		assert_true(off < 0.0051 && off > -0.0051);
		assert_true(seen.values[2][i] == METRICS_UNKNOWN);
	}
	assert_true(seen.values[1][METRICS_GAUGE_CPU_PERCENT] == METRICS_UNKNOWN);
	assert_true(seen.values[1][METRICS_GAUGE_WRITTEN] == METRICS_UNKNOWN);
	assert_true(seen.values[1][METRICS_GAUGE_READ] == 9e15);
	assert_true(seen.values[1][METRICS_GAUGE_IN_FLIGHT] == 3);
	l.span.until_s = 1060; /* what is behind that is somebody else's */
	assert_int_equal(unpack(&l, bytes, size, &seen), 0);
	assert_int_equal(seen.count, 2);
}

static void a_run_has_so_many_slots_and_no_more(void **state)
{
	const struct run_span span = { .from_s = 0, .step_s = 1 };
	double values[METRICS_GAUGES] = { 0 };
	uint8_t bytes[ROOM];
	struct levels l;
	struct seen seen;

	(void)state;
	levels_begin(&l, &span);
	for (uint32_t i = 0; i < RUN_SLOTS; i++)
		assert_int_equal(levels_add(&l, i, values), 0);
	assert_int_equal(levels_add(&l, RUN_SLOTS, values), -E2BIG);
	assert_int_equal(unpack(&l, bytes, levels_pack(&l, bytes), &seen), 0);
	assert_int_equal(seen.count, RUN_SLOTS);
	assert_int_equal(seen.seconds[RUN_SLOTS - 1], RUN_SLOTS - 1);
}

/* What no number can be is unknown, and not some other number. */
static void what_is_no_measure_is_unknown(void **state)
{
	const struct run_span span = { .from_s = 0, .step_s = 1 };
	double values[METRICS_GAUGES] = { 1, 1e300, -7, 0, 0, 0, 0, 0 };
	uint8_t bytes[ROOM];
	struct levels l;
	struct seen seen;

	(void)state;
	values[METRICS_GAUGE_HEAP] = __builtin_nan("");
	values[METRICS_GAUGE_READ] = __builtin_inf();
	levels_begin(&l, &span);
	assert_int_equal(levels_add(&l, 0, values), 0);
	assert_int_equal(unpack(&l, bytes, levels_pack(&l, bytes), &seen), 0);
	assert_true(seen.values[0][METRICS_GAUGE_IN_FLIGHT] == 1);
	assert_true(seen.values[0][METRICS_GAUGE_CPU_PERCENT] == METRICS_UNKNOWN);
	assert_true(seen.values[0][METRICS_GAUGE_RSS] == METRICS_UNKNOWN);
	assert_true(seen.values[0][METRICS_GAUGE_HEAP] == METRICS_UNKNOWN);
	assert_true(seen.values[0][METRICS_GAUGE_READ] == METRICS_UNKNOWN);
}

static void bad_bytes_are_refused(void **state)
{
	uint8_t bytes[ROOM], other[ROOM];
	struct levels l;
	struct seen seen;
	size_t size = pack_three(&l, bytes);

	(void)state;
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(unpack(&l, bytes, cut, &seen), -EBADMSG);
	for (size_t i = 0; i < size; i++) { /* whatever it says, it is read in bounds */
		for (unsigned int bit = 0; bit < 8; bit++) {
			memcpy(other, bytes, size);
			other[i] ^= (uint8_t)(1u << bit);
			unpack(&l, other, size, &seen);
			assert_true(seen.count <= RUN_SLOTS);
		}
	}
	size = column_put(bytes + 1, (const uint64_t[]){ 0 }, 1) + 1;
	size += column_number_put(bytes + size, UINT64_C(1) << METRICS_GAUGES); /* of a later one */
	bytes[0] = 1;
	assert_int_equal(unpack(&l, bytes, size, &seen), -EBADMSG);
	bytes[0] = 0;
	assert_int_equal(unpack(&l, bytes, size, &seen), -EBADMSG);
	bytes[0] = RUN_SLOTS + 1;
	assert_int_equal(unpack(&l, bytes, size, &seen), -EBADMSG);
}

static void a_reader_has_enough_when_it_says_so(void **state)
{
	uint8_t bytes[ROOM];
	struct levels l;
	struct seen seen = { .most = 2 };
	const struct levels_reader reader = { see, &seen };
	size_t size = pack_three(&l, bytes);

	(void)state;
	assert_int_equal(levels_unpack(bytes, size, &l.span, &reader), 0);
	assert_int_equal(seen.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_comes_back_in_its_units),
		cmocka_unit_test(a_run_has_so_many_slots_and_no_more),
		cmocka_unit_test(what_is_no_measure_is_unknown),
		cmocka_unit_test(bad_bytes_are_refused),
		cmocka_unit_test(a_reader_has_enough_when_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
