#include "rewrite.h"

#include "http_head_fixture.h"

#include <errno.h>

static char bytes[4096], room[4096];
static struct http_head head;

static const char *request(const char *first, const char *lines, const struct rewrite_request *how)
{
	struct rewrite out = { .at = room, .size = sizeof(room) - 1 };

	head_read_as(&head, bytes, sizeof(bytes), first, lines);
	assert_int_equal(rewrite_request(&out, &head, how), 0);
	room[out.length] = '\0';
	return room;
}

static const char *reply(const char *first, const char *lines, const struct rewrite_reply *how)
{
	struct rewrite out = { .at = room, .size = sizeof(room) - 1 };

	head_read_as(&head, bytes, sizeof(bytes), first, lines);
	assert_int_equal(rewrite_reply(&out, &head, how), 0);
	room[out.length] = '\0';
	return room;
}

static void what_is_end_to_end_stays_byte_by_byte(void **state)
{
	const struct rewrite_request how = { .fetch = false };
	const struct rewrite_reply back = { .close = false };

	(void)state;
	assert_string_equal(
		request("POST /a?b HTTP/1.1",
			"hOST:x\r\nX-A:\t b  c\r\nTransfer-Encoding: chunked\r\nVia: 1.1 z\r\n"
			"If-None-Match: q\r\nExpect: 100-continue\r\nX-Empty:\r\n",
			&how),
		"POST /a?b HTTP/1.1\r\nhOST:x\r\nX-A:\t b  c\r\nTransfer-Encoding: chunked\r\n"
		"Via: 1.1 z\r\nIf-None-Match: q\r\nExpect: 100-continue\r\nX-Empty:\r\n\r\n");
	assert_string_equal(request("GET / HTTP/1.0", "", &how), "GET / HTTP/1.0\r\n\r\n");
	assert_string_equal(
		reply("HTTP/1.0 299 A  b", "x:y\r\nSet-Cookie: a\r\nX-Cache: z\r\n", &back),
		"HTTP/1.1 299 A  b\r\nx:y\r\nSet-Cookie: a\r\nX-Cache: z\r\n\r\n");
}

static void what_is_of_one_connection_goes(void **state)
{
	const struct rewrite_request how = { .fetch = false };
	const struct rewrite_reply back = { .close = false };

	(void)state;
	assert_string_equal(request("GET / HTTP/1.1",
				    "Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
				    "Proxy-Connection: x\r\nTE: gzip\r\nHost: h\r\n",
				    &how),
			    "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_string_equal(reply("HTTP/1.1 200 OK",
				  "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nA: b\r\n",
				  &back),
			    "HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
}

static void trailers_are_asked_for_anew(void **state)
{
	const struct rewrite_request how = { .fetch = false };

	(void)state;
	assert_string_equal(
		request("GET / HTTP/1.1", "Connection: TE\r\nTE: gzip;q=1, trailers\r\n", &how),
		"GET / HTTP/1.1\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
}

static void an_upgrade_is_passed_on_but_h2c(void **state)
{
	static const char socket[] = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
			  clear[] = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
				    "HTTP2-Settings: A\r\n",
			  both[] = "Connection: Upgrade\r\nUpgrade: websocket, H2C\r\n";
	const struct rewrite_request how = { .fetch = false };

	(void)state;
	assert_string_equal(request("GET / HTTP/1.1", socket, &how),
			    "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	assert_true(rewrite_upgrades(&head));
	assert_string_equal(request("GET / HTTP/1.1", clear, &how), "GET / HTTP/1.1\r\n\r\n");
	assert_false(rewrite_upgrades(&head));
	assert_string_equal(request("GET / HTTP/1.1", both, &how), "GET / HTTP/1.1\r\n\r\n");
	assert_string_equal(request("GET / HTTP/1.0", socket, &how), "GET / HTTP/1.0\r\n\r\n");
}

static void what_is_fetched_is_asked_for_without_conditions(void **state)
{
	struct rewrite_request how = { .fetch = true };
	static const char lines[] = "If-None-Match: a\r\nIf-Modified-Since: b\r\nCookie: c\r\n";

	(void)state;
	assert_string_equal(request("GET / HTTP/1.0", lines, &how),
			    "GET / HTTP/1.1\r\nCookie: c\r\n\r\n");
	how.without_cookies = true;
	assert_string_equal(request("GET / HTTP/1.1", lines, &how), "GET / HTTP/1.1\r\n\r\n");
}

static void who_asks_is_told_where_that_is_wanted(void **state)
{
	struct rewrite_request how = { .forwarded = PROXY_FORWARDED_X, .from = "10.0.0.1" };

	(void)state;
	assert_string_equal(request("GET / HTTP/1.1", "X-Forwarded-For: 1.1.1.1\r\n", &how),
			    "GET / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1\r\n"
			    "X-Forwarded-For: 10.0.0.1\r\n\r\n");
	how.forwarded = PROXY_FORWARDED_RFC;
	how.via = "edge";
	assert_string_equal(request("GET / HTTP/1.0", "", &how),
			    "GET / HTTP/1.0\r\nForwarded: for=10.0.0.1\r\nVia: 1.0 edge\r\n\r\n");
	how.from = "::1";
	how.via = NULL;
	assert_string_equal(request("GET / HTTP/1.1", "", &how),
			    "GET / HTTP/1.1\r\nForwarded: for=\"[::1]\"\r\n\r\n");
	how.from = NULL;
	assert_string_equal(request("GET / HTTP/1.1", "", &how), "GET / HTTP/1.1\r\n\r\n");
}

static void a_reply_says_how_the_connection_goes_on(void **state)
{
	const struct rewrite_reply closes = { .close = true, .cache = "MISS", .via = "edge" },
				   keeps = { .keep_alive = true }, bare = { .unframed = true },
				   tunnel = { .tunnel = true, .unframed = true };

	(void)state;
	assert_string_equal(reply("HTTP/1.1 200 OK", "X-Cache: HIT\r\n", &closes),
			    "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Cache: MISS\r\n"
			    "Via: 1.1 edge\r\n\r\n");
	assert_string_equal(reply("HTTP/1.1 200 OK", "", &keeps),
			    "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n");
	assert_string_equal(reply("HTTP/1.1 204 x",
				  "Content-Length: 3\r\nTransfer-Encoding: chunked\r\nA: b\r\n",
				  &bare),
			    "HTTP/1.1 204 x\r\nA: b\r\n\r\n");
	assert_string_equal(
		reply("HTTP/1.1 101 Switching", "Upgrade: websocket\r\nConnection: upgrade\r\n",
		      &tunnel),
		"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"\r\n");
}

static void what_has_no_room_is_refused(void **state)
{
	const struct rewrite_request how = { .fetch = false };
	struct rewrite out = { .at = room, .size = 17 };

	(void)state;
	head_read_as(&head, bytes, sizeof(bytes), "GET / HTTP/1.1", "");
	assert_int_equal(rewrite_request(&out, &head, &how), -EFBIG);
	out.size = 18;
	assert_int_equal(rewrite_request(&out, &head, &how), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_end_to_end_stays_byte_by_byte),
		cmocka_unit_test(what_is_of_one_connection_goes),
		cmocka_unit_test(trailers_are_asked_for_anew),
		cmocka_unit_test(an_upgrade_is_passed_on_but_h2c),
		cmocka_unit_test(what_is_fetched_is_asked_for_without_conditions),
		cmocka_unit_test(who_asks_is_told_where_that_is_wanted),
		cmocka_unit_test(a_reply_says_how_the_connection_goes_on),
		cmocka_unit_test(what_has_no_room_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
