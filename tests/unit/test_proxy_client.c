#include "proxy_rig.h"

static void what_is_malformed_is_refused_and_closed(void **state)
{
	static const struct {
		const char *request;
		unsigned int status;
	} bad[] = {
		{ "GET / HTTP/1.1\nHost: h\n\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: h\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400 },
		{ "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
		{ "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
		{ "GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: h\r\n X: y\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  400 },
		{ "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: "
		  "4\r\n\r\nabcd",
		  400 },
		{ "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", 400 },
		{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
		{ "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 405 },
		{ "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505 },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
	};

	(void)state;
	rig_open("rule match=* ttl=60s");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int client = rig_connect();
		char wanted[32];

		rig_say(client, bad[i].request);
		snprintf(wanted, sizeof(wanted), "HTTP/1.1 %u ", bad[i].status);
		assert_begins(rig_read(client), wanted);
		assert_has(rig.read, "Connection: close\r\n");
		assert_true(rig.ended);
		assert_true(rig_nobody_connects());
		close(client);
	}
	assert_int_equal(rig_counts().refused, sizeof(bad) / sizeof(bad[0]));
}

static void a_head_has_its_length(void **state)
{
	static char request[PROXY_REQUEST_HEAD + 64];
	int client, up;

	(void)state;
	rig_open("");
	for (size_t more = 0; more < 2; more++) {
		int n = snprintf(request, sizeof(request), "GET /");

		memset(request + n, 'a', sizeof(request) - (size_t)n);
		snprintf(request + PROXY_REQUEST_HEAD + more - 22, 23,
			 " HTTP/1.0\r\nHost: h\r\n\r\n");
		client = rig_connect();
		rig_say(client, request);
		if (!more) {
			up = rig_accept();
			assert_string_equal(rig_read(up), request);
			close(up);
		} else {
			assert_begins(rig_read(client), "HTTP/1.1 431 ");
		}
		close(client);
	}
	client = rig_connect();
	memset(request, 'a', sizeof(request) - 1);
	request[sizeof(request) - 1] = '\0';
	rig_say(client, request); /* and no end in sight */
	assert_begins(rig_read(client), "HTTP/1.1 431 ");
	close(client);
	assert_int_equal(rig_counts().large_heads, 2);
}

static void requests_follow_one_another(void **state)
{
	int client, up;

	(void)state;
	rig_open("rule match=* ttl=60s");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x"));
	client = rig_connect();
	/* three at once, cut within the second; the last one asks the upstream */
	rig_say(client, RIG_GET("/a") "GET /a HT");
	assert_has(rig_read(client), "X-Cache: HIT");
	rig_say(client, "TP/1.1\r\nHost: h\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"
			"GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_has(rig_read(client), "X-Cache: HIT");
	up = rig_accept();
	assert_begins(rig_read(up), "GET /b HTTP/1.1\r\n");
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "y"));
	rig_read(client);
	assert_has(rig.read, "X-Cache: MISS\r\n\r\ny");
	assert_has(rig.read, "X-Cache: HIT\r\n\r\nx");
	assert_false(rig.ended);
	close(client);
	close(up);
}

static void a_connection_ends_as_it_was_asked(void **state)
{
	static const struct {
		const char *request, *said;
		bool ends;
	} cases[] = {
		{ "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", NULL, false },
		{ "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
		  "Connection: close\r\n", true },
		{ "GET /a HTTP/1.0\r\nHost: h\r\n\r\n", "Connection: close\r\n", true },
		{ "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
		  "Connection: keep-alive\r\n", false },
		{ "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\n",
		  "Connection: close\r\n", true },
	};

	(void)state;
	rig_open("rule match=* ttl=60s");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int client = rig_connect();

		rig_say(client, cases[i].request);
		assert_has(rig_read(client), "X-Cache: HIT");
		if (cases[i].said)
			assert_has(rig.read, cases[i].said);
		else
			assert_null(strstr(rig.read, "Connection:"));
		assert_int_equal(rig.ended, cases[i].ends);
		close(client);
	}
}

static void slow_ones_are_ended(void **state)
{
	int idle, slow;

	(void)state;
	rig_open("idle_timeout=20s");
	idle = rig_connect();
	slow = rig_connect();
	rig_say(slow, "GET / HT");
	rig_later(9 * PROXY_S_NS);
	rig_say(slow, "TP/1.1\r\n"); /* does not begin its time anew */
	rig_later(2 * PROXY_S_NS);
	assert_begins(rig_read(slow), "HTTP/1.1 408 ");
	assert_string_equal(rig_read(idle), "");
	assert_false(rig.ended);
	rig_later(10 * PROXY_S_NS);
	rig_read(idle);
	assert_true(rig.ended);
	assert_int_equal(rig_counts().slow_clients, 1);
	assert_int_equal(rig_counts().open, 0);
	close(idle);
	close(slow);
}

static void who_sends_on_behind_a_refusal_still_reads_it(void **state)
{
	static char body[300000];
	int client;

	(void)state;
	rig_open("");
	client = rig_connect();
	rig_say(client, "POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n"); /* no Host */
	memset(body, 'x', sizeof(body) - 1);
	rig_say(client, body);
	assert_begins(rig_read(client), "HTTP/1.1 400 ");
	assert_true(rig.ended && !rig.reset);
	rig_later(3 * PROXY_S_NS);
	assert_int_equal(rig_counts().open, 0); /* and not for ever */
	close(client);
}

static void one_that_only_says_no_more_is_answered(void **state)
{
	int client, up;

	(void)state;
	rig_open("");
	client = rig_connect();
	rig_say(client, RIG_GET("/a"));
	shutdown(client, SHUT_WR);
	up = rig_accept();
	rig_read(up);
	assert_false(rig.ended);
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "x"));
	assert_has(rig_read(client), "\r\n\r\nx");
	assert_true(rig.ended);
	close(client);
	close(up);
}

static void a_head_request_is_refused_without_a_body(void **state)
{
	int client;

	(void)state;
	rig_open("");
	client = rig_connect();
	rig_say(client, "HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n");
	rig_read(client);
	assert_begins(rig.read, "HTTP/1.1 400 Bad Request\r\n");
	assert_string_equal(rig.read + rig.got - 4, "\r\n\r\n");
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(what_is_malformed_is_refused_and_closed),
		RIG_TEST(a_head_has_its_length),
		RIG_TEST(requests_follow_one_another),
		RIG_TEST(a_connection_ends_as_it_was_asked),
		RIG_TEST(slow_ones_are_ended),
		RIG_TEST(who_sends_on_behind_a_refusal_still_reads_it),
		RIG_TEST(one_that_only_says_no_more_is_answered),
		RIG_TEST(a_head_request_is_refused_without_a_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
