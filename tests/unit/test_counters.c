#include "counters.h"
#include "rs_test.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

static const struct calibrate half_ns = { .count = 1, .ns_per_tick = CALIBRATE_ONE / 2 };

/* Each word of a block has a number of its own. */
static struct counters_words words_made(uint64_t factor)
{
	struct counters_words words;

	for (uint32_t i = 0; i < SEGMENT_WORDS; i++)
		words.word[i] = factor * (i + 1) * 2;
	return words;
}

#define WORD(field) (2 * (SEGMENT_WORD(field) + 1))

static void each_field_is_the_difference_of_its_own_word(void **state)
{
	struct counters_words booked = words_made(1), now = words_made(2);
	struct drain_counters out;

	(void)state;
	assert_int_equal(counters_difference(&now, &booked, &half_ns, &out), 0);
	assert_int_equal(out.begun, WORD(begun));
	assert_int_equal(out.requests, WORD(requests));
	assert_int_equal(out.status[0], WORD(status));
	assert_int_equal(out.status[4], WORD(status) + 8);
	assert_int_equal(out.aborted, WORD(aborted));
	assert_int_equal(out.cut_by_server, WORD(cut_by_server));
	assert_int_equal(out.cut_by_client, WORD(cut_by_client));
	assert_int_equal(out.bytes_in, WORD(bytes_in));
	assert_int_equal(out.bytes_out, WORD(bytes_out));
	assert_int_equal(out.slow_warning, WORD(slow_warning));
	assert_int_equal(out.slow_critical, WORD(slow_critical));
	assert_int_equal(out.opened, WORD(opened));
	assert_int_equal(out.closed, WORD(closed));
	assert_int_equal(out.allocations, WORD(allocations));
	assert_int_equal(out.frees, WORD(frees));
	assert_int_equal(out.allocated_bytes, WORD(allocated_bytes));
	assert_int_equal(out.freed_bytes, WORD(freed_bytes));
	assert_int_equal(out.cost_samples, WORD(cost_samples));
	assert_int_equal(out.counted[RS_KIND_REQUEST], WORD(counted) + 2);
	assert_int_equal(out.pushed[RS_KINDS - 1], WORD(pushed) + 2 * (RS_KINDS - 1));
	assert_int_equal(out.folded[0], WORD(folded));
	assert_int_equal(out.dropped[0], WORD(dropped));
	assert_int_equal(out.unparsed[RS_UNPARSED_REASONS - 1],
			 WORD(unparsed) + 2 * (RS_UNPARSED_REASONS - 1));
	assert_int_equal(out.lost[RS_LOST_CELL], WORD(lost) + 2 * RS_LOST_CELL);
	assert_memory_equal(&booked, &now, sizeof(now));
}

static void times_become_nanoseconds(void **state)
{
	struct counters_words booked = words_made(1), now = words_made(2);
	struct drain_counters out;

	(void)state;
	counters_difference(&now, &booked, &half_ns, &out);
	assert_int_equal(out.span_ns, WORD(span) / 2);
	assert_int_equal(out.cost_ns, WORD(cost_ticks) / 2);
}

static void what_went_back_is_no_difference_and_counted(void **state)
{
	struct counters_words booked = words_made(1), now = words_made(1);
	struct drain_counters out;

	(void)state;
	now.word[SEGMENT_WORD(requests)] -= 1;
	now.word[SEGMENT_WORD(status)] += 3;
	assert_int_equal(counters_difference(&now, &booked, &half_ns, &out), 1);
	assert_int_equal(out.requests, 0);
	assert_int_equal(out.status[0], 3);
	assert_int_equal(booked.word[SEGMENT_WORD(requests)], WORD(requests) - 1);
}

static void a_request_counts_as_the_shim_would_count_it(void **state)
{
	struct drain_request request = { .status = 404, .bytes_in = 3, .bytes_out = 5 };
	struct drain_counters to = { 0 };

	(void)state;
	request.span_ns = SECOND;
	counters_add_request(&to, &request, SECOND, 5 * SECOND);
	assert_int_equal(to.status[3], 1);
	assert_int_equal(to.slow_warning, 0);
	request.span_ns = SECOND + 1;
	counters_add_request(&to, &request, SECOND, 5 * SECOND);
	assert_int_equal(to.slow_warning, 1);
	request.span_ns = 5 * SECOND + 1;
	request.flags = RS_FLAG_CUT_BY_SERVER;
	counters_add_request(&to, &request, SECOND, 5 * SECOND);
	assert_int_equal(to.slow_warning, 1);
	assert_int_equal(to.slow_critical, 1);
	assert_int_equal(to.cut_by_server, 1);
	assert_int_equal(to.status[3], 3);
	request.flags = RS_FLAG_ABORTED | RS_FLAG_CUT_BY_CLIENT;
	counters_add_request(&to, &request, SECOND, 5 * SECOND);
	assert_int_equal(to.aborted, 1);
	assert_int_equal(to.cut_by_client, 1);
	assert_int_equal(to.status[3], 3);
	assert_int_equal(to.requests, 4);
	assert_int_equal(to.bytes_in, 12);
	assert_int_equal(to.bytes_out, 20);
	assert_int_equal(to.span_ns, 12 * SECOND + 3);
}

static void a_fold_adds_all_its_fields(void **state)
{
	struct drain_fold fold = { .count = 2,
				   .status = { 1, 2, 3, 4, 5 },
				   .aborted = 6,
				   .cut_by_server = 7,
				   .cut_by_client = 8,
				   .bytes_in = 9,
				   .bytes_out = 10,
				   .span_ns = 11,
				   .slow_warning = 12,
				   .slow_critical = 13 };
	struct drain_counters to = { 0 };

	(void)state;
	counters_add_fold(&to, &fold);
	counters_add_fold(&to, &fold);
	assert_int_equal(to.requests, 4);
	assert_int_equal(to.status[4], 10);
	assert_int_equal(to.aborted, 12);
	assert_int_equal(to.cut_by_server, 14);
	assert_int_equal(to.cut_by_client, 16);
	assert_int_equal(to.bytes_in, 18);
	assert_int_equal(to.bytes_out, 20);
	assert_int_equal(to.span_ns, 22);
	assert_int_equal(to.slow_warning, 24);
	assert_int_equal(to.slow_critical, 26);
}

static void what_is_not_known_is_the_gap(void **state)
{
	struct drain_counters all = { .begun = 9, .requests = 10, .bytes_out = 100, .closed = 4 };
	struct drain_counters known = { .requests = 7, .bytes_out = 120, .closed = 1 }, gap;

	(void)state;
	counters_split(&all, &known, &gap);
	assert_int_equal(all.requests, 7);
	assert_int_equal(gap.requests, 3);
	assert_int_equal(all.bytes_out, 100); /* never more than was counted */
	assert_int_equal(gap.bytes_out, 0);
	assert_int_equal(all.begun, 9); /* nothing that records tell */
	assert_int_equal(all.closed, 4);
	assert_int_equal(gap.begun + gap.closed, 0);
}

/* counted, pushed, folded, dropped of requests; delivered, torn. */
static bool account(const uint64_t words[4], uint64_t delivered, uint64_t torn)
{
	struct counters_words first = words_made(3), last = words_made(3);
	struct drain_ledger ledger = { .torn = torn };

	last.word[SEGMENT_WORD(counted) + RS_KIND_REQUEST] += words[0];
	last.word[SEGMENT_WORD(pushed) + RS_KIND_REQUEST] += words[1];
	last.word[SEGMENT_WORD(folded) + RS_KIND_REQUEST] += words[2];
	last.word[SEGMENT_WORD(dropped) + RS_KIND_REQUEST] += words[3];
	ledger.delivered[RS_KIND_REQUEST] = delivered;
	return counters_account(&first, &last, &ledger);
}

static void counted_is_delivered_and_folded_and_dropped(void **state)
{
	static const uint64_t whole[4] = { 10, 6, 3, 1 };

	(void)state;
	assert_true(account(whole, 6, 0));
	assert_false(account(whole, 5, 0));
	assert_true(account(whole, 5, 1)); /* refused, and said so */
	assert_false(account(whole, 7, 0));
}

static void a_writer_may_die_between_counting_and_handing_over(void **state)
{
	static const uint64_t cut[4] = { 11, 6, 3, 1 };

	(void)state;
	assert_true(account(cut, 6, 0)); /* nothing was published */
	assert_true(account(cut, 7, 0)); /* published, not yet counted as pushed */
	assert_false(account(cut, 8, 0));
	assert_false(account(cut, 5, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_is_the_difference_of_its_own_word),
		cmocka_unit_test(times_become_nanoseconds),
		cmocka_unit_test(what_went_back_is_no_difference_and_counted),
		cmocka_unit_test(a_request_counts_as_the_shim_would_count_it),
		cmocka_unit_test(a_fold_adds_all_its_fields),
		cmocka_unit_test(what_is_not_known_is_the_gap),
		cmocka_unit_test(counted_is_delivered_and_folded_and_dropped),
		cmocka_unit_test(a_writer_may_die_between_counting_and_handing_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
