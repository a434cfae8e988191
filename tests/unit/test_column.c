#include "column.h"

#include "rs_test.h"

#include <string.h>

#define COUNT 60u

/* Bytes per number; they come back as they were. */
static double round_trip_by(size_t (*put)(uint8_t *out, const uint64_t *values, uint32_t count),
			    const uint64_t *values, uint32_t count)
{
	uint8_t bytes[COLUMN_MAX(COUNT)];
	size_t size = put(bytes, values, count);
	uint64_t back[COUNT];
	struct column_reader reader = { bytes, bytes + size, false };

	assert_true(size <= COLUMN_MAX(count));
	column_get(&reader, back, count);
	assert_false(reader.is_bad);
	assert_ptr_equal(reader.at, reader.end);
	assert_memory_equal(back, values, count * sizeof(*values));
	for (size_t cut = 0; cut < size; cut++) {
		reader = (struct column_reader){ bytes, bytes + cut, false };
		column_get(&reader, back, count);
		assert_true(reader.is_bad);
	}
	return (double)size / count;
}

static double round_trip(const uint64_t *values, uint32_t count)
{
	double plain = round_trip_by(column_put, values, count);

	assert_true(round_trip_by(column_put_patched, values, count) <= plain);
	return plain;
}

static uint64_t noise(uint64_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % below;
}

static void numbers_come_back(void **state)
{
	static const uint64_t extreme[] = { 0, UINT64_MAX, 1, UINT64_MAX - 1, 0, 0, 7 };
	uint64_t values[COUNT] = { 5 };

	(void)state;
	round_trip(extreme, 7);
	for (uint32_t count = 1; count < 7; count++)
		round_trip(extreme, count);
	for (uint32_t i = 0; i < COUNT; i++)
		values[i] = noise(UINT64_MAX);
	round_trip(values, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		values[i] = (uint64_t)1 << (i + 3);
	round_trip(values, COUNT);
}

/* What it was made for: gauges and counts in at most 1.5 bytes, sums in at most 4. */
static void plain_samples_are_small(void **state)
{
	uint64_t same[COUNT], count[COUNT], rss[COUNT], total[COUNT], sum[COUNT];
	double worst;

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++) {
		same[i] = 7;
		count[i] = 280 + noise(40); /* requests of five minutes */
		rss[i] = 51200 + noise(64); /* KiB */
		total[i] = i ? total[i - 1] + noise(200) : 90000;
		sum[i] = 6000000000 + noise(600000000); /* ns of 300 requests */
	}
	worst = round_trip(count, COUNT);
	worst = round_trip(rss, COUNT) > worst ? round_trip(rss, COUNT) : worst;
	worst = round_trip(total, COUNT) > worst ? round_trip(total, COUNT) : worst;
	print_message("bytes a sample: constant %.2f, count %.2f, rss %.2f, total %.2f, sum %.2f\n",
		      round_trip(same, COUNT), round_trip(count, COUNT), round_trip(rss, COUNT),
		      round_trip(total, COUNT), round_trip(sum, COUNT));
	assert_true(round_trip(same, COUNT) < 0.1);
	assert_true(worst <= 1.5);
	assert_true(round_trip(sum, COUNT) <= 4);
}

/* A few that jump cost what they are, not what all others would. */
static void jumps_are_patched(void **state)
{
	uint64_t heap[COUNT], burst[COUNT], steps[COUNT];

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++) {
		heap[i] = 50000 + i % 30 * 1000 + noise(200); /* collected each thirty */
		burst[i] = i % 20 == 19 ? 65536 : 0;
		steps[i] = i < 33 ? 1 : UINT64_MAX - 5;
	}
	assert_true(round_trip_by(column_put, heap, COUNT) > 1.8);
	assert_true(round_trip_by(column_put_patched, heap, COUNT) < 1.7);
	assert_true(round_trip_by(column_put, burst, COUNT) > 2);
	assert_true(round_trip_by(column_put_patched, burst, COUNT) < 0.3);
	round_trip(steps, COUNT);
	for (uint32_t i = 0; i < 2000; i++) {
		for (uint32_t n = 0; n < COUNT; n++)
			steps[n] =
				noise(40) ? noise(UINT64_C(1) << i % 31) : noise(UINT64_MAX) << 40;
		round_trip(steps, 1 + i % COUNT);
	}
}

/* Whatever stands there, it is read in bounds: sanitizers see to that. */
static void odd_bytes_are_read_in_bounds(void **state)
{
	uint8_t bytes[80];
	uint64_t values[COUNT];

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		struct column_reader reader = { bytes, bytes + noise(sizeof(bytes)), false };

		for (uint32_t n = 0; n < sizeof(bytes); n++)
			bytes[n] = (uint8_t)(noise(2) ? noise(256) : 1);
		column_get(&reader, values, 1 + (uint32_t)noise(COUNT));
		assert_true(reader.at <= reader.end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_back),
		cmocka_unit_test(plain_samples_are_small),
		cmocka_unit_test(jumps_are_patched),
		cmocka_unit_test(odd_bytes_are_read_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
