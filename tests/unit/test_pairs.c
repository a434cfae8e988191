#include "pairs_fixture.h"
#include "rs_test.h"

static struct pairs p;

static int setup(void **state)
{
	(void)state;
	heard_nothing();
	pairs_init(&p);
	return 0;
}

static int teardown(void **state)
{
	struct pairs_call call = { 0 };

	(void)state;
	pairs_close(&p, &call, false);
	assert_int_equal(heard.lent, 0);
	assert_int_equal(heard.listed, 0);
	return 0;
}

static void ask_many(const char *const *names, int count)
{
	struct pairs_call call = { 0 };
	uint64_t t0 = heard.clock;

	for (int i = 0; i < count; i++) {
		struct pairs_ask ask = { .t0 = t0,
					 .bytes_in = 10,
					 .name = (const uint8_t *)names[i],
					 .name_length = (uint8_t)strlen(names[i]) };

		pairs_ask(&p, &call, &ask);
	}
	pairs_flush(&p, &call);
}

static void ask(const char *name)
{
	ask_many(&name, 1);
}

static void answer(int count)
{
	const struct pairs_answer a = { .bytes_out = 5, .status = 200 };
	struct pairs_call call = { 0 };

	for (int i = 0; i < count; i++)
		pairs_answer(&p, &call, &a);
	pairs_written(&p, &call);
}

static void answers_go_to_the_oldest_request(void **state)
{
	static const char *const names[] = { "A", "B", "A", "A" };

	(void)state;
	pairs_confirm(&p);
	ask_many(names, 4);
	assert_int_equal(heard.begun, 4);
	assert_int_equal(pairs_waiting(&p), 3); /* two that are equal are one run */
	answer(4);
	assert_string_equal(heard_story(), "A 200, B 200, A 200, A 200");
	assert_null(pairs_front(&p, &(struct pairs_call){ 0 }));
}

static void a_request_lasts_from_its_read_to_its_answer(void **state)
{
	(void)state;
	pairs_confirm(&p);
	ask("A");
	heard.clock = 1500;
	answer(1);
	assert_int_equal(heard.served[0].t0, 1000);
	assert_int_equal(heard.served[0].end, 1500);
	assert_int_equal(heard.served[0].bytes_in, 10);
	assert_int_equal(heard.served[0].bytes_out, 5);
	assert_int_equal(heard.served[0].flags, 0);
}

static void the_clock_is_read_once_a_call(void **state)
{
	(void)state;
	pairs_confirm(&p);
	ask_many((const char *const[]){ "A", "A", "B" }, 3);
	heard.looks = 0;
	answer(3);
	assert_int_equal(heard.looks, 1);
}

static void who_waits_behind_another_is_pipelined(void **state)
{
	(void)state;
	pairs_confirm(&p);
	ask_many((const char *const[]){ "A", "A", "B" }, 3);
	answer(3);
	assert_int_equal(heard.served[0].flags, 0);
	assert_int_equal(heard.served[1].flags, RS_FLAG_PIPELINED);
	assert_int_equal(heard.served[2].flags, RS_FLAG_PIPELINED);
}

static void nothing_is_told_before_an_answer_fits(void **state)
{
	(void)state;
	ask("A");
	assert_int_equal(heard.begun + heard.names + heard.listed, 0);
	pairs_confirm(&p);
	answer(1);
	assert_int_equal(heard.begun, 1);
	assert_string_equal(heard_story(), "A 200");
}

static void many_runs_are_kept_in_order(void **state)
{
	static const char *const names[] = { "A", "B" };

	(void)state;
	pairs_confirm(&p);
	for (int i = 0; i < 30; i++)
		ask(names[i % 2]);
	assert_true(heard.lent > 0);
	for (int i = 0; i < 30; i++) {
		answer(1);
		assert_string_equal(heard.name[heard.served[i].shape - 1], names[i % 2]);
	}
	assert_true(heard.lent <= 1);
}

static void who_finds_nobody_waiting_needs_no_room(void **state)
{
	(void)state;
	pairs_confirm(&p);
	heard.blocks = 0;
	for (int i = 0; i < 30; i++) {
		ask_many((const char *const[]){ "A", "B", "C" }, 1 + i % 3);
		answer(1 + i % 3);
	}
	assert_int_equal(heard.unparsed[RS_UNPARSED_DEPTH], 0);
}

/* Up to eleven are asked, as many or fewer are answered: the queue empties at any place. */
static void the_order_holds_however_far_the_queue_empties(void **state)
{
	static const char *const names[] = { "A", "B", "C" };
	uint32_t asked = 0, answered = 0, dice = 1;

	(void)state;
	pairs_confirm(&p);
	for (int i = 0; i < 2000; i++) {
		dice = dice * 1103515245u + 12345u;
		for (uint32_t n = (dice >> 16) % 12; n; n--)
			ask(names[asked++ % 3]);
		for (uint32_t n = (dice >> 20) % 24; n && answered < asked; n--) {
			heard.done = 0;
			answer(1);
			assert_string_equal(heard.name[heard.served[0].shape - 1],
					    names[answered++ % 3]);
		}
		if (answered == asked)
			assert_true(heard.lent <= 1);
	}
}

/* The first place knows the address of a block that it was followed by at another time. */
static void a_block_is_given_back_once(void **state)
{
	struct pairs_call call = { 0 };

	(void)state;
	pairs_confirm(&p);
	for (uint32_t i = 0; i < PAIRS_RUNS + 1; i++)
		ask(i % 2 ? "A" : "B");
	answer((int)PAIRS_RUNS + 1);
	ask("C");
	answer(1);
	assert_int_equal(heard.lent, 0);
	assert_non_null(atomic_load(&p.first.next));
	pairs_close(&p, &call, false);
	assert_int_equal(heard.lent, 0);
	setup(NULL);
}

/* One that is not in the queue yet may lie in a block of its own, or the first place's again. */
static void what_was_not_read_whole_keeps_no_block(void **state)
{
	const struct pairs_ask unread = { .t0 = 1, .bytes_in = 1, .name = (const uint8_t *)"" };
	struct pairs_call call = { 0 };

	(void)state;
	pairs_confirm(&p);
	for (uint32_t asked = PAIRS_RUNS; asked <= PAIRS_RUNS + 1; asked++) {
		setup(NULL);
		pairs_confirm(&p);
		for (uint32_t i = 0; i < asked; i++)
			ask(i % 2 ? "A" : "B");
		if (asked > PAIRS_RUNS) /* the writer is in the lent one, and must turn */
			answer((int)asked);
		pairs_ask(&p, &call, &unread);
		assert_int_equal(heard.lent, 1);
		pairs_close(&p, &call, false);
		assert_int_equal(heard.lent, 0);
	}
	setup(NULL); /* closed once */
}

static void beyond_the_last_place_requests_are_only_counted(void **state)
{
	(void)state;
	pairs_confirm(&p);
	heard.blocks = 0;
	for (int i = 0; i < (int)PAIRS_RUNS + 3; i++)
		ask(i % 2 ? "A" : "B");
	assert_int_equal(heard.begun, PAIRS_RUNS + 3);
	assert_int_equal(heard.unparsed[RS_UNPARSED_DEPTH], 3);
	heard.blocks = 9;
	answer(PAIRS_RUNS + 1);
	ask("C"); /* two are older: no place ahead of them */
	assert_int_equal(heard.unparsed[RS_UNPARSED_DEPTH], 4);
	answer(3);
	assert_int_equal(heard.done, PAIRS_RUNS + 4);
	assert_int_equal(heard.served[PAIRS_RUNS].t0, 0);
	assert_int_equal(heard.served[PAIRS_RUNS].shape, 0);
	ask("D");
	answer(1);
	assert_int_equal(heard.unparsed[RS_UNPARSED_DEPTH], 4);
	assert_string_equal(heard.name[heard.served[heard.done - 1].shape - 1], "D");
}

static void only_the_oldest_request_is_listed(void **state)
{
	(void)state;
	pairs_confirm(&p);
	ask_many((const char *const[]){ "A", "B", "C" }, 3);
	assert_int_equal(heard.listed, 1);
	answer(2);
	assert_int_equal(heard.listed, 1);
	answer(1);
	assert_int_equal(heard.listed, 0);
}

static void an_unknown_name_is_not_told(void **state)
{
	const struct pairs_answer a = { .status = 400, .unknown = true };
	struct pairs_call call = { 0 };

	(void)state;
	pairs_confirm(&p);
	ask("A");
	ask("");
	pairs_answer(&p, &call, &a);
	answer(1);
	assert_string_equal(heard_story(), "_unknown 400, _unknown 200");
	assert_int_equal(heard.names, 1);
}

static void what_is_postponed_counts_when_it_is_told(void **state)
{
	const struct pairs_answer a = { .bytes_out = 9 };
	struct pairs_call call = { 0 }, later = { 0 };
	struct pairs_later kept;

	(void)state;
	pairs_confirm(&p);
	ask("A");
	heard.clock = 1200;
	pairs_postpone(&p, &call, &a, &kept);
	assert_int_equal(heard.done, 0);
	assert_int_equal(pairs_waiting(&p), 0);
	heard.clock = 5000;
	pairs_tell(&later, &kept, 200);
	assert_string_equal(heard_story(), "A 200");
	assert_int_equal(heard.begun, 1);
	assert_int_equal(heard.served[0].end - heard.served[0].t0, 200);
}

static void who_gets_no_answer_is_over_at_once(void **state)
{
	const struct pairs_ask quiet = { .t0 = 900,
					 .name = (const uint8_t *)"Q",
					 .name_length = 1 };
	struct pairs_call call = { 0 };

	(void)state;
	pairs_unanswered(&p, &call, &quiet);
	assert_string_equal(heard_story(), "Q 200");
	assert_int_equal(heard.begun, 1);
	assert_int_equal(pairs_waiting(&p), 0);
}

static void who_was_not_answered_is_aborted_and_its_name_stays_here(void **state)
{
	struct pairs_call call = { 0 };

	(void)state;
	pairs_confirm(&p);
	ask_many((const char *const[]){ "A", "A" }, 2);
	pairs_close(&p, &call, true);
	assert_int_equal(heard.done, 2);
	assert_int_equal(heard.served[1].shape, 0);
	assert_true(heard.served[1].flags & RS_FLAG_ABORTED);
	assert_true(heard.served[1].flags & RS_FLAG_CUT_BY_CLIENT);
}

static void what_was_lost_is_not_told_at_the_end(void **state)
{
	struct pairs_call call = { 0 };

	(void)state;
	pairs_confirm(&p);
	ask("A");
	assert_false(pairs_lose(&p, &call, RS_UNPARSED_GARBAGE));
	pairs_lose(&p, &call, RS_UNPARSED_GARBAGE);
	assert_int_equal(heard.unparsed[RS_UNPARSED_GARBAGE], 1);
	pairs_close(&p, &call, false);
	assert_int_equal(heard.done, 0);
	assert_int_equal(heard.dropped, 1);
}

static void a_child_takes_along_what_had_begun(void **state)
{
	(void)state;
	ask("A");
	pairs_confirm(&p);
	for (int i = 0; i < 9; i++)
		ask_many((const char *const[]){ "B", "B", "C" }, 3);
	answer(2); /* A, and one of two B */
	assert_int_equal(heard.listed, 1);
	heard.listed = 0; /* the parent's */
	assert_int_equal(pairs_adopt(&p), 26);
	answer(26);
	assert_int_equal(heard.done, 28);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(answers_go_to_the_oldest_request),
		CASE(a_request_lasts_from_its_read_to_its_answer),
		CASE(the_clock_is_read_once_a_call),
		CASE(who_waits_behind_another_is_pipelined),
		CASE(nothing_is_told_before_an_answer_fits),
		CASE(many_runs_are_kept_in_order),
		CASE(who_finds_nobody_waiting_needs_no_room),
		CASE(the_order_holds_however_far_the_queue_empties),
		CASE(a_block_is_given_back_once),
		CASE(what_was_not_read_whole_keeps_no_block),
		CASE(beyond_the_last_place_requests_are_only_counted),
		CASE(only_the_oldest_request_is_listed),
		CASE(an_unknown_name_is_not_told),
		CASE(what_is_postponed_counts_when_it_is_told),
		CASE(who_gets_no_answer_is_over_at_once),
		CASE(who_was_not_answered_is_aborted_and_its_name_stays_here),
		CASE(what_was_lost_is_not_told_at_the_end),
		CASE(a_child_takes_along_what_had_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
