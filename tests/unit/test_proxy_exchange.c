#include "proxy_rig.h"

/* A client and the upstream's end of what it asked. */
static void begin(const char *request, int *client, int *up)
{
	*client = rig_connect();
	rig_say(*client, request);
	*up = rig_accept();
	rig_read(*up);
}

static void an_upstream_that_is_not_there_is_502(void **state)
{
	int client;

	(void)state;
	rig_open("");
	close(rig.upstream);
	rig.upstream = -1;
	client = rig_connect();
	rig_say(client, RIG_GET("/a"));
	assert_begins(rig_read(client), "HTTP/1.1 502 Bad Gateway\r\n");
	assert_true(rig.ended);
	assert_int_equal(rig_counts().upstream_failed, 1);
	close(client);
}

static void one_that_does_not_answer_is_504(void **state)
{
	int client, up;

	(void)state;
	rig_open("timeout=10s");
	begin(RIG_GET("/a"), &client, &up);
	rig_later(9 * PROXY_S_NS);
	assert_string_equal(rig_read(client), "");
	rig_later(2 * PROXY_S_NS);
	assert_begins(rig_read(client), "HTTP/1.1 504 ");
	rig_read(up);
	assert_true(rig.ended || rig.reset);
	assert_int_equal(rig_counts().upstream_slow, 1);
	close(client);
	close(up);
}

static void one_that_stops_in_the_middle_is_cut_off(void **state)
{
	int client, up;

	(void)state;
	rig_open("timeout=10s");
	begin(RIG_GET("/a"), &client, &up);
	rig_say(up, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
	rig_later(9 * PROXY_S_NS);
	rig_say(up, "def"); /* its time begins anew */
	rig_later(9 * PROXY_S_NS);
	assert_has(rig_read(client), "\r\n\r\nabcdef");
	assert_false(rig.reset);
	rig_later(2 * PROXY_S_NS);
	rig_read(client);
	assert_true(rig.reset); /* so that nobody takes it for the end */
	close(client);
	close(up);
}

static void what_was_closed_while_it_was_idle_is_tried_again(void **state)
{
	int client, up, next;

	(void)state;
	rig_open("");
	begin(RIG_GET("/a"), &client, &up);
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "x"));
	rig_read(client);
	for (int i = 0; i < 2; i++) {
		send(client, RIG_GET("/b"), strlen(RIG_GET("/b")), 0);
		if (i)
			rig_settle(); /* it was sent already, or it is heard of at the same time */
		close(up);
		next = rig_accept();
		assert_begins(rig_read(next), "GET /b HTTP/1.1\r\n");
		rig_say(next, RIG_OK("Content-Length: 1\r\n", "y"));
		assert_has(rig_read(client), "\r\n\r\ny");
		up = next;
	}
	rig_say(client, RIG_GET("/b"));
	close(up);
	next = rig_accept();
	close(next); /* a second time it is not */
	assert_begins(rig_read(client), "HTTP/1.1 502 ");
	assert_true(rig_nobody_connects());
	close(client);
}

static void what_is_no_mere_question_goes_on_a_new_connection(void **state)
{
	int client, up, next;

	(void)state;
	rig_open("");
	begin(RIG_GET("/a"), &client, &up);
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "x"));
	rig_read(client);
	rig_say(client, "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
	next = rig_accept();
	assert_begins(rig_read(next), "POST /b");
	close(next); /* and is never sent twice */
	assert_begins(rig_read(client), "HTTP/1.1 502 ");
	assert_true(rig_nobody_connects());
	close(client);
	close(up);
}

static void its_client_gone_it_ends_unless_others_have_use_of_it(void **state)
{
	int client, up;

	(void)state;
	rig_open("rule match=/k* ttl=60s");
	begin(RIG_GET("/a"), &client, &up);
	rig_say(up, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
	close(client); /* with what it did not read: a reset */
	rig_read(up);
	assert_true(rig.ended || rig.reset);
	close(up);
	begin(RIG_GET("/k"), &client, &up);
	rig_say(up, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
	close(client);
	rig_settle();
	rig_say(up, "defghi");
	assert_has(rig_ask(RIG_GET("/k")), "X-Cache: HIT\r\n\r\nabcdefghi");
	close(up);
}

/* … but for one without a length, that nobody waits for: it may go on for good. */
static void a_stream_ends_with_the_last_who_listens(void **state)
{
	int client, waiting, up;

	(void)state;
	rig_open("rule match=* ttl=60s");
	for (int waits = 0; waits < 2; waits++) {
		begin(RIG_GET("/s"), &client, &up);
		waiting = waits ? rig_connect() : -1;
		if (waits)
			rig_say(waiting, RIG_GET("/s"));
		rig_say(up, RIG_OK("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n"));
		close(client); /* with what it did not read */
		rig_read(up);
		assert_int_equal(rig.ended || rig.reset, !waits);
		if (waits) {
			rig_say(up, "0\r\n\r\n");
			assert_has(rig_read(waiting), "X-Cache: HIT\r\n\r\nx");
			close(waiting);
		}
		close(up);
	}
}

static void what_is_stale_is_served_if_it_fails(void **state)
{
	int client, up;

	(void)state;
	rig_open("timeout=10s rule match=* ttl=10s stale_if_error=1h");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x"));
	rig_later(20 * PROXY_S_NS);
	/* it says so itself … */
	assert_has(rig_exchange(RIG_GET("/a"), "HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\nn"),
		   "Age: 20\r\nX-Cache: STALE\r\n\r\nx");
	/* … it breaks off … */
	begin(RIG_GET("/a"), &client, &up);
	close(up);
	assert_has(rig_read(client), "X-Cache: STALE\r\n\r\nx");
	/* … it hangs … */
	rig_say(client, RIG_GET("/a"));
	up = rig_accept();
	rig_later(11 * PROXY_S_NS);
	assert_has(rig_read(client), "X-Cache: STALE\r\n\r\nx");
	close(up);
	/* … it is gone */
	close(rig.upstream);
	rig.upstream = -1;
	rig_say(client, RIG_GET("/a"));
	assert_has(rig_read(client), "X-Cache: STALE\r\n\r\nx");
	rig_later(3600 * PROXY_S_NS);
	close(client);
	client = rig_connect();
	rig_say(client, RIG_GET("/a"));
	assert_begins(rig_read(client), "HTTP/1.1 502 ");
	close(client);
	assert_int_equal(rig_counts().stale, 4);
}

static void a_client_that_stops_in_its_body_is_408(void **state)
{
	int client, up;

	(void)state;
	rig_open("timeout=10s");
	begin("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", &client, &up);
	rig_later(11 * PROXY_S_NS);
	assert_begins(rig_read(client), "HTTP/1.1 408 ");
	assert_int_equal(rig_counts().slow_clients, 1);
	rig_read(up);
	assert_true(rig.ended || rig.reset);
	close(client);
	close(up);
}

static void the_upstream_is_told_who_asks_where_that_is_wanted(void **state)
{
	int client, up;

	(void)state;
	rig_open("forwarded=x-forwarded-for via=edge");
	client = rig_connect();
	rig_say(client, RIG_GET("/a"));
	up = rig_accept();
	assert_string_equal(rig_read(up), "GET /a HTTP/1.1\r\nHost: h\r\n"
					  "X-Forwarded-For: 127.0.0.1\r\nVia: 1.1 edge\r\n\r\n");
	close(client);
	close(up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(an_upstream_that_is_not_there_is_502),
		RIG_TEST(one_that_does_not_answer_is_504),
		RIG_TEST(one_that_stops_in_the_middle_is_cut_off),
		RIG_TEST(what_was_closed_while_it_was_idle_is_tried_again),
		RIG_TEST(what_is_no_mere_question_goes_on_a_new_connection),
		RIG_TEST(its_client_gone_it_ends_unless_others_have_use_of_it),
		RIG_TEST(a_stream_ends_with_the_last_who_listens),
		RIG_TEST(what_is_stale_is_served_if_it_fails),
		RIG_TEST(a_client_that_stops_in_its_body_is_408),
		RIG_TEST(the_upstream_is_told_who_asks_where_that_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
