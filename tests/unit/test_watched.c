#include "watched_fixture.h"

#include <sys/stat.h>

static void a_request_is_delivered_once_and_counted(void **state)
{
	struct fixture_request request = bench_request(5000);
	struct bench b;

	(void)state;
	bench_open(&b);
	request.shape = fixture_shape(&b.f, 0, 0, "/a b/{id}");
	fixture_lane(&b.f, 0);
	bench_watch(&b);
	fixture_serve(&b.f, 0, &request, 0);
	assert_true(watched_round(b.w, NOW));
	assert_true(watched_round(b.w, NOW));
	assert_int_equal(b.r.seen, 1);
	assert_int_equal(b.r.requests, 1);
	assert_int_equal(b.r.counters.requests, 1);
	assert_int_equal(b.r.counters.status[1], 1);
	assert_int_equal(b.r.counters.span_ns, 5000);
	assert_int_equal(b.r.gap.requests, 0);
	assert_int_equal(b.r.ledger.delivered[RS_KIND_REQUEST], 1);
	assert_string_equal(b.r.path, "/a%20b/{id}");
	assert_true(b.r.last.shape);
	assert_int_equal(b.r.last.known, 7 << 16 | request.shape);
	assert_int_equal(fixture_block(&b.f, 0)->tail, 1);
	bench_close(&b);
}

static void a_raw_path_is_canonical_and_no_shape(void **state)
{
	struct fixture_request request = bench_request(1);
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane(&b.f, 0);
	bench_watch(&b);
	request.path = "/raw\xff/with a path that needs two slots behind its head, at the least";
	fixture_serve(&b.f, 0, &request, 0);
	watched_round(b.w, NOW);
	assert_string_equal(b.r.path, "/raw%FF/with%20a%20path%20that%20needs%20two%20slots%20"
				      "behind%20its%20head,%20at%20the%20least");
	assert_false(b.r.last.shape);
	assert_int_equal(b.r.last.known, 0);
	bench_close(&b);
}

static void serve_block(struct fixture *f, uint32_t n, uint32_t block)
{
	const struct fixture_request request = bench_request(1);
	uint32_t slots = fixture_fill(f, n, &request);
	struct rs_head *head = fixture_slot(f, n, f->heads[n]);

	head->served.protocol = RS_PROTOCOL_HTTP2;
	rs_block_put(head, block);
	fixture_publish(f, n, slots);
}

/* The thread that read it has a later lane than the one that answered. */
static void a_block_may_be_drained_behind_its_request(void **state)
{
	struct rs_head *head;
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane(&b.f, 0);
	fixture_lane(&b.f, 1);
	bench_watch(&b);
	serve_block(&b.f, 0, 1);
	head = fixture_slot(&b.f, 1, 0);
	*head = (struct rs_head){ .connection = 1, .kind = RS_KIND_HEADERS };
	head->headers.stream = 1;
	head->headers.place = 1;
	head->headers.last = 1;
	head->headers.length = 5;
	memcpy(head->headers.bytes, "\x83\x04\2/a", 5);
	fixture_publish(&b.f, 1, 1);
	watched_round(b.w, NOW);
	assert_int_equal(b.r.requests, 1);
	assert_string_equal(b.r.path, "/a");
	assert_int_equal(b.r.last.method, RS_METHOD_POST);
	assert_int_equal(b.shared->streams.lost, 0);
	serve_block(&b.f, 0, 2); /* and one that never comes, of a connection that is known */
	watched_round(b.w, NOW);
	assert_int_equal(b.r.requests, 2);
	assert_string_equal(b.r.path, "");
	assert_int_equal(b.shared->streams.lost, 1);
	bench_close(&b);
}

/* Cell, block and our own log of 1,000 durations that met a full lane say the same. */
static void a_full_lane_and_what_was_folded_agree(void **state)
{
	uint64_t buckets[RS_HIST_SLOTS] = { 0 };
	struct fixture_request request;
	uint64_t sum = 0, slots;
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane(&b.f, 2);
	fixture_shape(&b.f, 3, 9, "/folded/{id}");
	bench_watch(&b);
	watched_round(b.w, NOW);
	for (slots = 0; slots + 4 <= RS_SLOTS; slots++) {
		request = bench_request(7);
		fixture_serve(&b.f, 2, &request, 9);
	}
	for (uint64_t i = 1; i <= 1000; i++) {
		request = bench_request(i * i * 97);
		request.status = i % 10 ? 200 : 500;
		fixture_serve(&b.f, 2, &request, 9);
		sum += request.span;
		buckets[rs_hist_slot(request.span)]++;
	}
	assert_int_equal(fixture_block(&b.f, 2)->folded[RS_KIND_REQUEST], 1000);
	watched_round(b.w, NOW);
	assert_int_equal(b.r.requests, slots);
	assert_int_equal(b.r.folds, 1);
	assert_int_equal(b.r.folded, 1000);
	assert_string_equal(b.r.fold_path, "/folded/{id}");
	assert_int_equal(b.r.least_ns, 97);
	assert_int_equal(b.r.most_ns, 97000000);
	buckets[rs_hist_slot(7)] += slots;
	assert_memory_equal(b.r.buckets, buckets, sizeof(buckets));
	assert_int_equal(b.r.counters.requests, slots + 1000);
	assert_int_equal(b.r.counters.status[4], 100);
	assert_int_equal(b.r.counters.span_ns, sum + 7 * slots);
	assert_int_equal(b.r.counters.folded[RS_KIND_REQUEST], 1000);
	assert_int_equal(b.r.known.status[4], 100);
	assert_int_equal(b.r.known.span_ns, sum + 7 * slots);
	assert_int_equal(fixture_cell(&b.f, 9)->count, 0);
	watched_end(b.w, NOW);
	assert_int_equal(b.shared->unequal, 0);
	bench_close(&b);
}

static void cells_are_looked_at_only_when_something_was_folded(void **state)
{
	struct fixture_request request = bench_request(5);
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_watch(&b);
	fixture_fold(&b.f, RS_OTHER_CELL, &request);
	watched_round(b.w, NOW);
	assert_int_equal(b.r.folded, 1);
	assert_string_equal(b.r.fold_path, SHAPES_OTHER);
	fixture_cell(&b.f, RS_OTHER_CELL)->count = 1;
	watched_round(b.w, NOW);
	assert_int_equal(b.r.folded, 1);
	bench_close(&b);
}

static void a_minimum_that_was_taken_before_is_none(void **state)
{
	struct fixture_request request = bench_request(5);
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_watch(&b);
	fixture_fold(&b.f, RS_OTHER_CELL, &request);
	fixture_cell(&b.f, RS_OTHER_CELL)->span_min = 0;
	watched_round(b.w, NOW);
	assert_true(b.r.least_ns == UINT64_MAX);
	bench_close(&b);
}

/* A reader before us died when it had taken the number and not yet the sums. */
static void sums_without_their_number_are_told_to_nobody(void **state)
{
	struct fixture_request request = bench_request(5);
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_watch(&b);
	fixture_fold(&b.f, RS_OTHER_CELL, &request);
	fixture_cell(&b.f, RS_OTHER_CELL)->count = 0;
	watched_round(b.w, NOW);
	assert_int_equal(b.r.folds, 0);
	fixture_fold(&b.f, RS_OTHER_CELL, &request);
	watched_round(b.w, NOW);
	assert_int_equal(b.r.folded, 1);
	assert_int_equal(b.r.known.status[1], 1);
	assert_int_equal(b.r.known.bytes_out, 100);
	bench_close(&b);
}

/*
 * Several threads share the overflow lane. One was killed when its continuation was published and
 * its head was not; the others went on behind it.
 */
static void only_death_skips_the_hole_of_a_killed_writer(void **state)
{
	struct fixture_request request = bench_request(5);
	struct rs_block *block;
	struct bench b;

	(void)state;
	bench_open(&b);
	block = fixture_block(&b.f, RS_OVERFLOW_LANE);
	fixture_lane(&b.f, RS_OVERFLOW_LANE);
	bench_watch(&b);
	watched_round(b.w, NOW);
	fixture_serve(&b.f, RS_OVERFLOW_LANE, &request, 0);
	request.path = "/killed/here";
	assert_int_equal(fixture_fill(&b.f, RS_OVERFLOW_LANE, &request), 2);
	ring_publish(&fixture_slot(&b.f, RS_OVERFLOW_LANE, 2)->seq, ring_word(2, 1, 2));
	fixture_count(&b.f, RS_OVERFLOW_LANE, &request);
	block->counted[RS_KIND_REQUEST] += 1;
	b.f.heads[RS_OVERFLOW_LANE] = 3;
	request.path = NULL;
	fixture_serve(&b.f, RS_OVERFLOW_LANE, &request, 0);
	fixture_serve(&b.f, RS_OVERFLOW_LANE, &request, 0);
	for (int i = 0; i < 1000; i++)
		watched_round(b.w, NOW + i * FIXTURE_SECOND);
	assert_int_equal(b.r.requests, 1);
	assert_int_equal(b.r.ledger.torn, 0);
	watched_end(b.w, NOW);
	assert_int_equal(b.r.requests, 3);
	assert_int_equal(b.r.ledger.torn, 1);
	assert_int_equal(b.r.counters.requests, 4);
	assert_int_equal(b.r.gone, 1);
	assert_int_equal(b.shared->unequal, 0);
	bench_close(&b);
}

static void a_hole_in_which_nothing_was_stored_is_not_torn(void **state)
{
	struct fixture_request request = bench_request(5);
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane(&b.f, RS_OVERFLOW_LANE);
	bench_watch(&b);
	fixture_fill(&b.f, RS_OVERFLOW_LANE, &request);
	b.f.heads[RS_OVERFLOW_LANE] = 1;
	fixture_serve(&b.f, RS_OVERFLOW_LANE, &request, 0);
	watched_end(b.w, NOW);
	assert_int_equal(b.r.requests, 1);
	assert_int_equal(b.r.ledger.torn, 0);
	bench_close(&b);
}

static void a_record_with_a_gap_is_torn_and_the_next_one_taken(void **state)
{
	struct fixture_request request = bench_request(5);
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane(&b.f, 0);
	bench_watch(&b);
	request.path = "/a/path";
	fixture_serve(&b.f, 0, &request, 0);
	fixture_serve(&b.f, 0, &request, 0);
	fixture_slot(&b.f, 0, 1)->seq = 0;
	watched_round(b.w, NOW);
	assert_int_equal(b.r.requests, 1);
	assert_int_equal(b.r.ledger.torn, 1);
	watched_end(b.w, NOW);
	assert_int_equal(b.shared->unequal, 0); /* refused, and said so */
	bench_close(&b);
}

static void a_record_that_never_came_is_unequal(void **state)
{
	struct fixture_request request = bench_request(5);
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane(&b.f, 0);
	bench_watch(&b);
	fixture_serve(&b.f, 0, &request, 0);
	fixture_block(&b.f, 0)->counted[RS_KIND_REQUEST] += 1;
	fixture_block(&b.f, 0)->pushed[RS_KIND_REQUEST] += 1;
	watched_end(b.w, NOW);
	assert_int_equal(b.shared->unequal, 1);
	bench_close(&b);
}

static void counted_while_nobody_listened_is_a_gap(void **state)
{
	struct fixture_request request = bench_request(2 * FIXTURE_SECOND);
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane(&b.f, 0);
	for (int i = 0; i < 5; i++)
		fixture_serve(&b.f, 0, &request, 0);
	bench_watch(&b);
	for (int i = 0; i < 3; i++)
		fixture_serve(&b.f, 0, &request, 0);
	watched_round(b.w, NOW);
	assert_int_equal(b.r.gap.requests, 5);
	assert_int_equal(b.r.gap.bytes_out, 500);
	assert_int_equal(b.r.counters.requests, 3);
	assert_int_equal(b.r.counters.begun, 8);
	assert_int_equal(b.r.ledger.gap_requests, 5);
	watched_round(b.w, NOW);
	assert_int_equal(b.r.gap.requests, 5);
	watched_end(b.w, NOW);
	assert_int_equal(b.shared->unequal, 0);
	bench_close(&b);
}

static void a_process_is_told_how_to_count_once_its_clock_is_known(void **state)
{
	const struct calibrate_pair first = { 0, NOW },
				    second = { 3000000000, NOW + FIXTURE_SECOND };
	struct bench b;

	(void)state;
	bench_open(&b);
	b.f.header->clock = RS_CLOCK_TSC;
	calibrate_init(&b.shared->tsc, &first);
	bench_watch(&b);
	assert_false(watched_ready(b.w));
	assert_int_equal(b.f.header->agent.epoch, 0);
	assert_true(calibrate_step(&b.shared->tsc, &second));
	watched_tell(b.w, true);
	assert_true(watched_ready(b.w));
	assert_int_equal(b.f.header->agent.epoch, 3);
	assert_int_equal(b.f.header->agent.ns_per_tick, CALIBRATE_ONE / 3);
	assert_in_range(b.f.header->agent.slow_warning, 3000000000, 3000000010);
	assert_in_range(b.f.header->agent.slow_critical, 15000000000, 15000000050);
	watched_tell(b.w, false);
	assert_int_equal(b.f.header->agent.epoch, 0);
	bench_close(&b);
}

static void how_much_to_record_is_told_and_kept_in_the_ledger(void **state)
{
	const struct drain_detail eighth = { .level = DRAIN_DETAIL_SAMPLED,
					     .sample = 8,
					     .since_ns = NOW };
	const struct drain_detail off = { .level = DRAIN_DETAIL_OFF, .since_ns = NOW + 1 };
	struct bench b;

	(void)state;
	bench_open(&b);
	b.f.header->agent.detail = 1; /* of an agent that died */
	bench_watch(&b);
	assert_int_equal(b.f.header->agent.detail, 0);
	watched_detail(b.w, &eighth);
	assert_int_equal(b.f.header->agent.detail, 2);
	assert_int_equal(b.f.header->agent.sample, 8);
	watched_tell(b.w, true); /* a new calibration changes nothing of it */
	assert_int_equal(b.f.header->agent.sample, 8);
	watched_round(b.w, NOW);
	assert_int_equal(b.r.ledger.detail.sample, 8);
	assert_int_equal(b.f.header->agent.off, 0);
	watched_detail(b.w, &off);
	assert_int_equal(b.f.header->agent.off, 1);
	watched_round(b.w, NOW);
	assert_int_equal(b.r.ledger.detail.level, DRAIN_DETAIL_OFF);
	bench_close(&b);
}

static void a_lane_without_slots_gets_no_page_of_ours(void **state)
{
	struct stat before, after;
	struct bench b;

	(void)state;
	bench_open(&b);
	b.f.header->lanes = 5;
	b.f.header->overflow = 1;
	for (uint32_t n = 0; n < RS_BLOCKS; n++)
		fixture_block(&b.f, n)->allocations = 1;
	fstat(b.f.fd, &before);
	bench_watch(&b);
	watched_round(b.w, NOW);
	watched_end(b.w, NOW);
	fstat(b.f.fd, &after);
	assert_int_equal(after.st_blocks, before.st_blocks);
	assert_int_equal(b.r.counters.allocations, 6);
	bench_close(&b);
}

static void a_process_that_says_nothing_new_costs_the_next_stage_nothing(void **state)
{
	struct fixture_request request = bench_request(5);
	uint64_t told;
	struct bench b;

	(void)state;
	bench_open(&b);
	fixture_lane(&b.f, 0);
	bench_watch(&b);
	fixture_serve(&b.f, 0, &request, 0);
	watched_round(b.w, NOW);
	told = b.shared->told;
	watched_round(b.w, NOW);
	watched_list(b.w, NOW);
	assert_int_equal(b.shared->told, told);
	b.f.header->unseen = RS_UNSEEN_IO_URING | 0x40;
	watched_round(b.w, NOW);
	assert_int_equal(b.shared->told, told + 1);
	assert_int_equal(b.r.ledger.unseen, RS_UNSEEN_IO_URING);
	bench_close(&b);
}

static void the_open_table_is_told_until_it_is_empty(void **state)
{
	struct rs_open *entry;
	struct bench b;

	(void)state;
	bench_open(&b);
	entry = (struct rs_open *)(void *)(b.f.base + RS_OPEN_AT);
	entry[5].t0 = NOW - 77;
	entry[5].shape = fixture_shape(&b.f, 0, 0, "/hangs");
	entry[5].method = RS_METHOD_PUT;
	entry[5].state = RS_OPEN_WAITING;
	entry[5].connection = 9;
	entry[6].t0 = NOW + 1;
	entry[6].connection = 10; /* not begun yet, as it says */
	entry[7].t0 = NOW;
	entry[7].method = RS_METHODS;
	entry[7].connection = 11;
	bench_watch(&b);
	watched_list(b.w, NOW);
	assert_int_equal(b.r.open_count, 1);
	assert_int_equal(b.r.open.t0_ns, NOW - 77);
	assert_int_equal(b.r.open.connection, 9);
	assert_int_equal(b.r.open.method, RS_METHOD_PUT);
	assert_string_equal(b.r.open_path, "/hangs");
	entry[5].connection = 0;
	watched_list(b.w, NOW);
	watched_list(b.w, NOW);
	assert_int_equal(b.r.open_count, 0);
	assert_int_equal(b.r.opens, 2);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_delivered_once_and_counted),
		cmocka_unit_test(a_raw_path_is_canonical_and_no_shape),
		cmocka_unit_test(a_block_may_be_drained_behind_its_request),
		cmocka_unit_test(a_full_lane_and_what_was_folded_agree),
		cmocka_unit_test(cells_are_looked_at_only_when_something_was_folded),
		cmocka_unit_test(a_minimum_that_was_taken_before_is_none),
		cmocka_unit_test(sums_without_their_number_are_told_to_nobody),
		cmocka_unit_test(only_death_skips_the_hole_of_a_killed_writer),
		cmocka_unit_test(a_hole_in_which_nothing_was_stored_is_not_torn),
		cmocka_unit_test(a_record_with_a_gap_is_torn_and_the_next_one_taken),
		cmocka_unit_test(a_record_that_never_came_is_unequal),
		cmocka_unit_test(counted_while_nobody_listened_is_a_gap),
		cmocka_unit_test(a_process_is_told_how_to_count_once_its_clock_is_known),
		cmocka_unit_test(how_much_to_record_is_told_and_kept_in_the_ledger),
		cmocka_unit_test(a_lane_without_slots_gets_no_page_of_ours),
		cmocka_unit_test(a_process_that_says_nothing_new_costs_the_next_stage_nothing),
		cmocka_unit_test(the_open_table_is_told_until_it_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
