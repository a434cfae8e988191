#include "proxy_rig.h"

static void what_is_no_reply_is_502(void **state)
{
	static const char *const odd[] = {
		"hello\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
		"HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"HTTP/1.1 101 Why\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
	};

	(void)state;
	rig_open("");
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_begins(rig_exchange(RIG_GET("/a"), odd[i]), "HTTP/1.1 502 ");
	assert_int_equal(rig_counts().upstream_odd, sizeof(odd) / sizeof(odd[0]));
}

static void a_head_has_its_length(void **state)
{
	static char reply[PROXY_REPLY_HEAD + 64];
	int n = snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ");

	(void)state;
	rig_open("");
	memset(reply + n, 'a', PROXY_REPLY_HEAD);
	memcpy(reply + PROXY_REPLY_HEAD - 4, "\r\n\r\n", 5);
	assert_begins(rig_exchange(RIG_GET("/a"), reply), "HTTP/1.1 200 OK\r\n");
	memcpy(reply + PROXY_REPLY_HEAD - 4, "a\r\n\r\n", 6);
	assert_begins(rig_exchange(RIG_GET("/a"), reply), "HTTP/1.1 502 ");
}

static void what_comes_before_it_passes_too(void **state)
{
	(void)state;
	rig_open("");
	assert_string_equal(rig_exchange("POST / HTTP/1.1\r\nHost: h\r\n\r\n",
					 "HTTP/1.1 103 Early\r\nLink: a\r\n\r\n"
					 "HTTP/1.1 102 Wait\r\n\r\n"
					 "HTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n"),
			    "HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 102 Wait\r\n\r\n"
			    "HTTP/1.1 204 None\r\n\r\n");
	assert_string_equal(rig_exchange("POST / HTTP/1.0\r\n\r\n",
					 "HTTP/1.1 103 Early\r\nLink: a\r\n\r\n"
					 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
			    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

static void one_without_a_length_ends_with_its_connection(void **state)
{
	int client, up;

	(void)state;
	rig_open("rule match=* ttl=60s");
	client = rig_connect();
	rig_say(client, RIG_GET("/a"));
	up = rig_accept();
	rig_read(up); /* else its end is a reset */
	rig_say(up, "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nabc");
	assert_string_equal(rig_read(client),
			    "HTTP/1.1 200 OK\r\nServer: x\r\nConnection: close\r\n"
			    "X-Cache: MISS\r\n\r\nabc");
	assert_false(rig.ended);
	rig_say(up, "def");
	close(up);
	assert_string_equal(rig_read(client), "def");
	assert_true(rig.ended && !rig.reset);
	close(client);
	assert_int_equal(rig_counts().stored, 0); /* nobody knows whether it was all */
}

static void replies_without_a_body_have_none(void **state)
{
	int client, up;

	(void)state;
	rig_open("");
	client = rig_connect();
	rig_say(client, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
	up = rig_accept();
	assert_begins(rig_read(up), "HEAD /a HTTP/1.1\r\n");
	rig_say(up, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
	assert_string_equal(rig_read(client),
			    "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nX-Cache: BYPASS\r\n\r\n");
	rig_say(client, "GET /a HTTP/1.1\r\nHost: h\r\nIf-None-Match: x\r\n\r\n");
	assert_has(rig_read(up), "If-None-Match: x\r\n"); /* the same connection */
	rig_say(up, "HTTP/1.1 304 Same\r\nETag: x\r\nContent-Length: 99\r\n\r\n");
	assert_string_equal(rig_read(client),
			    "HTTP/1.1 304 Same\r\nETag: x\r\nContent-Length: 99\r\n"
			    "X-Cache: BYPASS\r\n\r\n");
	close(client);
	close(up);
}

static void an_old_client_gets_no_chunks(void **state)
{
	(void)state;
	rig_open("rule match=/k ttl=60s");
	assert_begins(rig_exchange("GET /a HTTP/1.0\r\nHost: h\r\n\r\n",
				   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				   "1\r\nx\r\n0\r\n\r\n"),
		      "HTTP/1.1 502 ");
	/* what is kept is taken apart */
	assert_has(rig_exchange("GET /k HTTP/1.0\r\nHost: h\r\n\r\n",
				"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				"1\r\nx\r\n0\r\n\r\n"),
		   "Content-Length: 1\r\nAge: 0\r\nX-Cache: HIT\r\nConnection: close\r\n\r\nx");
}

/* Without a date: it is as new as the clock of whoever gets it says. */
#define ONE(body) "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" body

static void what_is_changed_is_forgotten(void **state)
{
	static const char *const changes[] = { "POST", "PUT", "DELETE", "PATCH", "ODD" };
	struct cache_counts c;
	char request[128];

	(void)state;
	rig_open("rule match=* ttl=60s");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		rig_exchange(RIG_GET("/a?b"), ONE("x"));
		rig_exchange(RIG_GET("/ab"), ONE("y"));
		snprintf(request, sizeof(request), "%s /a?c HTTP/1.1\r\nHost: h\r\n\r\n",
			 changes[i]);
		rig_exchange(request, "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n");
		assert_has(rig_ask(RIG_GET("/a?b")), "X-Cache: HIT");
		rig_exchange(request, "HTTP/1.1 303 See\r\nContent-Length: 0\r\n\r\n");
		assert_has(rig_ask(RIG_GET("/ab")), "X-Cache: HIT");
		proxy_cache_counts_get(rig.p, &c);
		assert_int_equal(c.invalidations, i + 1);
		rig_later(61 * PROXY_S_NS);
	}
	rig_exchange(RIG_GET("/a"), ONE("x"));
	rig_exchange("OPTIONS /a HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 204 None\r\n\r\n");
	assert_has(rig_ask(RIG_GET("/a")), "X-Cache: HIT");
}

static void what_is_on_its_way_meanwhile_is_not_kept(void **state)
{
	int client, up;

	(void)state;
	rig_open("rule match=* ttl=60s");
	client = rig_connect();
	rig_say(client, RIG_GET("/a"));
	up = rig_accept();
	rig_exchange("POST /a HTTP/1.1\r\nHost: h\r\n\r\n",
		     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "x"));
	assert_has(rig_read(client), "X-Cache: MISS\r\n\r\nx");
	close(client);
	close(up);
	assert_has(rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "y")),
		   "X-Cache: MISS\r\n\r\ny");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(what_is_no_reply_is_502),
		RIG_TEST(a_head_has_its_length),
		RIG_TEST(what_comes_before_it_passes_too),
		RIG_TEST(one_without_a_length_ends_with_its_connection),
		RIG_TEST(replies_without_a_body_have_none),
		RIG_TEST(an_old_client_gets_no_chunks),
		RIG_TEST(what_is_changed_is_forgotten),
		RIG_TEST(what_is_on_its_way_meanwhile_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
