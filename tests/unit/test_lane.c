#include "lane.h"
#include "rs_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 16u
#define TOP (UINT64_C(1) << 56) /* a sequence word has room for 56 bits of a position + 1 */

static struct rs_head slots[SLOTS];
static struct lane_record record;

static struct lane lane_at(uint64_t tail)
{
	memset(slots, 0, sizeof(slots));
	memset(&record, 0xee, sizeof(record));
	return (struct lane){ .slots = slots, .tail = tail, .count = SLOTS };
}

static void put(uint64_t position, uint32_t k, uint32_t n, uint8_t byte)
{
	struct rs_head *slot = &slots[position % SLOTS];

	memset((uint8_t *)slot + sizeof(slot->seq), byte, RS_SLOT_PAYLOAD);
	ring_publish(&slot->seq, ring_word(position, k, n));
}

static void put_record(uint64_t position, uint32_t n)
{
	for (uint32_t k = n; k-- > 0;)
		put(position + k, k, n, (uint8_t)(k + 1));
}

static void nothing_was_written_is_empty(void **state)
{
	struct lane lane = lane_at(0);

	(void)state;
	assert_int_equal(lane_take(&lane, &record), LANE_EMPTY);
	assert_int_equal(lane.tail, 0);
}

static void a_record_of_each_length_is_copied_whole(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= RS_RECORD_SLOTS; n++) {
		struct lane lane = lane_at(5);

		put_record(5, n);
		assert_int_equal(lane_take(&lane, &record), LANE_RECORD);
		assert_int_equal(lane.tail, 5 + n);
		assert_int_equal(record.detail_bytes, (n - 1) * RS_SLOT_PAYLOAD);
		assert_int_equal(record.head.flags, 1);
		for (uint32_t i = 0; i < record.detail_bytes; i++)
			assert_int_equal(record.detail[i], i / RS_SLOT_PAYLOAD + 2);
		assert_int_equal(lane_take(&lane, &record), LANE_EMPTY);
	}
}

static void without_its_head_a_record_is_not_there(void **state)
{
	struct lane lane = lane_at(0);

	(void)state;
	put(1, 1, 3, 1);
	put(2, 2, 3, 1);
	assert_int_equal(lane_take(&lane, &record), LANE_EMPTY);
	put(0, 0, 3, 1);
	assert_int_equal(lane_take(&lane, &record), LANE_RECORD);
}

static void a_gap_is_torn_wherever_it_is(void **state)
{
	(void)state;
	for (uint32_t gap = 1; gap < 5; gap++) {
		struct lane lane = lane_at(0);

		put_record(0, 5);
		put_record(5, 1);
		slots[gap].seq = gap % 2 ? 0 : ring_word(gap - SLOTS, gap, 5);
		assert_int_equal(lane_take(&lane, &record), LANE_TORN);
		assert_int_equal(lane.tail, 5);
		assert_int_equal(lane_take(&lane, &record), LANE_RECORD);
	}
}

static void a_word_of_another_number_or_length_is_torn(void **state)
{
	struct lane lane = lane_at(0);

	(void)state;
	put_record(0, 3);
	slots[1].seq = ring_word(1, 2, 3);
	assert_int_equal(lane_take(&lane, &record), LANE_TORN);
	lane = lane_at(0);
	put_record(0, 3);
	slots[2].seq = ring_word(2, 2, 4);
	assert_int_equal(lane_take(&lane, &record), LANE_TORN);
}

static void a_continuation_at_the_tail_is_no_record(void **state)
{
	struct lane lane = lane_at(4);

	(void)state;
	put(4, 1, 3, 1);
	assert_int_equal(lane_take(&lane, &record), LANE_EMPTY);
}

static void what_the_last_time_round_left_is_empty(void **state)
{
	struct lane lane = lane_at(3 * SLOTS);

	(void)state;
	put_record(2 * SLOTS, 1);
	assert_int_equal(lane_take(&lane, &record), LANE_EMPTY);
	assert_int_equal(lane.tail, 3 * SLOTS);
}

/* Its writer does not wait for the tail: no honest one. */
static void a_tail_that_was_overtaken_goes_on_from_there(void **state)
{
	struct lane lane = lane_at(0);

	(void)state;
	put_record(2 * SLOTS, 1);
	assert_int_equal(lane_take(&lane, &record), LANE_TORN);
	assert_int_equal(lane_take(&lane, &record), LANE_RECORD);
	assert_int_equal(lane.tail, 2 * SLOTS + 1);
}

static void records_lie_over_the_end_of_the_lane(void **state)
{
	struct lane lane = lane_at(SLOTS - 2);

	(void)state;
	put_record(SLOTS - 2, 5);
	assert_int_equal(lane_take(&lane, &record), LANE_RECORD);
	assert_int_equal(lane.tail, SLOTS + 3);
	assert_int_equal(record.detail[3 * RS_SLOT_PAYLOAD], 5);
}

static void positions_go_over_the_top_of_the_word(void **state)
{
	struct lane lane = lane_at(TOP - 4);

	(void)state;
	for (uint64_t at = TOP - 4; at < TOP + 6; at += 2) {
		put_record(at, 2);
		assert_int_equal(lane_take(&lane, &record), LANE_RECORD);
		assert_int_equal(lane.tail, at + 2);
		assert_int_equal(lane_take(&lane, &record), LANE_EMPTY);
	}
}

static void of_a_dead_process_holes_are_passed_over(void **state)
{
	struct lane lane = lane_at(TOP - 3);
	bool torn;

	(void)state;
	put(TOP - 2, 1, 2, 1); /* its head is missing */
	put_record(TOP + 1, 2);
	assert_int_equal(lane_take(&lane, &record), LANE_EMPTY);
	assert_true(lane_skip(&lane, &torn));
	assert_true(torn);
	assert_int_equal(lane.tail, TOP + 1);
	assert_int_equal(lane_take(&lane, &record), LANE_RECORD);
	assert_false(lane_skip(&lane, &torn));
	assert_false(torn);
}

static void what_lies_before_the_tail_is_not_found_again(void **state)
{
	struct lane lane = lane_at(10);
	bool torn;

	(void)state;
	for (uint64_t at = 0; at < 10; at++)
		put_record(at, 1);
	assert_false(lane_skip(&lane, &torn));
	assert_false(torn);
	assert_int_equal(lane.tail, 10);
}

static void the_writer_is_told_the_tail(void **state)
{
	struct lane lane = lane_at(77);
	_Atomic uint64_t tail = 0;

	(void)state;
	lane_release(&lane, &tail);
	assert_int_equal(tail, 77);
}

/* The real thing, for the thread sanitizer: a writer that waits for room, and a reader. */
static _Atomic uint64_t race_tail;
#define RACE_RECORDS 20000u

static void *race_write(void *unused)
{
	uint64_t head = 0;

	(void)unused;
	for (uint32_t i = 0; i < RACE_RECORDS; i++) {
		uint32_t n = 1 + i % 4;

		while (head + n > ring_tail(&race_tail) + SLOTS)
			sched_yield();
		for (uint32_t k = n; k-- > 0;) {
			struct rs_head *slot = &slots[(head + k) % SLOTS];
			_Atomic uint64_t *words = &slot->seq;

			for (uint32_t w = 1; w < 8; w++)
				atomic_store_explicit(&words[w], i, memory_order_relaxed);
			ring_publish(&slot->seq, ring_word(head + k, k, n));
		}
		head += n;
	}
	return NULL;
}

static void a_reader_beside_its_writer_gets_each_record_whole(void **state)
{
	struct lane lane = lane_at(0);
	uint32_t taken = 0, wrong = 0;
	pthread_t writer;

	(void)state;
	race_tail = 0;
	assert_int_equal(pthread_create(&writer, NULL, race_write, NULL), 0);
	while (taken < RACE_RECORDS) {
		enum lane_result result = lane_take(&lane, &record);

		if (result == LANE_EMPTY) {
			sched_yield();
			continue;
		}
		wrong += result != LANE_RECORD || record.head.t0 != taken ||
			 record.detail_bytes != taken % 4 * RS_SLOT_PAYLOAD;
		for (uint32_t at = 0; at < record.detail_bytes; at += 8)
			wrong += memcmp(record.detail + at, &record.head.t0, 8) != 0;
		taken++;
		lane_release(&lane, &race_tail);
	}
	pthread_join(writer, NULL);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_was_written_is_empty),
		cmocka_unit_test(a_record_of_each_length_is_copied_whole),
		cmocka_unit_test(without_its_head_a_record_is_not_there),
		cmocka_unit_test(a_gap_is_torn_wherever_it_is),
		cmocka_unit_test(a_word_of_another_number_or_length_is_torn),
		cmocka_unit_test(a_continuation_at_the_tail_is_no_record),
		cmocka_unit_test(what_the_last_time_round_left_is_empty),
		cmocka_unit_test(a_tail_that_was_overtaken_goes_on_from_there),
		cmocka_unit_test(records_lie_over_the_end_of_the_lane),
		cmocka_unit_test(positions_go_over_the_top_of_the_word),
		cmocka_unit_test(of_a_dead_process_holes_are_passed_over),
		cmocka_unit_test(what_lies_before_the_tail_is_not_found_again),
		cmocka_unit_test(the_writer_is_told_the_tail),
		cmocka_unit_test(a_reader_beside_its_writer_gets_each_record_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
