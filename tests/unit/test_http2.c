#include "../../shim/protocol/http2.c" /* white box: a writer in the middle is built by hand */
#include "http2_fixture.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"

static bool move(uint8_t way, const char *bytes, size_t n)
{
	struct http2_call call = { 0 };

	return way == HTTP2_READ ? http2_read(&x, &call, (const uint8_t *)bytes, n)
				 : http2_write(&x, &call, (const uint8_t *)bytes, n);
}

#define READ(text) move(HTTP2_READ, text, sizeof(text) - 1)
#define WRITE(text) move(HTTP2_WRITE, text, sizeof(text) - 1)

static void a_request_ends_with_the_end_of_its_response(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\5\0\0\0\1\x82");
	WRITE(SETTINGS "\0\0\1\1\4\0\0\0\1\x88");
	assert_int_equal(told.done, 0);
	WRITE("\0\0\2\0\1\0\0\0\1o");
	assert_int_equal(told.done, 0);
	WRITE("k");
	assert_int_equal(told.done, 1);
	assert_int_equal(told.status[0], 200);
	assert_int_equal(told.bytes_in[0], 10);
	assert_int_equal(told.bytes_out[0], 21);
	assert_true(told.t0[0] < told.first_byte[0] && told.first_byte[0] < told.end[0]);
	leave(false);
	assert_int_equal(told.done, 1);
}

static void its_time_begins_with_its_first_byte(void **state)
{
	uint64_t first;

	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0");
	first = told.now;
	READ("\0\1\1\5\0\0\0");
	READ("\1\x82");
	WRITE(SETTINGS "\0\0\1\1\5\0\0\0\1\x8d");
	assert_int_equal(told.t0[0], first);
	assert_int_equal(told.status[0], 404);
}

static void interim_heads_and_trailers_are_no_status(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\4\0\0\0\1\x83");
	READ("\0\0\0\1\5\0\0\0\1"); /* the request's own trailers */
	WRITE(SETTINGS "\0\0\5\1\4\0\0\0\1\x48\x03"
		       "100");
	WRITE("\0\0\1\1\4\0\0\0\1\x88");
	WRITE("\0\0\5\1\5\0\0\0\1\x40\1a\1b"); /* "a: b" */
	assert_int_equal(told.begun, 1);
	assert_int_equal(told.done, 1);
	assert_int_equal(told.status[0], 200);
	assert_int_equal(told.blocks, 2);
}

static void what_was_said_of_its_first_block_comes_back(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\0\0\0\0\1\x83\0\0\1\x9\4\0\0\0\1\x84");
	READ("\0\0\1\1\5\0\0\0\1\x84"); /* trailers */
	READ("\0\0\1\1\5\0\0\0\2\x84"); /* nobody's */
	WRITE(SETTINGS "\0\0\1\1\5\0\0\0\1\x88");
	assert_int_equal(told.kept, 1001);
	READ("\0\0\1\1\5\0\0\0\3\x82");
	WRITE("\0\0\1\1\5\0\0\0\3\x88");
	assert_int_equal(told.kept, 1003);
	READ("\0\0\1\1\1\0\0\0\5\x82");
	WRITE("\0\0\1\1\5\0\0\0\5\x88"); /* ahead of the block's end */
	assert_int_equal(told.kept, 0);
}

static void an_upgraded_request_is_the_first_stream(void **state)
{
	const struct served asked = { .t0 = 7, .bytes_in = 80, .bytes_out = 71 };

	(void)state;
	begin();
	http2_upgrade(&x, &asked, 5);
	WRITE(SETTINGS "\0\0\1\1\5\0\0\0\1\x8e");
	assert_int_equal(told.done, 1);
	assert_int_equal(told.status[0], 500);
	assert_int_equal(told.t0[0], 7);
	assert_int_equal(told.bytes_in[0], 80);
	assert_int_equal(told.bytes_out[0], 71 + 10);
	READ(PREFACE SETTINGS "\0\0\1\1\5\0\0\0\1\x82"); /* it is over */
	assert_int_equal(told.begun, 0);
	READ("\0\0\1\1\5\0\0\0\3\x82");
	WRITE("\0\0\1\1\5\0\0\0\3\x88");
	assert_int_equal(told.begun, 1);
	assert_int_equal(told.done, 2);
}

static void grpc_fails_by_its_trailers(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\5\0\0\0\1\x83\0\0\1\1\5\0\0\0\3\x83");
	WRITE(SETTINGS "\0\0\1\1\4\0\0\0\1\x88\0\0\xf\1\5\0\0\0\1\x40\xbgrpc-status\1"
		       "5");
	assert_int_equal(told.done, 1);
	assert_int_equal(told.failed, 1);
	WRITE("\0\0\x10\1\5\0\0\0\3\x88\x40\xbgrpc-status\1"
	      "0"); /* trailers alone */
	assert_int_equal(told.done, 2);
	assert_int_equal(told.failed, 1);
	assert_int_equal(told.status[1], 200);
}

static void a_tunnel_is_over_once_it_is_open(void **state)
{
	(void)state;
	begin();
	told.tunnels = true;
	READ(PREFACE SETTINGS "\0\0\1\1\4\0\0\0\1\x82\0\0\1\1\4\0\0\0\3\x82");
	WRITE(SETTINGS "\0\0\5\1\4\0\0\0\1\x48\x03"
		       "100");
	assert_int_equal(told.done, 0);
	WRITE("\0\0\1\1\0\0\0\0\1\x88");
	assert_int_equal(told.done, 0); /* its head goes on */
	WRITE("\0\0\0\x9\4\0\0\0\1");
	assert_int_equal(told.done, 1);
	assert_int_equal(told.status[0], 200);
	assert_int_equal(told.bytes_out[0], 14 + 10 + 9);
	READ("\0\0\1\0\0\0\0\0\1x\0\0\0\0\1\0\0\0\1"); /* what goes through it */
	WRITE("\0\0\1\0\0\0\0\0\1x\0\0\4\3\0\0\0\0\1\0\0\0\x8");
	assert_int_equal(told.done, 1);
	WRITE("\0\0\1\1\4\0\0\0\3\x8d"); /* refused: its body is still to come */
	assert_int_equal(told.done, 1);
	WRITE("\0\0\0\0\1\0\0\0\3");
	assert_int_equal(told.done, 2);
	assert_int_equal(told.status[1], 404);
	assert_int_equal(told.aborted, 0);
	assert_int_equal(http2_open_streams(&x), 0);
}

static void a_reset_says_who_it_was(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\5\0\0\0\1\x82\0\0\1\1\5\0\0\0\3\x82\0\0\1\1\5\0\0\0\5\x82");
	WRITE(SETTINGS "\0\0\1\1\4\0\0\0\1\x88\0\0\1\1\4\0\0\0\3\x88");
	READ("\0\0\4\3\0\0\0\0\1\0\0\0\x8"); /* the client leaves an answer … */
	WRITE("\0\0\4\3\0\0\0\0\3\0\0\0\2"); /* … the server breaks one off … */
	WRITE("\0\0\4\3\0\0\0\0\5\0\0\0\7"); /* … and refuses one */
	assert_int_equal(told.done, 3);
	assert_int_equal(told.cut_by_client, 1);
	assert_int_equal(told.cut_by_server, 1);
	assert_int_equal(told.refused, 1);
	assert_int_equal(told.aborted, 0);
}

static void what_goaway_leaves_out_was_never_sent(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\5\0\0\0\1\x82\0\0\1\1\5\0\0\0\3\x82");
	WRITE(SETTINGS "\0\0\x8\7\0\0\0\0\0\0\0\0\1\0\0\0\0");
	assert_int_equal(told.refused, 1);
	READ("\0\0\1\1\5\0\0\0\5\x82");
	assert_int_equal(told.begun, 2);
	WRITE("\0\0\1\1\5\0\0\0\1\x88");
	assert_int_equal(told.done, 2);
	assert_int_equal(told.status[0], 200);
	assert_int_equal(told.aborted, 0);
	assert_int_equal(told.blocks, 3);
}

static void rapid_resets_are_a_request_each(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS);
	for (uint32_t i = 0; i < 3000; i++) {
		uint8_t id[2] = { (uint8_t)((2 * i + 1) >> 8), (uint8_t)(2 * i + 1) };
		char both[] = "\0\0\1\1\5\0\0..\x82\0\0\4\3\0\0\0..\0\0\0\x8";

		memcpy(both + 7, id, 2);
		memcpy(both + 17, id, 2);
		assert_true(move(HTTP2_READ, both, sizeof(both) - 1));
	}
	assert_int_equal(told.begun, 3000);
	assert_int_equal(told.done, 3000);
	assert_int_equal(told.aborted, 3000);
	assert_int_equal(told.unparsed[RS_UNPARSED_DEPTH], 0);
}

static void many_slow_streams_do_not_crowd_out_the_next(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS);
	WRITE(SETTINGS);
	for (uint32_t i = 0; i < 1000; i++) {
		uint8_t id[2] = { (uint8_t)((2 * i + 1) >> 8), (uint8_t)(2 * i + 1) };
		char head[] = "\0\0\1\1\5\0\0..\x82";
		char answer[] = "\0\0\1\1\5\0\0..\x88";

		memcpy(head + 7, id, 2);
		memcpy(answer + 7, id, 2);
		move(HTTP2_READ, head, sizeof(head) - 1);
		if (i >= 100)
			move(HTTP2_WRITE, answer, sizeof(answer) - 1);
	}
	assert_int_equal(told.unparsed[RS_UNPARSED_DEPTH], 0);
	assert_int_equal(told.begun, 1000);
	assert_int_equal(told.done, 900);
	assert_int_equal(http2_open_streams(&x), 100);
	leave(true);
}

static void streams_beyond_the_table_are_told(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS);
	for (uint32_t i = 0; i < 300; i++) {
		char head[] = "\0\0\1\1\5\0\0..\x82";

		head[7] = (char)((2 * i + 1) >> 8);
		head[8] = (char)(2 * i + 1);
		move(HTTP2_READ, head, sizeof(head) - 1);
	}
	assert_int_equal(told.begun, HTTP2_STREAMS);
	assert_int_equal(told.unparsed[RS_UNPARSED_DEPTH], 300 - HTTP2_STREAMS);
	assert_int_equal(http2_open_streams(&x), HTTP2_STREAMS);
	leave(true);
	assert_int_equal(told.done, HTTP2_STREAMS);
	assert_int_equal(told.aborted, HTTP2_STREAMS);
}

static void a_place_that_the_writer_may_hold_is_not_given_out(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\5\0\0\0\1\x82");
	x.writing = 1; /* it has just found stream 1 */
	READ("\0\0\4\3\0\0\0\0\1\0\0\0\x8");
	assert_int_equal(told.done, 1);
	assert_int_equal(x.streams[0].state, HTTP2_ENDED);
	READ("\0\0\1\1\5\0\0\2\1\x82"); /* 513 lies there too */
	assert_int_equal(x.streams[0].id, 0);
	assert_int_equal(x.streams[1].id, 513);
	x.writing = 0;
	READ("\0\0\1\1\5\0\0\4\1\x82"); /* 1025 */
	assert_int_equal(x.streams[0].id, 1025);
}

static void what_the_server_pushes_is_no_request(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\5\0\0\0\1\x82");
	WRITE(SETTINGS "\0\0\5\5\4\0\0\0\1\0\0\0\2\x82\0\0\1\1\5\0\0\0\2\x8e");
	assert_int_equal(told.done, 0);
	WRITE("\0\0\1\1\5\0\0\0\1\x88");
	assert_int_equal(told.done, 1);
	assert_int_equal(told.status[0], 200);
}

static void a_header_block_without_end_is_left_out(void **state)
{
	static char body[16384];

	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\x40\0\1\1\0\0\0\1");
	move(HTTP2_READ, body, sizeof(body));
	for (uint32_t i = 0; i < 40; i++) {
		READ("\0\x40\0\x9\0\0\0\0\1");
		assert_true(move(HTTP2_READ, body, sizeof(body)));
	}
	assert_int_equal(told.unparsed[RS_UNPARSED_HEAD_LIMIT], 1);
	assert_int_equal(told.lost, 1);
	READ("\0\0\0\x9\4\0\0\0\1");
	WRITE(SETTINGS "\0\0\1\1\5\0\0\0\1\x88");
	assert_int_equal(told.done, 1);
}

static void nonsense_ends_its_direction_alone(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\5\0\0\0\1\x82");
	assert_false(READ("\0\0\0\x9\4\0\0\0\1"));
	assert_false(READ("\0\0\1\1\5\0\0\0\3\x82"));
	assert_int_equal(told.unparsed[RS_UNPARSED_GARBAGE], 1);
	WRITE(SETTINGS "\0\0\1\1\5\0\0\0\1\x88");
	assert_int_equal(told.done, 1);
	assert_int_equal(told.begun, 1);
}

static void a_fork_child_counts_what_is_open(void **state)
{
	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\5\0\0\0\1\x82\0\0\1\1\5\0\0\0\3\x82");
	assert_int_equal(http2_adopt(&x), 2);
	assert_int_equal(x.streams[0].open, -1);
}

static void a_file_sent_unseen_belongs_to_its_frame(void **state)
{
	struct http2_call call = { 0 };

	(void)state;
	begin();
	READ(PREFACE SETTINGS "\0\0\1\1\5\0\0\0\1\x82");
	WRITE(SETTINGS "\0\0\1\1\4\0\0\0\1\x88\0\1\0\0\1\0\0\0\1");
	assert_true(http2_unseen(&x, &call, HTTP2_WRITE, 200));
	assert_int_equal(told.done, 0);
	assert_true(http2_unseen(&x, &call, HTTP2_WRITE, 56));
	assert_int_equal(told.done, 1);
	assert_int_equal(told.bytes_out[0], 10 + 9 + 256);
	assert_false(http2_unseen(&x, &call, HTTP2_WRITE, 1));
	assert_int_equal(told.unparsed[RS_UNPARSED_UNSEEN_IO], 1);
}

static void every_split_tells_the_same(void **state)
{
	static const char in[] =
		PREFACE SETTINGS "\0\0\7\1\x29\0\0\0\1\0\0\0\0\0\20\x82\0\0\1\x9\4\0\0\0\1"
				 "\x84\0\0\3\0\1\0\0\0\1abc"
				 "\0\0\1\1\5\0\0\0\3\x82\0\0\4\3\0\0\0\0\3\0\0\0\x8";
	static const char out[] = SETTINGS "\0\0\0\4\1\0\0\0\0\0\0\4\1\4\0\0\0\1\x48\x82\x64\x02"
					   "\0\0\4\0\x9\0\0\0\1\2x\0\0";

	(void)state;
	for (size_t cut = 0; cut < sizeof(in); cut++) {
		for (size_t other = 0; other < sizeof(out); other++) {
			begin();
			move(HTTP2_READ, in, cut);
			assert_true(move(HTTP2_READ, in + cut, sizeof(in) - 1 - cut));
			move(HTTP2_WRITE, out, other);
			assert_true(move(HTTP2_WRITE, out + other, sizeof(out) - 1 - other));
			assert_int_equal(told.begun, 2);
			assert_int_equal(told.done, 2);
			assert_int_equal(told.aborted, 1);
			assert_int_equal(told.status[0], 302);
			assert_int_equal(told.bytes_in[0], 16 + 10 + 12);
			assert_int_equal(told.bytes_out[0], 13 + 13);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_ends_with_the_end_of_its_response),
		cmocka_unit_test(its_time_begins_with_its_first_byte),
		cmocka_unit_test(interim_heads_and_trailers_are_no_status),
		cmocka_unit_test(what_was_said_of_its_first_block_comes_back),
		cmocka_unit_test(an_upgraded_request_is_the_first_stream),
		cmocka_unit_test(grpc_fails_by_its_trailers),
		cmocka_unit_test(a_tunnel_is_over_once_it_is_open),
		cmocka_unit_test(a_reset_says_who_it_was),
		cmocka_unit_test(what_goaway_leaves_out_was_never_sent),
		cmocka_unit_test(rapid_resets_are_a_request_each),
		cmocka_unit_test(many_slow_streams_do_not_crowd_out_the_next),
		cmocka_unit_test(streams_beyond_the_table_are_told),
		cmocka_unit_test(a_place_that_the_writer_may_hold_is_not_given_out),
		cmocka_unit_test(what_the_server_pushes_is_no_request),
		cmocka_unit_test(a_header_block_without_end_is_left_out),
		cmocka_unit_test(nonsense_ends_its_direction_alone),
		cmocka_unit_test(a_fork_child_counts_what_is_open),
		cmocka_unit_test(a_file_sent_unseen_belongs_to_its_frame),
		cmocka_unit_test(every_split_tells_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
