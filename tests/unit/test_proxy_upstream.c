#include "proxy_rig.h"

static int client;

static void ask(const char *request)
{
	rig_say(client, request);
}

static void it_is_used_again(void **state)
{
	int up;

	(void)state;
	rig_open("");
	client = rig_connect();
	ask(RIG_GET("/a"));
	up = rig_accept();
	for (int i = 0; i < 3; i++) {
		assert_begins(rig_read(up), "GET /a HTTP/1.1\r\n");
		rig_say(up, RIG_OK("Content-Length: 1\r\n", "x"));
		assert_has(rig_read(client), "\r\n\r\nx");
		ask(RIG_GET("/a"));
	}
	assert_true(rig_nobody_connects());
	assert_int_equal(rig_counts().upstream_opened, 1);
	assert_int_equal(rig_counts().upstream_reused, 3);
	assert_int_equal(rig_counts().upstream_open, 1);
	close(client);
	close(up);
}

static void it_is_let_go_before_the_other_side_does(void **state)
{
	int up;

	(void)state;
	rig_open("");
	client = rig_connect();
	ask(RIG_GET("/a"));
	up = rig_accept();
	rig_read(up);
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "x"));
	rig_later(3 * PROXY_S_NS);
	rig_read(up);
	assert_false(rig.ended);
	rig_later(2 * PROXY_S_NS);
	rig_read(up);
	assert_true(rig.ended);
	assert_int_equal(rig_counts().upstream_open, 0);
	close(client);
	close(up);
}

static void one_that_may_not_be_is_not(void **state)
{
	static const char *const last[] = {
		RIG_OK("Connection: close\r\nContent-Length: 1\r\n", "x"),
		"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
		/* an answer to nobody, at once or later, is not the next one's */
		RIG_OK("Content-Length: 1\r\n", "x") RIG_OK("Content-Length: 1\r\n", "y"),
	};

	(void)state;
	rig_open("");
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		int up;

		client = rig_connect();
		ask(RIG_GET("/a"));
		up = rig_accept();
		rig_read(up);
		rig_say(up, last[i]);
		assert_has(rig_read(client), "\r\n\r\nx");
		assert_null(strstr(rig.read, "\r\n\r\ny"));
		rig_read(up);
		assert_true(rig.ended || rig.reset);
		close(client);
		close(up);
	}
	assert_int_equal(rig_counts().upstream_reused, 0);
}

static void what_comes_unasked_ends_it(void **state)
{
	int up, next;

	(void)state;
	rig_open("");
	client = rig_connect();
	ask(RIG_GET("/a"));
	up = rig_accept();
	rig_read(up);
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "x"));
	rig_read(client);
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "evil"));
	rig_read(up);
	assert_true(rig.ended || rig.reset);
	ask(RIG_GET("/a"));
	next = rig_accept();
	rig_read(next);
	rig_say(next, RIG_OK("Content-Length: 1\r\n", "y"));
	assert_has(rig_read(client), "\r\n\r\ny");
	close(client);
	close(up);
	close(next);
}

/* A buffer that is just full does not hide what stands behind it. */
static void what_stands_behind_a_full_buffer_ends_it(void **state)
{
	static char reply[200000];
	int up, n = snprintf(reply, sizeof(reply),
			     "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");

	(void)state;
	rig_open("rule match=* ttl=60s"); /* kept: the buffer has just its size */
	memset(reply + n, 'x', 100000);
	memcpy(reply + n + 100000, "HTTP/1.1 200 OK\r\n\r\n", 19);
	client = rig_connect();
	ask(RIG_GET("/a"));
	up = rig_accept();
	rig_read(up);
	rig_say_bytes(up, reply, (size_t)n + 99999);
	assert_int_equal(send(up, reply + n + 99999, 20, 0), 20);
	rig_read(client);
	assert_true(rig.got > 100000);
	assert_null(strstr(rig.read + 10, "HTTP/1.1"));
	rig_read(up);
	assert_true(rig.ended || rig.reset);
	close(client);
	close(up);
}

static void at_most_64_are_kept(void **state)
{
	enum { MANY = 70 };
	int clients[MANY], ups[MANY], open = 0;

	(void)state;
	rig_open("");
	for (int i = 0; i < MANY; i++) {
		clients[i] = rig_connect();
		rig_say(clients[i], RIG_GET("/a"));
		ups[i] = rig_accept();
	}
	for (int i = 0; i < MANY; i++)
		rig_say(ups[i], RIG_OK("Content-Length: 1\r\n", "x"));
	for (int i = 0; i < MANY; i++) {
		rig_read(ups[i]);
		open += !rig.ended && !rig.reset;
		close(ups[i]);
		close(clients[i]);
	}
	assert_int_equal(open, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(it_is_used_again),
		RIG_TEST(it_is_let_go_before_the_other_side_does),
		RIG_TEST(one_that_may_not_be_is_not),
		RIG_TEST(what_comes_unasked_ends_it),
		RIG_TEST(what_stands_behind_a_full_buffer_ends_it),
		RIG_TEST(at_most_64_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
