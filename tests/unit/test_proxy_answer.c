#include "proxy_rig.h"

#define KEPT "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static void the_second_time_it_is_answered_from_the_cache(void **state)
{
	(void)state;
	rig_open("rule match=/a* ttl=60s");
	assert_string_equal(rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x")),
			    KEPT "Content-Length: 1\r\nX-Cache: MISS\r\n\r\nx");
	rig_later(5 * PROXY_S_NS);
	assert_string_equal(rig_ask(RIG_GET("/a")),
			    KEPT "Content-Length: 1\r\nAge: 5\r\nX-Cache: HIT\r\n\r\nx");
	assert_string_equal(rig_ask("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n"),
			    KEPT "Content-Length: 1\r\nAge: 5\r\nX-Cache: HIT\r\n\r\n");
	rig_later(55 * PROXY_S_NS);
	assert_has(rig_exchange(RIG_GET("/a"), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny"),
		   "X-Cache: MISS\r\n\r\ny");
	assert_int_equal(rig_counts().hits, 2);
	assert_int_equal(rig_counts().misses, 2);
	assert_int_equal(rig_counts().stored, 2);
}

static void other_requests_have_no_part_in_it(void **state)
{
	static const char *const other[] = {
		"GET /b HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: h\r\nRange: bytes=0-0\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: h\r\nCache-Control: no-store\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nb",
		"GET /a?skip=1 HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /a HTTP/1.0\r\n\r\n",
	};

	(void)state;
	rig_open("rule match=/a* ttl=60s unless_query=skip");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x"));
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		for (int times = 0; times < 2; times++)
			assert_has(rig_exchange(other[i], RIG_OK("Content-Length: 1\r\n", "y")),
				   "X-Cache: BYPASS\r\n\r\ny");
	assert_has(rig_ask(RIG_GET("/a")), "X-Cache: HIT\r\n\r\nx"); /* nor did they fill it */
}

static void keys_that_differ_are_asked_for_each(void **state)
{
	static const char *const other[] = {
		"GET /a HTTP/1.1\r\nHost: i\r\n\r\n",
		"GET /A HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /a? HTTP/1.1\r\nHost: h\r\nX-Tenant: 7\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-Host: evil\r\n\r\n",
		"GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n",
	};

	(void)state;
	rig_open("rule match=* ttl=60s headers=X-Tenant");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x"));
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		assert_has(rig_exchange(other[i], RIG_OK("Content-Length: 1\r\n", "y")),
			   "X-Cache: MISS\r\n\r\ny");
		assert_has(rig_ask(other[i]), "X-Cache: HIT\r\n\r\ny");
	}
	assert_has(rig_ask(RIG_GET("/a")), "X-Cache: HIT\r\n\r\nx");
}

static void what_a_client_has_is_not_sent_again(void **state)
{
	static const char asks[] = "GET /a HTTP/1.1\r\nHost: h\r\nIf-None-Match: \"e\"\r\n\r\n";
	int client, up;

	(void)state;
	rig_open("rule match=* ttl=60s");
	client = rig_connect();
	rig_say(client, asks);
	up = rig_accept();
	assert_null(strstr(rig_read(up), "If-None-Match")); /* it is fetched whole for all */
	rig_say(up, RIG_OK("ETag: \"e\"\r\nContent-Length: 1\r\n", "x"));
	assert_string_equal(rig_read(client),
			    "HTTP/1.1 304 Not Modified\r\n"
			    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"e\"\r\nAge: 0\r\n"
			    "X-Cache: HIT\r\n\r\n");
	close(client);
	close(up);
	assert_begins(rig_ask(asks), "HTTP/1.1 304 ");
	assert_has(rig_ask("GET /a HTTP/1.1\r\nHost: h\r\nIf-None-Match: \"f\"\r\n\r\n"),
		   "X-Cache: HIT\r\n\r\nx");
}

static void only_if_cached_is_that(void **state)
{
	static const char asks[] =
		"GET /a HTTP/1.1\r\nHost: h\r\nCache-Control: only-if-cached\r\n\r\n";

	(void)state;
	rig_open("rule match=* ttl=60s");
	assert_begins(rig_ask(asks), "HTTP/1.1 504 ");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x"));
	assert_begins(rig_ask(asks), "HTTP/1.1 200 ");
}

static void no_cache_fetches_anew_for_all(void **state)
{
	static const char asks[] = "GET /a HTTP/1.1\r\nHost: h\r\nCache-Control: no-cache\r\n\r\n";

	(void)state;
	rig_open("rule match=* ttl=60s");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x"));
	assert_has(rig_exchange(asks, RIG_OK("Content-Length: 1\r\n", "y")), "X-Cache: MISS");
	assert_has(rig_ask(RIG_GET("/a")), "X-Cache: HIT\r\n\r\ny");
}

static void what_is_stale_is_served_while_it_is_fetched(void **state)
{
	int client, up;

	(void)state;
	rig_open("rule match=* ttl=10s stale_while_revalidate=10s");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "x"));
	rig_later(11 * PROXY_S_NS);
	assert_has(rig_ask("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n"), "X-Cache: STALE"); /* alone */
	client = rig_connect();
	rig_say(client, RIG_GET("/a"));
	assert_has(rig_read(client), "Age: 11\r\nX-Cache: STALE\r\n\r\nx");
	up = rig_accept();
	rig_read(up);
	rig_say(client, RIG_GET("/a"));
	assert_has(rig_read(client), "X-Cache: STALE"); /* one fetches it */
	assert_true(rig_nobody_connects());
	rig_say(up, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny");
	rig_say(client, RIG_GET("/a"));
	assert_has(rig_read(client), "Age: 0\r\nX-Cache: HIT\r\n\r\ny");
	close(client);
	close(up);
	assert_int_equal(rig_counts().stale, 3);
}

static void a_client_that_takes_little_gets_all(void **state)
{
	static char reply[1 << 20];
	size_t body = 900000,
	       n = (size_t)snprintf(reply, sizeof(reply),
				    "HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n");
	int client;
	const char *got;

	(void)state;
	rig_open("rule match=* ttl=60s");
	for (size_t i = 0; i < body; i++)
		reply[n + i] = (char)('a' + i % 23);
	reply[n + body] = '\0';
	rig_exchange(RIG_GET("/a"), reply);
	client = rig_connect();
	rig_narrow(client);
	rig_say(client, RIG_GET("/a") RIG_GET("/a"));
	got = rig_read_most(client, 2 * body);
	assert_has(got, "X-Cache: HIT");
	assert_true(rig.got > 2 * body);
	assert_string_equal(got + rig.got - body, reply + n);
	close(client);
}

static void credentials_are_told_apart(void **state)
{
	static const char with[] = "GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: me\r\n\r\n";

	(void)state;
	rig_open("rule match=* ttl=60s");
	for (int i = 0; i < 2; i++)
		assert_has(rig_exchange(with, RIG_OK("Content-Length: 1\r\n", "x")), "MISS");
	rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "y"));
	assert_has(rig_exchange(with, RIG_OK("Content-Length: 1\r\n", "x")), "MISS\r\n\r\nx");
	rig_exchange("GET /b HTTP/1.1\r\nHost: h\r\nAuthorization: me\r\n\r\n",
		     RIG_OK("Cache-Control: s-maxage=9\r\nContent-Length: 1\r\n", "z"));
	assert_has(rig_ask(RIG_GET("/b")), "X-Cache: HIT\r\n\r\nz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(the_second_time_it_is_answered_from_the_cache),
		RIG_TEST(other_requests_have_no_part_in_it),
		RIG_TEST(keys_that_differ_are_asked_for_each),
		RIG_TEST(what_a_client_has_is_not_sent_again),
		RIG_TEST(only_if_cached_is_that),
		RIG_TEST(no_cache_fetches_anew_for_all),
		RIG_TEST(what_is_stale_is_served_while_it_is_fetched),
		RIG_TEST(a_client_that_takes_little_gets_all),
		RIG_TEST(credentials_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
