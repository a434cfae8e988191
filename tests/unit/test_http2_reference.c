#include "http2_fixture.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

/* nghttp2 talks to itself, and what it knows of each stream is what we must say. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nghttp2_and_we_agree_about_every_stream),
		cmocka_unit_test(with_resets_each_stream_ends_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
