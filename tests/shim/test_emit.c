#include "core.h"

#include <pthread.h>
#include <ringside/ring.h>
#include <string.h>

static const struct served sample = {
	.t0 = 1000,
	.end = 51000,
	.first_byte = 1000 + 256 * 10,
	.bytes_in = 41,
	.bytes_out = UINT64_C(5000000000),
	.connection = 7,
	.shape = 2048,
	.status = 404,
	.method = RS_METHOD_HEAD,
	.protocol = RS_PROTOCOL_HTTP1,
};

static void emit(const struct served *request)
{
	assert_true(guard_enter());
	emit_request(request);
	guard_leave();
}

static struct rs_head *slot(uint64_t position)
{
	return (struct rs_head *)(void *)here.slots + position % RS_BIG_SLOTS;
}

static void drained(void)
{
	ring_release(&here.block->tail, here.lane->head);
}

static void a_request_is_one_slot_and_its_counters(void **state)
{
	(void)state;
	emit(&sample);
	assert_int_equal(slot(0)->seq, ring_word(0, 0, 1));
	assert_int_equal(slot(0)->t0, 1000);
	assert_int_equal(slot(0)->span, 50000);
	assert_int_equal(slot(0)->kind, RS_KIND_REQUEST);
	assert_int_equal(slot(0)->connection, 7);
	assert_int_equal(slot(0)->served.bytes_out, UINT64_C(5000000000));
	assert_int_equal(slot(0)->served.bytes_in, 41);
	assert_in_range(slot(0)->served.first_byte, 10, 11);
	assert_int_equal(slot(0)->served.thread, here.tid);
	assert_int_equal(slot(0)->served.status, 404);
	assert_true(slot(0)->request != 0);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[3], 1);
	assert_int_equal(here.block->span, 50000);
	assert_int_equal(here.block->span_min, 50000);
	assert_int_equal(here.block->span_max, 50000);
	assert_int_equal(here.block->counted[RS_KIND_REQUEST], 1);
	assert_int_equal(here.block->pushed[RS_KIND_REQUEST], 1);
}

static void a_path_travels_in_continuation_slots(void **state)
{
	struct served r = sample;
	uint8_t path[RS_PATH_BYTES];
	uint8_t joined[3 * RS_SLOT_PAYLOAD];

	(void)state;
	for (uint32_t length = 1; length <= RS_PATH_BYTES; length++) {
		uint64_t at = here.lane->head;
		uint32_t n;

		for (uint32_t i = 0; i < length; i++)
			path[i] = (uint8_t)(i + length);
		r.path = path;
		r.path_length = length;
		emit(&r);
		n = (uint32_t)(here.lane->head - at);
		assert_int_equal(n, 1 + (4 + length + 55) / 56);
		for (uint32_t k = 0; k < n; k++)
			assert_int_equal(slot(at + k)->seq, ring_word(at + k, k, n));
		for (uint32_t k = 1; k < n; k++)
			memcpy(joined + (k - 1) * RS_SLOT_PAYLOAD,
			       (const uint8_t *)slot(at + k) + 8, RS_SLOT_PAYLOAD);
		assert_int_equal(joined[0], RS_SECTION_PATH);
		assert_int_equal(joined[2] | joined[3] << 8, length);
		assert_memory_equal(joined + 4, path, length);
		for (uint32_t i = 4 + length; i < (n - 1) * RS_SLOT_PAYLOAD; i++)
			assert_int_equal(joined[i], 0);
		drained();
	}
}

static void positions_go_on_over_the_end_of_the_lane(void **state)
{
	struct served r = sample;

	(void)state;
	here.lane->head = RS_BIG_SLOTS * 1000u - 1;
	here.lane->tail = here.lane->head;
	drained();
	r.path = (const uint8_t *)"/over/the/end";
	r.path_length = 13;
	emit(&r);
	assert_int_equal(slot(RS_BIG_SLOTS - 1)->seq, ring_word(RS_BIG_SLOTS * 1000u - 1, 0, 2));
	assert_int_equal(slot(0)->seq, ring_word(RS_BIG_SLOTS * 1000u, 1, 2));
	assert_int_equal(here.lane->head, RS_BIG_SLOTS * 1000u + 1);
}

static void a_record_that_does_not_fit_leaves_no_trace(void **state)
{
	struct served r = sample;

	(void)state;
	for (uint32_t i = 0; i < RS_BIG_SLOTS - 1; i++)
		emit(&sample);
	r.path = (const uint8_t *)"/two";
	r.path_length = 4;
	emit(&r); /* two slots, one is free */
	assert_int_equal(slot(RS_BIG_SLOTS - 1)->seq, 0);
	assert_int_equal(here.block->folded[RS_KIND_REQUEST], 1);
	emit(&sample); /* one slot */
	assert_int_equal(here.block->pushed[RS_KIND_REQUEST], RS_BIG_SLOTS);
	emit(&sample);
	assert_int_equal(here.block->folded[RS_KIND_REQUEST], 2);
	assert_int_equal(here.block->lost[RS_LOST_LANE_FULL], 2);
	assert_int_equal(here.block->counted[RS_KIND_REQUEST], RS_BIG_SLOTS + 2);
}

static void a_connection_is_dropped_where_there_is_no_room(void **state)
{
	const struct emit_closed closed = { .t0 = 5, .end = 9, .connection = 3, .requests = 2 };

	(void)state;
	assert_true(guard_enter());
	for (uint32_t i = 0; i < RS_BIG_SLOTS + 3; i++)
		emit_closed(&closed);
	guard_leave();
	assert_int_equal(here.block->closed, RS_BIG_SLOTS + 3);
	assert_int_equal(here.block->counted[RS_KIND_CONNECTION], RS_BIG_SLOTS + 3);
	assert_int_equal(here.block->pushed[RS_KIND_CONNECTION], RS_BIG_SLOTS);
	assert_int_equal(here.block->dropped[RS_KIND_CONNECTION], 3);
	assert_int_equal(slot(0)->kind, RS_KIND_CONNECTION);
	assert_int_equal(slot(0)->closed.requests, 2);
}

static void without_an_agent_only_counters_rise(void **state)
{
	(void)state;
	atomic_store(&home.header->agent.epoch, 0);
	emit(&sample);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->span, 50000);
	assert_int_equal(here.block->counted[RS_KIND_REQUEST], 0);
	assert_int_equal(here.lane->head, 0);
}

static void without_a_clock_only_counters_rise(void **state)
{
	struct served r = sample;

	(void)state;
	r.t0 = r.end = r.first_byte = 0;
	emit(&r);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->span_min, 0);
	assert_int_equal(here.block->counted[RS_KIND_REQUEST], 0);
}

static void slow_requests_count_once(void **state)
{
	struct served r = sample;

	(void)state;
	atomic_store(&home.header->agent.slow_warning, 1000);
	atomic_store(&home.header->agent.slow_critical, 5000);
	r.end = r.t0 + 1000;
	emit(&r);
	r.end = r.t0 + 1001;
	emit(&r);
	r.end = r.t0 + 5000;
	emit(&r);
	r.end = r.t0 + 5001;
	emit(&r);
	assert_int_equal(here.block->slow_warning, 2);
	assert_int_equal(here.block->slow_critical, 1);
	assert_int_equal(here.block->span_min, 1000);
	assert_int_equal(here.block->span_max, 5001);
}

static void the_off_word_ends_it_for_good(void **state)
{
	(void)state;
	atomic_store(&home.header->agent.off, 1);
	emit(&sample);
	assert_int_equal(here.block->requests, 0);
	assert_int_equal(home.header->state, RS_STATE_OFF);
	assert_int_equal(home.header->why, RS_WHY_ASKED);
	atomic_store(&home.header->agent.off, 0);
	assert_false(guard_enter());
}

static void a_sampled_detail_drops_what_it_leaves_out(void **state)
{
	(void)state;
	atomic_store(&home.header->agent.detail, 2);
	atomic_store(&home.header->agent.sample, 4);
	for (int i = 0; i < 400; i++)
		emit(&sample);
	assert_int_equal(here.block->requests, 400);
	assert_int_equal(here.block->counted[RS_KIND_REQUEST], 400);
	assert_int_equal(here.block->pushed[RS_KIND_REQUEST], 100);
	assert_int_equal(here.block->dropped[RS_KIND_REQUEST], 300);
}

static void a_detail_without_strings_leaves_the_path_out(void **state)
{
	struct served r = sample;

	(void)state;
	atomic_store(&home.header->agent.detail, 1);
	r.path = (const uint8_t *)"/secret";
	r.path_length = 7;
	emit(&r);
	assert_int_equal(here.lane->head, 1);
}

/* What one guard of a thread of its own added to the cost. */
static void *enter_once(void *timed)
{
	if (!guard_enter())
		return NULL;
	*(int *)timed += here.stamp != 0;
	guard_leave();
	return NULL;
}

static void threads_that_end_at_once_are_sampled_like_others(void **state)
{
	int threads = 100 * (int)RS_COST_EVERY, timed = 0;
	pthread_t thread;

	(void)state;
	for (int i = 0; i < threads; i++) {
		assert_int_equal(pthread_create(&thread, NULL, enter_once, &timed), 0);
		pthread_join(thread, NULL);
	}
	/* 100 are expected; six sigma more or less come once in five hundred million runs */
	assert_in_range(timed, 40, 160);
}

static void the_time_of_a_preempted_guard_is_not_our_cost(void **state)
{
	uint64_t cost;

	(void)state;
	here.stamp = clock_ticks() - 1000;
	guard_stamp_end();
	cost = here.block->cost_ticks;
	assert_true(cost >= 1000);
	here.stamp = clock_ticks() - (UINT64_C(1) << 17);
	guard_stamp_end();
	assert_int_equal(here.block->cost_ticks, cost);
	assert_int_equal(here.stamp, 0);
}

static void ids_are_never_zero(void **state)
{
	(void)state;
	atomic_store(&home.connections, UINT32_MAX - 1);
	assert_true(guard_enter());
	assert_int_equal(emit_opened(), UINT32_MAX);
	assert_int_equal(emit_opened(), 1);
	guard_leave();
	assert_int_equal(here.block->opened, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_request_is_one_slot_and_its_counters, core_setup),
		cmocka_unit_test_setup(a_path_travels_in_continuation_slots, core_setup),
		cmocka_unit_test_setup(positions_go_on_over_the_end_of_the_lane, core_setup),
		cmocka_unit_test_setup(a_record_that_does_not_fit_leaves_no_trace, core_setup),
		cmocka_unit_test_setup(a_connection_is_dropped_where_there_is_no_room, core_setup),
		cmocka_unit_test_setup(without_an_agent_only_counters_rise, core_setup),
		cmocka_unit_test_setup(without_a_clock_only_counters_rise, core_setup),
		cmocka_unit_test_setup(slow_requests_count_once, core_setup),
		cmocka_unit_test_setup(the_off_word_ends_it_for_good, core_setup),
		cmocka_unit_test_setup(a_sampled_detail_drops_what_it_leaves_out, core_setup),
		cmocka_unit_test_setup(a_detail_without_strings_leaves_the_path_out, core_setup),
		cmocka_unit_test_setup(threads_that_end_at_once_are_sampled_like_others,
				       core_setup),
		cmocka_unit_test_setup(the_time_of_a_preempted_guard_is_not_our_cost, core_setup),
		cmocka_unit_test_setup(ids_are_never_zero, core_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
