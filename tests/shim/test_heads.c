#include "heads.h"

#include "moves.h"

#include <pthread.h>
#include <stdatomic.h>

#define REQUEST "GET /path HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
#define REPLY "HTTP/1.1 200 OK\r\nServer: one\r\nContent-Length: 2\r\n\r\nok"
#define ENOUGH 20u /* requests of a thread that knows heads */

static void serve(struct connection *c, uint32_t requests)
{
	while (requests--) {
		READ(c, REQUEST);
		WRITE(c, REPLY);
	}
}

static uint32_t kept(const struct memo *memo)
{
	uint32_t n = 0;

	for (uint32_t i = 0; memo && i < MEMO_PLACES; i++)
		n += (memo->requests[i].said.length != 0) + (memo->answers[i].said.length != 0);
	return n;
}

static void every_request_counts_and_is_recorded_known_or_not(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	serve(c, 2 * ENOUGH);
	assert_non_null(here.memo);
	assert_int_equal(kept(here.memo), 2);
	assert_int_equal(here.block->begun, 2 * ENOUGH);
	assert_int_equal(here.block->requests, 2 * ENOUGH);
	assert_int_equal(here.block->status[1], 2 * ENOUGH);
	assert_int_equal(here.block->bytes_in, 2 * ENOUGH * (sizeof(REQUEST) - 1));
	assert_int_equal(here.block->bytes_out, 2 * ENOUGH * (sizeof(REPLY) - 1));
	assert_int_equal(here.block->pushed[RS_KIND_REQUEST], 2 * ENOUGH);
	for (uint32_t i = 2; i < 2 * ENOUGH; i++) { /* the first has its path in a slot behind it */
		assert_int_equal(record(i)->kind, RS_KIND_REQUEST);
		assert_int_equal(record(i)->shape, record(0)->shape);
		assert_int_equal(record(i)->served.status, 200);
		assert_int_equal(record(i)->served.method, RS_METHOD_GET);
		assert_int_equal(record(i)->served.bytes_in, sizeof(REQUEST) - 1);
		assert_int_equal(record(i)->served.bytes_out, sizeof(REPLY) - 1);
	}
	connection_put(c);
	assert_int_equal(here.block->requests, 2 * ENOUGH);
}

static void a_known_request_is_listed_while_it_lasts(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	serve(c, ENOUGH);
	READ(c, REQUEST);
	assert_int_not_equal(open_at(0)->connection, 0);
	assert_int_equal(open_at(0)->state, RS_OPEN_WAITING);
	assert_int_equal(open_at(0)->method, RS_METHOD_GET);
	assert_int_equal(open_at(0)->shape, record(0)->shape);
	move(c, CONNECTION_WRITE, REPLY, sizeof(REPLY) - 2);
	assert_int_equal(open_at(0)->state, RS_OPEN_ANSWERING);
	assert_int_equal(open_at(0)->bytes_out, sizeof(REPLY) - 2);
	assert_int_equal(open_at(0)->queued, 0);
	WRITE(c, "k");
	assert_int_equal(open_at(0)->connection, 0);
	connection_put(c);
}

static void few_requests_are_not_worth_it(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	serve(c, 2);
	assert_null(here.memo);
	connection_put(c);
}

static void who_shares_a_block_has_none(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	here.shared = 1;
	serve(c, ENOUGH);
	assert_null(here.memo);
	here.shared = 0;
	assert_int_equal(here.block->requests, ENOUGH);
	connection_put(c);
}

/* As a fork child: the same memory, another segment, and shapes of its own. */
static void another_process_knows_none_of_them(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	struct memo *memo;

	(void)state;
	serve(c, ENOUGH);
	memo = here.memo;
	assert_int_equal(kept(memo), 2);
	guard_leave();
	core_restart();
	assert_true(guard_enter());
	assert_null(here.memo);
	atomic_store(&here.block->requests, ENOUGH);
	heads_want();
	assert_ptr_equal(here.memo, memo);
	assert_int_equal(kept(memo), 0);
	connection_put(c);
}

static void what_a_thread_leaves_the_next_one_goes_on_with(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	struct memo *memo;

	(void)state;
	serve(c, ENOUGH);
	memo = here.memo;
	heads_return();
	assert_null(here.memo);
	heads_return();
	heads_want();
	assert_ptr_equal(here.memo, memo);
	assert_int_equal(kept(memo), 2);
	connection_put(c);
}

static void *wants_one(void *out)
{
	if (guard_enter()) {
		atomic_store(&here.block->requests, ENOUGH);
		heads_want();
		*(struct memo **)out = here.memo;
		guard_leave();
	}
	return NULL;
}

static void no_two_threads_have_the_same(void **state)
{
	struct memo *others[2] = { NULL, NULL };
	pthread_t threads[2];

	(void)state;
	atomic_store(&here.block->requests, ENOUGH);
	heads_want();
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wants_one, &others[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_non_null(here.memo);
	assert_non_null(others[0]);
	assert_non_null(others[1]);
	assert_ptr_not_equal(others[0], here.memo);
	assert_ptr_not_equal(others[1], here.memo);
	assert_ptr_not_equal(others[0], others[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_request_counts_and_is_recorded_known_or_not),
		TEST(a_known_request_is_listed_while_it_lasts),
		TEST(few_requests_are_not_worth_it),
		TEST(who_shares_a_block_has_none),
		TEST(another_process_knows_none_of_them),
		TEST(what_a_thread_leaves_the_next_one_goes_on_with),
		TEST(no_two_threads_have_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
