#include "parsed_fixture.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" /* 38 bytes */

static void http_1_is_parsed_as_ever(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	READS("GET /a?b HTTP/1.1\r\n\r\n");
	WRITES(OK);
	READS("HEAD /c HTTP/1.1\r\n\r\n");
	WRITES("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	told_close("1 1 /a 200 21/38 0;1 2 /c 200 20/38 0;");
}

/* Its first line alone, so that the rest comes as frames. */
static void a_preface_makes_it_http_2(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	READS("PRI * HT");
	READS("TP/2.0\r\n\r\nSM\r\n\r\n" SETTINGS ASKS("\1", "\1") "\x82");
	assert_non_null(told.parser.mux);
	WRITES(SETTINGS ANSWERS("\1"));
	told_close("2 1  200 10/10 0;");
}

static void a_server_may_speak_first(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	WRITES(SETTINGS);
	assert_non_null(told.parser.mux);
	READS(PREFACE SETTINGS ASKS("\1", "\1") "\x83");
	WRITES(ANSWERS("\1"));
	told_close("2 3  200 10/10 0;");
}

/* As a server of HTTP/1.1 does it. */
static void what_declines_it_is_answered_as_a_bad_request(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	READS(PREFACE SETTINGS);
	WRITES("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
	assert_true(told.parser.declined);
	parser_end(&told.parser, &told.parsed);
	told_book();
	assert_string_equal(told.text, "1 0  400 0/47 0;");
	told_close(told.text);
}

static void by_a_101_the_request_is_the_first_stream(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	READS("GET /up HTTP/1.1\r\nUpgrade: h2c\r\n\r\n");
	WRITES("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
	       "h2c\r\n\r\n" SETTINGS ANSWERS("\1"));
	READS(PREFACE SETTINGS ASKS("\1", "\3") "\x82");
	WRITES(ANSWERS("\3"));
	told_close("1 1 /up 200 34/81 0;2 1  200 10/10 0;");
}

static void one_found_in_its_middle_is_known_by_its_frames(void **state)
{
	(void)state;
	told_open(EXCHANGE_UNKNOWN);
	READS(ASKS("\1", "\7") "\xbe"); /* a field of the table, which nobody knows */
	assert_non_null(told.parser.mux);
	WRITES(ANSWERS("\7"));
	assert_int_equal(told_unparsed(RS_UNPARSED_HPACK_GAP), 1);
	told_close("2 0  200 10/10 64;");
}

static void one_whose_begin_was_lost_says_so_of_its_first_streams(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	moves(PARSER_IN, NULL, 50);
	READS(ASKS("\1", "\5") "\x82");
	assert_non_null(told.parser.mux);
	WRITES(ANSWERS("\5"));
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 2);
	told_close("2 0  200 10/10 64;");
}

static void whose_streams_were_all_lost_says_so_at_its_end(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	parser_cut(&told.parser, &told.parsed, 0, 5);
	parser_end(&told.parser, &told.parsed);
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 3);
	told_close("");
}

/* Three waited, and the kernel counted the answers of two. */
static void behind_a_gap_what_the_kernel_counted_is_told_no_more(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	READS("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n");
	parser_resume(&told.parser, &told.parsed, 2);
	assert_int_equal(told_unparsed(RS_UNPARSED_UNSEEN_IO), 1);
	assert_int_equal(told.totals.begun, 0);
	READS("GET /4 HTTP/1.1\r\n\r\n");
	WRITES(OK);
	told_close("1 1 /4 200 19/38 0;");
}

static void a_tunnel_stays_one_behind_a_gap(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	READS("CONNECT a:80 HTTP/1.1\r\n\r\n");
	WRITES("HTTP/1.1 200 OK\r\n\r\n");
	parser_resume(&told.parser, &told.parsed, 0);
	READS("GET /inside HTTP/1.1\r\n\r\n");
	WRITES(OK);
	told_close("1 8 a:80 200 25/19 32;");
}

static void in_a_gap_up_to_the_end_the_rest_is_aborted(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	READS("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
	parser_cut(&told.parser, &told.parsed, 1, 0);
	parser_end(&told.parser, &told.parsed);
	told_book();
	assert_int_equal(told.totals.begun, told.totals.requests);
	told_close("1 1 /2 0 19/0 17;");
}

static void what_only_begins_like_a_frame_is_none(void **state)
{
	(void)state;
	told_open(EXCHANGE_UNKNOWN);
	READS("\0\0\1\1\5\0\0\0\2\x82");                   /* no client opens an even one */
	READS("\0\0\1\1\5\0\0\0\1\x82\0\0\5\6\0\0\0\0\0"); /* no PING is so short */
	READS("\0\0\1\0\5\0\0\0\1\x82"); /* a body says nothing of where it belongs */
	assert_null(told.parser.mux);
	told_close("");
}

static void what_is_open_at_its_end_was_aborted(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	READS(PREFACE SETTINGS ASKS("\1", "\1") "\x82");
	parser_client_gone(&told.parser, true);
	parser_end(&told.parser, &told.parsed);
	told_close("2 1  0 10/0 5;");
}

static void bytes_of_a_body_may_move_unseen(void **state)
{
	(void)state;
	told_open(EXCHANGE_ACCEPTED);
	READS("PUT /u HTTP/1.1\r\nContent-Length: 9\r\n\r\n");
	moves(PARSER_IN, NULL, 9);
	WRITES("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
	moves(PARSER_OUT, NULL, 5);
	told_close("1 4 /u 200 47/43 0;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_1_is_parsed_as_ever),
		cmocka_unit_test(a_preface_makes_it_http_2),
		cmocka_unit_test(a_server_may_speak_first),
		cmocka_unit_test(what_declines_it_is_answered_as_a_bad_request),
		cmocka_unit_test(by_a_101_the_request_is_the_first_stream),
		cmocka_unit_test(one_found_in_its_middle_is_known_by_its_frames),
		cmocka_unit_test(one_whose_begin_was_lost_says_so_of_its_first_streams),
		cmocka_unit_test(whose_streams_were_all_lost_says_so_at_its_end),
		cmocka_unit_test(behind_a_gap_what_the_kernel_counted_is_told_no_more),
		cmocka_unit_test(a_tunnel_stays_one_behind_a_gap),
		cmocka_unit_test(in_a_gap_up_to_the_end_the_rest_is_aborted),
		cmocka_unit_test(what_only_begins_like_a_frame_is_none),
		cmocka_unit_test(what_is_open_at_its_end_was_aborted),
		cmocka_unit_test(bytes_of_a_body_may_move_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
