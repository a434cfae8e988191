#include "parsed_fixture.h"

/* A connection that has begun. */
static void open_mux(void)
{
	told_open(EXCHANGE_ACCEPTED);
	READS(PREFACE SETTINGS);
	WRITES(SETTINGS);
	assert_non_null(told.parser.mux);
}

static void streams_are_told_by_path_and_method(void **state)
{
	(void)state;
	open_mux();
	READS(ASKS("\6", "\1") "\x82\x44\3/aa" ASKS("\2", "\3") "\x83\xbe"); /* that path again */
	WRITES(ANSWERS("\3") ANSWERS("\1"));
	told_book();
	assert_int_equal(told.totals.begun, 2);
	assert_int_equal(told.totals.requests, 2);
	told_close("2 3 /aa 200 11/10 0;2 1 /aa 200 15/10 0;");
}

static void a_block_may_come_in_pieces(void **state)
{
	(void)state;
	open_mux();
	READS(HEAD("\4", "\1", "\1", "\1") "\x82\x44\4/" HEAD("\3", "\x9", "\4", "\1") "abc");
	WRITES(ANSWERS("\1"));
	told_close("2 1 /abc 200 25/10 0;");
}

static void what_it_carries_may_be_grpc(void **state)
{
	(void)state;
	open_mux();
	READS(ASKS("\x19", "\1") "\x83\x44\4/s/m\x5f\x10"
				 "application/grpc" HEAD("\5", "\0", "\1", "\1") "\0\0\0\0\0");
	WRITES(ANSWERS("\1"));
	told_close("g 3 /s/m 200 48/10 0;");
}

static void behind_a_block_without_sense_paths_are_not_known(void **state)
{
	(void)state;
	open_mux();
	READS(ASKS("\1", "\1") "\xff");
	WRITES(ANSWERS("\1"));
	READS(ASKS("\1", "\3") "\x82");
	WRITES(ANSWERS("\3"));
	assert_int_equal(told_unparsed(RS_UNPARSED_HPACK_GAP), 2);
	told_close("2 0  200 10/10 64;2 0  200 10/10 64;");
}

static void what_the_server_refused_is_no_request(void **state)
{
	(void)state;
	open_mux();
	READS(ASKS("\1", "\1") "\x82");
	WRITES(HEAD("\4", "\3", "\0", "\1") "\0\0\0\7");
	told_book();
	assert_int_equal(told.totals.refused, 1);
	told_close("");
}

static void a_body_that_moved_unseen_is_passed_over(void **state)
{
	(void)state;
	open_mux();
	READS(ASKS("\1", "\1") "\x82");
	WRITES(HEAD("\1", "\1", "\4", "\1") "\x88" HEAD("\5", "\0", "\1", "\1"));
	moves(PARSER_OUT, NULL, 5);
	READS(ASKS("\1", "\3") "\x82");
	WRITES(ANSWERS("\3"));
	told_close("2 1  200 10/24 0;2 1  200 10/10 0;");
}

/* One open, two more in the gap, and the next after it. */
static void behind_a_gap_what_was_lost_is_counted_by_number(void **state)
{
	(void)state;
	open_mux();
	READS(ASKS("\1", "\1") "\x82");
	moves(PARSER_IN, NULL, 20);
	READS("not a frame at all, but the middle of one");
	READS(ASKS("\1", "\7") "\x82");
	WRITES(ANSWERS("\1"));
	WRITES(ANSWERS("\7"));
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 3);
	assert_int_equal(told_unparsed(RS_UNPARSED_GARBAGE), 0);
	assert_int_equal(told.totals.begun, told.totals.requests);
	told_close("2 0  200 10/10 64;");
}

static void what_was_lost_first_is_counted_by_number_too(void **state)
{
	(void)state;
	open_mux();
	moves(PARSER_IN, NULL, 20);
	READS(ASKS("\1", "\7") "\x82");
	WRITES(ANSWERS("\7"));
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 3);
	told_close("2 0  200 10/10 64;");
}

/* The kernel knows the last number that was asked for. */
static void in_a_gap_up_to_the_end_all_that_was_asked_for_is_lost(void **state)
{
	(void)state;
	open_mux();
	READS(ASKS("\1", "\1") "\x82");
	WRITES(ANSWERS("\1"));
	READS(ASKS("\1", "\3") "\x82");
	mux_cut(told.parser.mux, &told.parsed, 9);
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 4); /* the open one, too */
	assert_int_equal(told.totals.begun, told.totals.requests);
	told_close("2 1  200 10/10 0;");
}

static void what_was_asked_for_before_us_is_not_ours_to_lose(void **state)
{
	(void)state;
	told_open(EXCHANGE_UNKNOWN);
	READS(ASKS("\1", "\7") "\xbe");
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 0);
	mux_cut(told.parser.mux, &told.parsed, 9);
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 2);
	told_close("");
}

static void answers_that_were_lost_are_those_of_all_that_is_open(void **state)
{
	(void)state;
	open_mux();
	READS(ASKS("\1", "\1") "\x82" ASKS("\1", "\3") "\x82");
	moves(PARSER_OUT, NULL, 10);
	READS(ASKS("\1", "\5") "\x82");
	WRITES("the middle of one"); /* its answer may be behind it */
	WRITES(ANSWERS("\3"));
	READS(ASKS("\1", "\7") "\x84");
	WRITES(ANSWERS("\7"));
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 3);
	assert_int_equal(told_unparsed(RS_UNPARSED_HPACK_GAP), 0); /* all that was read is known */
	told_close("2 0 / 200 10/10 0;");
}

static void a_tunnel_is_over_with_the_head_that_opens_it(void **state)
{
	(void)state;
	open_mux();
	READS(HEAD("\x9", "\1", "\4", "\1") "\x42\7CONNECT");
	WRITES(HEAD("\1", "\1", "\4", "\1") "\x88");
	told_close("2 8  200 18/10 0;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_told_by_path_and_method),
		cmocka_unit_test(a_block_may_come_in_pieces),
		cmocka_unit_test(what_it_carries_may_be_grpc),
		cmocka_unit_test(behind_a_block_without_sense_paths_are_not_known),
		cmocka_unit_test(what_the_server_refused_is_no_request),
		cmocka_unit_test(a_body_that_moved_unseen_is_passed_over),
		cmocka_unit_test(behind_a_gap_what_was_lost_is_counted_by_number),
		cmocka_unit_test(what_was_lost_first_is_counted_by_number_too),
		cmocka_unit_test(in_a_gap_up_to_the_end_all_that_was_asked_for_is_lost),
		cmocka_unit_test(what_was_asked_for_before_us_is_not_ours_to_lose),
		cmocka_unit_test(answers_that_were_lost_are_those_of_all_that_is_open),
		cmocka_unit_test(a_tunnel_is_over_with_the_head_that_opens_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
