#include "parsed_fixture.h"

static const struct served request = { .t0 = 100,
				       .end = 300,
				       .first_byte = 250,
				       .status = 204,
				       .method = RS_METHOD_PUT,
				       .protocol = RS_PROTOCOL_HTTP2,
				       .bytes_in = 3,
				       .bytes_out = 4 };

static void a_request_is_booked_to_its_process(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	assert_int_equal(parsed_begun(&told.parsed, 100), -1);
	parsed_request(&told.parsed, &request, "/x");
	told_book();
	assert_int_equal(told.totals.begun, 1);
	assert_int_equal(told.totals.requests, 1);
	assert_int_equal(told.parsed.nobodys, 0);
	told_close("2 4 /x 204 3/4 0;");
}

static void of_who_was_let_go_a_request_is_nobodys(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	told.parser.pid = PID + 1;
	parsed_request(&told.parsed, &request, "/x");
	parsed_unparsed(&told.parsed, RS_UNPARSED_GARBAGE);
	parsed_lost(&told.parsed);
	assert_int_equal(parsed_begun(&told.parsed, 100), -1);
	assert_null(parsed_news(&told.parsed));
	assert_int_equal(told.parsed.nobodys, 1);
	told_close("");
}

static void what_was_lost_is_not_in_flight_any_more(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	parsed_begun(&told.parsed, 100);
	told_book();
	parsed_lost(&told.parsed);
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 1);
	assert_int_equal(told.totals.begun, 0);
	told_close("");
}

static void what_the_kernel_counted_is_not_in_flight_either(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	parsed_begun(&told.parsed, 100);
	parsed_elsewhere(&told.parsed);
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 0);
	assert_int_equal(told.totals.begun, 0);
	told_close("");
}

static void streams_that_were_missed_are_odd_ones(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	parsed_missed(&told.parsed, 7, 7);
	parsed_missed(&told.parsed, 7, 5); /* a client that counts backwards */
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 0);
	parsed_missed(&told.parsed, 0, 5); /* 1, 3 and 5 */
	parsed_missed(&told.parsed, 5, 9); /* 7 and 9 */
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 5);
	parsed_missed(&told.parsed, 1, UINT32_MAX);
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 5 + PARSED_MISSED_MOST);
	told_close("");
}

static void a_reason_that_is_none_is_left_out(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	parsed_unparsed(&told.parsed, RS_UNPARSED_REASONS);
	parsed_unparsed(&told.parsed, RS_UNPARSED_RACE);
	assert_int_equal(told_unparsed(RS_UNPARSED_RACE), 1);
	told.parsed.now_ns = 7;
	assert_int_equal(parsed_now(&told.parsed), 7);
	told_close("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_booked_to_its_process),
		cmocka_unit_test(of_who_was_let_go_a_request_is_nobodys),
		cmocka_unit_test(what_was_lost_is_not_in_flight_any_more),
		cmocka_unit_test(what_the_kernel_counted_is_not_in_flight_either),
		cmocka_unit_test(streams_that_were_missed_are_odd_ones),
		cmocka_unit_test(a_reason_that_is_none_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
