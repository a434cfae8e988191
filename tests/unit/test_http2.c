#include "../../shim/protocol/http2.c" /* white box: a writer in the middle is built by hand */
#include "rs_test.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 4096u
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\4\0\0\0\0\0"

/* What was told, of the connection that is being read. */
static struct {
	uint64_t now;
	uint32_t begun, done, aborted, cut_by_client, cut_by_server, lost;
	uint32_t unparsed[RS_UNPARSED_REASONS];
	uint32_t blocks[2];
	uint16_t status[MOST]; /* by stream / 2 */
	uint64_t bytes_in[MOST], bytes_out[MOST], t0[MOST], end[MOST], first_byte[MOST];
} told;

static uint64_t told_now(void *context)
{
	(void)context;
	return ++told.now;
}

static int32_t told_begun(void *context, uint64_t t0)
{
	(void)context;
	(void)t0;
	return (int32_t)told.begun++;
}

static void told_step(void *context, const struct http2_stream *s, uint8_t state)
{
	(void)context;
	(void)s;
	(void)state;
}

static void told_done(void *context, struct http2_done *done)
{
	const struct served *r = &done->request;

	(void)context;
	told.done++;
	told.aborted += (r->flags & RS_FLAG_ABORTED) != 0;
	told.cut_by_client += (r->flags & RS_FLAG_CUT_BY_CLIENT) != 0;
	told.cut_by_server += (r->flags & RS_FLAG_CUT_BY_SERVER) != 0;
	if (r->stream / 2 >= MOST)
		return;
	told.status[r->stream / 2] = r->status;
	told.bytes_in[r->stream / 2] = r->bytes_in;
	told.bytes_out[r->stream / 2] = r->bytes_out;
	told.t0[r->stream / 2] = r->t0;
	told.end[r->stream / 2] = r->end;
	told.first_byte[r->stream / 2] = r->first_byte;
}

static void told_unparsed(void *context, uint8_t why)
{
	(void)context;
	told.unparsed[why]++;
}

static void told_piece(void *context, const struct http2_piece *piece)
{
	(void)context;
	told.blocks[piece->direction] += piece->last;
}

static void told_lost(void *context, uint32_t stream, uint8_t direction)
{
	(void)context;
	(void)stream;
	(void)direction;
	told.lost++;
}

const struct http2_ops http2_ops = {
	.now = told_now,
	.begun = told_begun,
	.step = told_step,
	.done = told_done,
	.unparsed = told_unparsed,
	.piece = told_piece,
	.lost = told_lost,
};

static struct http2 x;

static void begin(void)
{
	memset(&told, 0, sizeof(told));
	http2_init(&x, 0);
}

static bool move(uint8_t way, const char *bytes, size_t n)
{
	struct http2_call call = { 0 };

	return way == HTTP2_READ ? http2_read(&x, &call, (const uint8_t *)bytes, n)
				 : http2_write(&x, &call, (const uint8_t *)bytes, n);
}

#define READ(text) move(HTTP2_READ, text, sizeof(text) - 1)
#define WRITE(text) move(HTTP2_WRITE, text, sizeof(text) - 1)

static void leave(bool client_gone)
{
	struct http2_call call = { 0 };

	http2_close(&x, &call, client_gone);
}

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
	assert_int_equal(told.blocks[HTTP2_READ], 2);
	assert_int_equal(told.blocks[HTTP2_WRITE], 3);
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
	assert_int_equal(told.aborted, 1);
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
	assert_int_equal(told.blocks[HTTP2_WRITE], 3); /* they change the table all the same */
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

/* From here on nghttp2 talks to itself, and what it knows of each stream is what we must say. */
#define STREAMS 300u

static uint32_t seed = 7;

static uint32_t any(uint32_t below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

static struct {
	nghttp2_session *client, *server;
	uint16_t answered[MOST]; /* by stream / 2: status, as the server gave it */
	uint32_t requests, closed, reset;
} talk;

static ssize_t talk_body(nghttp2_session *session, int32_t stream, uint8_t *buffer, size_t room,
			 uint32_t *flags, nghttp2_data_source *source, void *context)
{
	size_t n = any(2000);

	(void)session;
	(void)stream;
	(void)source;
	(void)context;
	n = n < room ? n : room;
	memset(buffer, 'x', n);
	if (any(3))
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static nghttp2_nv talk_field(const char *name, const char *value)
{
	return (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name,
			     .namelen = strlen(name),
			     .value = (uint8_t *)(uintptr_t)value,
			     .valuelen = strlen(value) };
}

static void talk_answer(nghttp2_session *session, int32_t stream)
{
	static const char *const all[] = { "200", "404", "503", "302", "201", "429", "500", "304" };
	const nghttp2_data_provider body = { .read_callback = talk_body };
	const char *status = all[any(8)];
	char number[16];
	nghttp2_nv fields[3];

	snprintf(number, sizeof(number), "%u", (unsigned int)any(1000));
	fields[0] = talk_field(":status", status);
	fields[1] = talk_field("x-number", number);
	fields[2] = talk_field("server", "reference");
	talk.answered[stream / 2] = (uint16_t)atoi(status);
	if (!any(4))
		nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, stream, NULL,
				       &(nghttp2_nv){ .name = (uint8_t *)(uintptr_t) ":status",
						      .namelen = 7,
						      .value = (uint8_t *)(uintptr_t) "103",
						      .valuelen = 3 },
				       1, NULL);
	nghttp2_submit_response(session, stream, fields, 3,
				any(2) && strcmp(status, "304") ? &body : NULL);
}

static int talk_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	(void)context;
	if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		talk_answer(session, frame->hd.stream_id);
	return 0;
}

static int talk_close(nghttp2_session *session, int32_t stream, uint32_t error, void *context)
{
	(void)session;
	(void)stream;
	(void)context;
	talk.closed++;
	talk.reset += error != NGHTTP2_NO_ERROR;
	return 0;
}

static void talk_open(void)
{
	const nghttp2_settings_entry limit = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100 };
	nghttp2_session_callbacks *server, *client;

	memset(&talk, 0, sizeof(talk));
	nghttp2_session_callbacks_new(&server);
	nghttp2_session_callbacks_new(&client);
	nghttp2_session_callbacks_set_on_frame_recv_callback(server, talk_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(server, talk_close);
	nghttp2_session_server_new(&talk.server, server, NULL);
	nghttp2_session_client_new(&talk.client, client, NULL);
	nghttp2_session_callbacks_del(server);
	nghttp2_session_callbacks_del(client);
	nghttp2_submit_settings(talk.server, NGHTTP2_FLAG_NONE, &limit, 1);
	nghttp2_submit_settings(talk.client, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void talk_ask(void)
{
	const nghttp2_data_provider body = { .read_callback = talk_body };
	nghttp2_priority_spec priority;
	nghttp2_nv fields[5];
	char path[400];

	snprintf(path, sizeof(path), "/%0*u", 1 + (int)any(300), (unsigned int)any(1000));
	fields[0] = talk_field(":method", any(2) ? "GET" : "PUT");
	fields[1] = talk_field(":path", path);
	fields[2] = talk_field(":scheme", "http");
	fields[3] = talk_field(":authority", "reference");
	fields[4] = talk_field("x-path", path);
	nghttp2_priority_spec_init(&priority, 0, 1 + (int32_t)any(200), 0);
	if (nghttp2_submit_request(talk.client, any(2) ? &priority : NULL, fields, 5,
				   any(3) ? NULL : &body, NULL) > 0)
		talk.requests++;
}

/* What one side has to send reaches the other, and passes by us in pieces. */
static bool talk_move(nghttp2_session *from, nghttp2_session *to, uint8_t way)
{
	const uint8_t *bytes;
	ssize_t n = nghttp2_session_mem_send(from, &bytes);
	struct http2_call call = { 0 };

	assert_true(n >= 0);
	for (size_t at = 0; at < (size_t)n;) {
		size_t part = 1 + any(any(4) ? 40 : 4000);

		part = part < (size_t)n - at ? part : (size_t)n - at;
		if (way == HTTP2_READ)
			assert_true(http2_read(&x, &call, bytes + at, part));
		else
			assert_true(http2_write(&x, &call, bytes + at, part));
		call.now = 0;
		at += part;
	}
	assert_true(nghttp2_session_mem_recv(to, bytes, (size_t)n) >= 0);
	return n > 0;
}

static void talk_on(bool resets)
{
	while (talk.requests < STREAMS || nghttp2_session_want_write(talk.client) ||
	       nghttp2_session_want_write(talk.server)) {
		if (talk.requests < STREAMS && any(2))
			talk_ask();
		if (resets && talk.requests && !any(20))
			nghttp2_submit_rst_stream(
				any(2) ? talk.client : talk.server, NGHTTP2_FLAG_NONE,
				1 + 2 * (int32_t)any(talk.requests), NGHTTP2_CANCEL);
		if (any(2))
			talk_move(talk.client, talk.server, HTTP2_READ);
		else
			talk_move(talk.server, talk.client, HTTP2_WRITE);
	}
}

static void nghttp2_and_we_agree_about_every_stream(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		begin();
		talk_open();
		talk_on(false);
		assert_int_equal(talk.closed, STREAMS);
		assert_int_equal(told.begun, STREAMS);
		assert_int_equal(told.done, STREAMS);
		assert_int_equal(told.aborted + told.cut_by_client + told.cut_by_server, 0);
		for (uint32_t i = 0; i < STREAMS; i++)
			assert_int_equal(told.status[i], talk.answered[i]);
		nghttp2_session_del(talk.client);
		nghttp2_session_del(talk.server);
	}
}

static void with_resets_each_stream_ends_once(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		begin();
		talk_open();
		talk_on(true);
		leave(true);
		assert_int_equal(told.done, told.begun);
		assert_true(told.begun <= STREAMS);
		assert_true(told.aborted + told.cut_by_client + told.cut_by_server > 0);
		for (uint32_t i = 0; i < STREAMS; i++)
			if (told.status[i])
				assert_int_equal(told.status[i], talk.answered[i]);
		nghttp2_session_del(talk.client);
		nghttp2_session_del(talk.server);
	}
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
		cmocka_unit_test(a_reset_says_who_it_was),
		cmocka_unit_test(rapid_resets_are_a_request_each),
		cmocka_unit_test(streams_beyond_the_table_are_told),
		cmocka_unit_test(a_place_that_the_writer_may_hold_is_not_given_out),
		cmocka_unit_test(what_the_server_pushes_is_no_request),
		cmocka_unit_test(a_header_block_without_end_is_left_out),
		cmocka_unit_test(nonsense_ends_its_direction_alone),
		cmocka_unit_test(a_fork_child_counts_what_is_open),
		cmocka_unit_test(a_file_sent_unseen_belongs_to_its_frame),
		cmocka_unit_test(nghttp2_and_we_agree_about_every_stream),
		cmocka_unit_test(with_resets_each_stream_ends_once),
		cmocka_unit_test(every_split_tells_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
