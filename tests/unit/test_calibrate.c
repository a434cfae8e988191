#include "calibrate.h"
#include "rs_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define BOOT (5000 * SECOND)

static uint64_t fake_ns;
static uint64_t fake_steps[15]; /* readings: two or three a try, five tries */
static uint32_t fake_reads;

static uint64_t fake_now_ns(void)
{
	fake_ns += fake_steps[fake_reads++ % 15];
	return fake_ns;
}

/* A counter of 3 GHz that began a second after the kernel did. */
static struct calibrate_pair pair_at(uint64_t ns)
{
	return (struct calibrate_pair){ .ticks = (ns - SECOND) * 3, .ns = ns };
}

static struct calibrate calibrate_made(uint32_t seconds)
{
	struct calibrate_pair pair = pair_at(BOOT);
	struct calibrate c;

	calibrate_init(&c, &pair);
	for (uint32_t i = 1; i <= seconds; i++) {
		pair = pair_at(BOOT + i * SECOND);
		assert_true(calibrate_step(&c, &pair));
	}
	return c;
}

static void one_pair_tells_no_rate(void **state)
{
	struct calibrate c = calibrate_made(0);

	(void)state;
	assert_int_equal(c.ns_per_tick, 0);
	assert_int_equal(calibrate_span_ns(&c, 1000), 0);
	assert_int_equal(calibrate_ticks(&c, 1000), 0);
	assert_int_equal(calibrate_ns(&c, 12345), BOOT);
}

static void the_second_pair_comes_after_ten_milliseconds(void **state)
{
	struct calibrate c = calibrate_made(0);
	struct calibrate_pair pair = pair_at(BOOT + CALIBRATE_FIRST_NS - 1);

	(void)state;
	assert_false(calibrate_step(&c, &pair));
	pair = pair_at(BOOT + CALIBRATE_FIRST_NS);
	assert_true(calibrate_step(&c, &pair));
	assert_int_equal(c.ns_per_tick, CALIBRATE_ONE / 3);
	pair = pair_at(BOOT + CALIBRATE_FIRST_NS + CALIBRATE_NEXT_NS - 1);
	assert_false(calibrate_step(&c, &pair));
}

static void moments_before_and_after_the_newest_pair_are_right(void **state)
{
	struct calibrate c = calibrate_made(3);

	(void)state;
	for (int i = -100; i <= 100; i++) {
		uint64_t ns = BOOT + 3 * SECOND + (uint64_t)(int64_t)i * 17 * 1000000;

		assert_in_range(calibrate_ns(&c, pair_at(ns).ticks), ns - 2, ns + 2);
	}
}

static void spans_and_ticks_are_the_same_both_ways(void **state)
{
	struct calibrate c = calibrate_made(2);

	(void)state;
	assert_in_range(calibrate_span_ns(&c, 3 * SECOND), SECOND - 2, SECOND);
	assert_in_range(calibrate_ticks(&c, SECOND), 3 * SECOND, 3 * SECOND + 5);
	assert_in_range(calibrate_ticks(&c, 3600 * SECOND), 3 * 3600 * SECOND,
			3 * 3600 * SECOND + 20000);
}

/* NTP turns the clock: after the 16 pairs that are kept, the old rate is forgotten. */
static void the_rate_follows_the_last_sixteen_seconds(void **state)
{
	struct calibrate c = calibrate_made(40);
	struct calibrate_pair pair = pair_at(BOOT + 40 * SECOND);
	uint64_t before = c.ns_per_tick;

	(void)state;
	assert_int_equal(before, CALIBRATE_ONE / 3);
	for (int i = 0; i < 100; i++) {
		pair.ticks += 3 * SECOND;
		pair.ns += SECOND + 100000; /* 100 millionths slow */
		assert_true(calibrate_step(&c, &pair));
		if (i < 14)
			assert_true(c.ns_per_tick < before + before / 10000);
	}
	assert_in_range(c.ns_per_tick, before + before / 10000 - 2, before + before / 10000 + 2);
}

static void a_counter_that_stands_still_or_goes_back_changes_nothing(void **state)
{
	struct calibrate c = calibrate_made(2);
	struct calibrate_pair pair = pair_at(BOOT + 4 * SECOND);
	uint64_t rate = c.ns_per_tick;

	(void)state;
	pair.ticks = 5;
	assert_false(calibrate_step(&c, &pair));
	pair.ticks = c.pairs[0].ticks;
	assert_false(calibrate_step(&c, &pair));
	assert_int_equal(c.ns_per_tick, rate);
}

static void a_clock_that_counts_nanoseconds_is_taken_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(calibrate_ns(&calibrate_monotonic, BOOT + 7), BOOT + 7);
	assert_int_equal(calibrate_span_ns(&calibrate_monotonic, 7), 7);
	assert_int_equal(calibrate_ticks(&calibrate_monotonic, 7), 7);
}

/* Of five tries the one whose two readings are nearest: the others were interrupted. */
static void a_reading_that_was_interrupted_is_not_taken(void **state)
{
	struct calibrate_pair pair;

	(void)state;
	for (int i = 0; i < 15; i++)
		fake_steps[i] = 5000;
	fake_ns = BOOT;
	fake_reads = 0;
	fake_steps[5] = 10; /* the second reading of the third try */
	calibrate_read(fake_now_ns, &pair);
#if defined(__x86_64__)
	assert_int_equal(pair.ns, BOOT + 5 * 5000 + 10 / 2);
#endif
	assert_true(pair.ticks != 0);
}

static void source_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void a_change_of_the_clock_source_is_told_once(void **state)
{
	char path[] = "/tmp/ringside-source-XXXXXX";
	struct calibrate c = calibrate_made(0);

	(void)state;
	close(mkstemp(path));
	source_write(path, "tsc\n");
	assert_false(calibrate_source_changed(&c, path));
	assert_false(calibrate_source_changed(&c, path));
	source_write(path, "hpet\n");
	assert_true(calibrate_source_changed(&c, path));
	assert_false(calibrate_source_changed(&c, path));
	unlink(path);
	assert_false(calibrate_source_changed(&c, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_pair_tells_no_rate),
		cmocka_unit_test(the_second_pair_comes_after_ten_milliseconds),
		cmocka_unit_test(moments_before_and_after_the_newest_pair_are_right),
		cmocka_unit_test(spans_and_ticks_are_the_same_both_ways),
		cmocka_unit_test(the_rate_follows_the_last_sixteen_seconds),
		cmocka_unit_test(a_counter_that_stands_still_or_goes_back_changes_nothing),
		cmocka_unit_test(a_clock_that_counts_nanoseconds_is_taken_as_it_is),
		cmocka_unit_test(a_reading_that_was_interrupted_is_not_taken),
		cmocka_unit_test(a_change_of_the_clock_source_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
