#include "proxy_rig.h"

static int client, up;

static void begin(const char *request)
{
	client = rig_connect();
	rig_say(client, request);
	up = rig_accept();
}

static int close_both(void **state)
{
	close(client);
	close(up);
	return rig_close(state);
}

static char large[3 << 20];

static const char *much(size_t length)
{
	for (size_t i = 0; i < length; i++)
		large[i] = (char)('a' + i % 23);
	large[length] = '\0';
	return large;
}

static void bodies_pass_as_they_come(void **state)
{
	(void)state;
	rig_open("");
	begin("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: "
	      "100-continue\r\n\r\n");
	assert_has(rig_read(up), "Expect: 100-continue\r\n");
	rig_say(up, "HTTP/1.1 100 Continue\r\n\r\n");
	assert_string_equal(rig_read(client), "HTTP/1.1 100 Continue\r\n\r\n");
	rig_say(client, "3;x=y\r\nab");
	assert_string_equal(rig_read(up), "3;x=y\r\nab");
	rig_say(client, "c\r\n0\r\nX-Sum: 1\r\n\r\n");
	assert_string_equal(rig_read(up), "c\r\n0\r\nX-Sum: 1\r\n\r\n");
	rig_say(up, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Y\r\n\r\n2\r\nx");
	assert_string_equal(rig_read(client), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
					      "Trailer: Y\r\n\r\n2\r\nx");
	rig_say(up, "y\r\n0\r\nY: z\r\n\r\n");
	assert_string_equal(rig_read(client), "y\r\n0\r\nY: z\r\n\r\n");
	assert_false(rig.ended);
}

static void large_ones_pass_both_ways(void **state)
{
	static char head[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n";
	size_t body = 3000000;

	(void)state;
	rig_open("");
	begin(head);
	rig_read(up);
	much(body);
	for (size_t at = 0; at < body; at += 100000) {
		rig_say_bytes(client, large + at, 100000);
		rig_read(up);
		assert_int_equal(rig.got, 100000);
		assert_memory_equal(rig.read, large + at, 100000);
	}
	rig_say(up, "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n");
	rig_read(client);
	for (size_t at = 0; at < body; at += 100000) {
		rig_say_bytes(up, large + at, 100000);
		rig_read(client);
		assert_int_equal(rig.got, 100000);
		assert_memory_equal(rig.read, large + at, 100000);
	}
}

static void who_does_not_take_it_is_not_sent_more(void **state)
{
	size_t sent = 0;
	bool full = false;
	ssize_t n = 1;

	(void)state;
	rig_open("");
	begin(RIG_GET("/a"));
	rig_read(up);
	rig_say(up, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
	much(1 << 20);
	for (int i = 0; i < 200 && n > 0; i++) {
		n = send(up, large, 1 << 20, MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		full = n < 0 && errno == EAGAIN;
		rig_settle();
	}
	assert_true(full); /* the kernel's buffers are full, and one of ours */
	assert_true(sent < 100u << 20);
	assert_true(rig.p->exchanges->back.size == PROXY_BLOCK);
}

static void a_malformed_body_never_ends_upstream(void **state)
{
	(void)state;
	rig_open("");
	begin("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	rig_read(up);
	rig_say(client, "3\nabc\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_begins(rig_read(client), "HTTP/1.1 400 ");
	rig_read(up);
	assert_string_equal(rig.read, "");
	assert_true(rig.ended || rig.reset);
	assert_int_equal(rig_counts().refused, 1);
}

static void a_reply_cut_short_is_cut_short(void **state)
{
	static const char *const cut[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	};

	(void)state;
	rig_open("rule match=* ttl=60s");
	for (size_t i = 0; i < 2; i++) {
		begin(RIG_GET("/a"));
		rig_say(up, cut[i]);
		close(up);
		rig_read(client);
		assert_true(rig.reset);
		close(client);
	}
	assert_int_equal(rig_counts().upstream_odd, 2);
	assert_int_equal(rig_counts().stored, 0);
	begin(RIG_GET("/a"));
}

static void a_reply_in_bad_chunks_is_cut_off(void **state)
{
	(void)state;
	rig_open("");
	begin(RIG_GET("/a"));
	rig_say(up, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
	rig_read(client);
	assert_true(rig.reset);
}

static void an_answer_before_the_body_is_all_there_ends_it(void **state)
{
	(void)state;
	rig_open("");
	begin("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
	rig_read(up);
	rig_say(up, "HTTP/1.1 413 No\r\nContent-Length: 1\r\n\r\nn");
	assert_string_equal(rig_read(client), "HTTP/1.1 413 No\r\nContent-Length: 1\r\n"
					      "Connection: close\r\n\r\nn");
	assert_true(rig.ended);
	rig_read(up);
	assert_true(rig.ended || rig.reset); /* it is not used again */
}

static void an_upstream_that_closed_early_is_heard(void **state)
{
	static const char reply[] = "HTTP/1.1 413 No\r\nContent-Length: 1\r\n\r\nn";

	(void)state;
	rig_open("");
	begin("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\nabc");
	rig_read(up);
	/* all at once: what is still sent to it is answered by a reset */
	assert_int_equal(send(up, reply, sizeof(reply) - 1, 0), sizeof(reply) - 1);
	close(up);
	up = -1;
	assert_int_equal(send(client, much(1000), 1000, 0), 1000);
	assert_begins(rig_read(client), "HTTP/1.1 413 No\r\n");
}

static void an_upgrade_becomes_a_tunnel(void **state)
{
	(void)state;
	rig_open("rule match=* ttl=60s");
	begin("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81"
	      "early");
	assert_string_equal(rig_read(up), "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
					  "Connection: Upgrade\r\n\r\n");
	rig_say(up, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		    "Connection: Upgrade\r\n\r\n\x82hi");
	assert_string_equal(rig_read(client),
			    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			    "Connection: Upgrade\r\nX-Cache: BYPASS\r\n\r\n\x82hi");
	assert_string_equal(rig_read(up), "\x81"
					  "early");
	for (int i = 0; i < 3; i++) {
		rig_say(client, "GET / HTTP/1.1\n");
		assert_string_equal(rig_read(up), "GET / HTTP/1.1\n");
		rig_say(up, "any\n");
		assert_string_equal(rig_read(client), "any\n");
	}
	shutdown(client, SHUT_WR);
	rig_read(up);
	assert_true(rig.ended);
	rig_say(up, "last");
	assert_string_equal(rig_read(client), "last");
	assert_false(rig.ended);
	shutdown(up, SHUT_WR);
	rig_read(client);
	assert_true(rig.ended);
	assert_int_equal(rig_counts().tunnels, 1);
	assert_int_equal(rig_counts().open, 0);
	assert_int_equal(rig_counts().upstream_open, 0);
}

static void an_idle_exchange_holds_next_to_nothing(void **state)
{
	(void)state;
	rig_open("");
	begin(RIG_GET("/a"));
	assert_null(rig.p->clients->in.at);
	assert_null(rig.p->clients->out.at);
	assert_null(rig.p->exchanges->back.at);
	assert_true(rig.p->exchanges->forth.size < 100);
	rig_say(up, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
	rig_read(client);
	assert_null(rig.p->clients->out.at);
	assert_null(rig.p->exchanges->back.at);
	assert_null(rig.p->exchanges->forth.at);
}

#define RELAY_TEST(test) cmocka_unit_test_teardown(test, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RELAY_TEST(bodies_pass_as_they_come),
		RELAY_TEST(large_ones_pass_both_ways),
		RELAY_TEST(who_does_not_take_it_is_not_sent_more),
		RELAY_TEST(a_malformed_body_never_ends_upstream),
		RELAY_TEST(a_reply_cut_short_is_cut_short),
		RELAY_TEST(a_reply_in_bad_chunks_is_cut_off),
		RELAY_TEST(an_answer_before_the_body_is_all_there_ends_it),
		RELAY_TEST(an_upstream_that_closed_early_is_heard),
		RELAY_TEST(an_upgrade_becomes_a_tunnel),
		RELAY_TEST(an_idle_exchange_holds_next_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
