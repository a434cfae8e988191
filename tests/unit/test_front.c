#include "front_fixture.h"

static void a_request_reaches_the_answer_as_it_was_sent(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	assert_true(said(&h, fd,
			 "GET /a%00b?x=%41+1 HTTP/1.1\r\nhOsT: name\r\naccept: */*\r\n"
			 "Authorization: Bearer x\r\n\r\n",
			 out, sizeof(out)) > 0);
	assert_int_equal(web_status(out), 200);
	assert_string_equal(web_body(out), "xxxxxxxxxx");
	assert_string_equal(h.target, "/a%00b?x=%41+1");
	assert_string_equal(h.method, "GET");
	assert_string_equal(h.host, "name");
	assert_string_equal(h.accept, "*/*");
	assert_string_equal(h.local_host, "127.0.0.1");
	assert_null(h.last.origin);
	assert_false(h.last.local || h.last.member || h.last.host_twice);
	assert_int_equal(h.last.now_ns, START);
	assert_int_equal(h.last.wall_ms, WALL_MS);
	close(fd);
	house_close(&h);
}

static void every_reply_has_the_headers_of_a_careful_server(void **state)
{
	static const char *const headers[] = {
		"X-Content-Type-Options: nosniff\r\n",
		"Content-Security-Policy: default-src 'none';",
		"Referrer-Policy: no-referrer\r\n",
		"Cross-Origin-Resource-Policy: same-origin\r\n",
		"Cache-Control: no-store\r\n",
		"Content-Type: text/plain\r\n",
		"Content-Length: 10\r\n",
		"Vary: ",
	};
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	said(&h, fd, GET("/"), out, sizeof(out));
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_non_null(strstr(out, headers[i]));
	assert_null(strstr(out, "Server:"));
	assert_null(strstr(out, "ETag:"));
	close(fd);
	house_close(&h);
}

static void head_is_answered_without_its_body(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	said(&h, fd, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", out, sizeof(out));
	assert_string_equal(h.method, "HEAD");
	assert_non_null(strstr(out, "Content-Length: 10\r\n"));
	assert_string_equal(web_body(out), "");
	close(fd);
	house_close(&h);
}

static void pipelined_requests_are_answered_in_their_order(void **state)
{
	struct house h;
	char out[8192], *at = out;
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	said(&h, fd, GET("/1") GET("/2") GET("/3"), out, sizeof(out));
	settle(&h);
	assert_int_equal(h.asked, 3);
	assert_string_equal(h.target, "/3");
	for (int i = 0; i < 3; i++) {
		at = strstr(at, "HTTP/1.1 200");
		assert_non_null(at);
		at++;
	}
	assert_true(is_open(fd));
	close(fd);
	house_close(&h);
}

static void a_client_of_1_0_is_answered_and_left(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	said(&h, fd, "GET /old HTTP/1.0\r\n\r\n", out, sizeof(out));
	assert_int_equal(web_status(out) ? web_status(out) : atoi(out + 9), 200);
	assert_string_equal(h.target, "/old");
	assert_string_equal(h.host, "none");
	assert_false(is_open(fd));
	close(fd);
	house_close(&h);
}

static void what_is_no_http_never_reaches_the_answer(void **state)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\n\r\n", /* no Host */
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"GET / HTTP/1.1\r\nHost a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	};
	struct house h;
	char out[4096];

	(void)state;
	house_open(&h, 16);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = visit(&h);

		said(&h, fd, bad[i], out, sizeof(out));
		if (out[0])
			assert_true(atoi(out + 9) >= 400);
		assert_int_equal(h.asked, 0);
		close(fd);
		settle(&h);
	}
	house_close(&h);
}

static void a_head_that_is_too_long_is_refused(void **state)
{
	static char text[3 * FRONT_HEAD];
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "GET /", 5);
	said(&h, fd, text, out, sizeof(out));
	assert_true(!out[0] || atoi(out + 9) == 414 || atoi(out + 9) == 431);
	assert_int_equal(h.asked, 0);
	close(fd);
	settle(&h);
	fd = visit(&h);
	memcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
	said(&h, fd, text, out, sizeof(out));
	assert_true(!out[0] || atoi(out + 9) == 431 || atoi(out + 9) == 413);
	assert_int_equal(h.asked, 0);
	assert_false(is_open(fd));
	close(fd);
	house_close(&h);
}

static void a_second_host_is_noticed(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	said(&h, fd, "GET / HTTP/1.1\r\nHost: a\r\nAccept: x\r\nhost: b\r\n\r\n", out, sizeof(out));
	assert_true(h.last.host_twice || atoi(out + 9) == 400);
	assert_int_equal(h.asked, h.last.host_twice ? 1 : 0);
	close(fd);
	house_close(&h);
}

static void a_body_is_read_and_thrown_away(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	said(&h, fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" GET("/next"),
	     out, sizeof(out));
	assert_int_equal(h.asked, 2);
	assert_string_equal(h.target, "/next");
	said(&h, fd,
	     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
	     "0\r\n\r\n",
	     out, sizeof(out));
	assert_int_equal(h.asked, 3);
	close(fd);
	house_close(&h);
}

/* Rights are judged before sizes: who answers is told, and has nothing of it. */
static void told_too_long(const struct house *h, size_t limit)
{
	assert_true(h->last.body_too_long);
	assert_int_equal(h->last.body_limit, limit);
	assert_null(h->last.body);
	assert_int_equal(h->last.body_length, 0);
}

static void a_declared_length_beyond_the_cap_is_told_at_once(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	said(&h, fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", out,
	     sizeof(out));
	assert_int_equal(web_status(out), 200); /* as the answer has it, before any body came */
	assert_int_equal(h.asked, 1);
	told_too_long(&h, FRONT_BODY);
	assert_false(is_open(fd));
	close(fd);
	house_close(&h);
}

/* Sends chunks until so many bytes went, or the other end has had enough. */
static void send_chunks(struct house *h, int fd, size_t bytes)
{
	static char chunk[4096 + 8];
	size_t sent = 0;

	memset(chunk, 'x', sizeof(chunk));
	memcpy(chunk, "1000\r\n", 6);
	memcpy(chunk + 6 + 4096, "\r\n", 2);
	web_send(fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (sent < bytes && send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0) {
		sent += 4096;
		run(h);
	}
}

static void a_body_without_a_length_is_capped_by_count(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	send_chunks(&h, fd, FRONT_BODY + 4096);
	said(&h, fd, "0\r\n\r\n", out, sizeof(out));
	assert_int_equal(h.asked, 1);
	told_too_long(&h, FRONT_BODY);
	close(fd);
	house_close(&h);
}

static void a_body_without_end_is_cut_off(void **state)
{
	struct house h;
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit(&h);
	send_chunks(&h, fd, 2 * FRONT_DISCARD);
	settle(&h);
	assert_int_equal(h.tally.counts[TALLY_CUT_BODY], 1);
	assert_int_equal(h.asked, 0);
	close(fd);
	house_close(&h);
}

static void the_unix_socket_tells_who_asks(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_open(&h, 16);
	fd = visit_unix(&h);
	assert_true(said(&h, fd, GET("/"), out, sizeof(out)) > 0);
	assert_true(h.last.local);
	assert_int_equal(h.last.member, geteuid() == 0);
	assert_string_equal(h.local_host, "");
	close(fd);
	house_close(&h);
}

static void sockets_that_were_not_taken_stay_the_callers(void **state)
{
	struct tally tally = { { 0 } };
	uint16_t port;
	int sockets[2] = { web_tcp(&port), -1 };
	struct front_config config = { .sockets = sockets,
				       .socket_count = 2,
				       .connections = 4,
				       .deadline_ms = 1,
				       .tally = &tally };
	int listening = 0;
	socklen_t length = sizeof(listening);
	struct front *f;

	(void)state;
	sockets[1] = dup(0); /* no socket at all */
	if (front_open(&f, &config) == 0) {
		front_abandon(f);
	}
	assert_int_equal(getsockopt(sockets[0], SOL_SOCKET, SO_ACCEPTCONN, &listening, &length), 0);
	assert_int_equal(listening, 1);
	close(sockets[0]);
	close(sockets[1]);
	config.socket_count = 0;
	assert_int_equal(front_open(&f, &config), -EINVAL);
	config.socket_count = WEB_SOCKETS + 1;
	assert_int_equal(front_open(&f, &config), -EINVAL);
}

static size_t room_for_ten(void *ctx, const struct request *r)
{
	struct house *h = ctx;

	h->seconds++; /* how often it was asked */
	assert_string_equal(r->target, "/");
	assert_null(r->body);
	return 10;
}

static void how_long_a_body_may_be_is_asked_before_it_comes(void **state)
{
	struct house h;
	char out[4096];
	int fd;

	(void)state;
	house_room = room_for_ten;
	house_open(&h, 16);
	house_room = NULL;
	fd = visit(&h);
	said(&h, fd, GET("/"), out, sizeof(out));
	assert_int_equal(h.seconds, 0); /* it has none */
	said(&h, fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", out,
	     sizeof(out));
	assert_int_equal(web_status(out), 200);
	assert_int_equal(h.last.body_length, 10);
	assert_false(h.last.body_too_long);
	assert_int_equal(h.seconds, 1);
	said(&h, fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", out, sizeof(out));
	told_too_long(&h, 10);
	close(fd);
	fd = visit(&h);
	said(&h, fd,
	     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n"
	     "0\r\n\r\n",
	     out, sizeof(out));
	assert_int_equal(h.asked, 4);
	told_too_long(&h, 10);
	close(fd);
	house_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_long_a_body_may_be_is_asked_before_it_comes),
		cmocka_unit_test(a_request_reaches_the_answer_as_it_was_sent),
		cmocka_unit_test(every_reply_has_the_headers_of_a_careful_server),
		cmocka_unit_test(head_is_answered_without_its_body),
		cmocka_unit_test(pipelined_requests_are_answered_in_their_order),
		cmocka_unit_test(a_client_of_1_0_is_answered_and_left),
		cmocka_unit_test(what_is_no_http_never_reaches_the_answer),
		cmocka_unit_test(a_head_that_is_too_long_is_refused),
		cmocka_unit_test(a_second_host_is_noticed),
		cmocka_unit_test(a_body_is_read_and_thrown_away),
		cmocka_unit_test(a_declared_length_beyond_the_cap_is_told_at_once),
		cmocka_unit_test(a_body_without_a_length_is_capped_by_count),
		cmocka_unit_test(a_body_without_end_is_cut_off),
		cmocka_unit_test(the_unix_socket_tells_who_asks),
		cmocka_unit_test(sockets_that_were_not_taken_stay_the_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
