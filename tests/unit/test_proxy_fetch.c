#include "proxy_rig.h"

#define CROWD 20

static int crowd[CROWD];

static void gather(const char *request)
{
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = rig_connect();
		rig_say(crowd[i], request);
	}
}

static void all_got(const char *what)
{
	for (int i = 0; i < CROWD; i++) {
		assert_has(rig_read(crowd[i]), what);
		close(crowd[i]);
	}
	rig_settle();
}

static void one_asks_for_all(void **state)
{
	int up;

	(void)state;
	rig_open("rule match=* ttl=60s");
	gather(RIG_GET("/a"));
	up = rig_accept();
	assert_true(rig_nobody_connects());
	rig_say(up, RIG_OK("Content-Length: 3\r\n", "a"));
	assert_string_equal(rig_read(crowd[1]), ""); /* it is answered when all is there */
	rig_say(up, "bc");
	assert_has(rig_read(crowd[0]), "X-Cache: MISS\r\n\r\nabc");
	close(crowd[0]);
	crowd[0] = rig_connect();
	rig_say(crowd[0], RIG_GET("/a"));
	all_got("X-Cache: HIT\r\n\r\nabc");
	assert_true(rig_nobody_connects());
	close(up);
	assert_int_equal(rig_counts().waited, CROWD - 1);
	assert_int_equal(rig_counts().misses, 1);
	assert_int_equal(rig_counts().requests, CROWD + 1);
}

static void what_is_not_kept_is_asked_for_by_each(void **state)
{
	int up[CROWD];

	(void)state;
	rig_open("rule match=* ttl=60s");
	gather(RIG_GET("/a"));
	up[0] = rig_accept();
	/* known with its head: nobody waits for its end */
	rig_say(up[0], RIG_OK("Cache-Control: private\r\nContent-Length: 3\r\n", "a"));
	for (int i = 1; i < CROWD; i++)
		up[i] = rig_accept();
	rig_say(up[0], "bc");
	for (int i = 1; i < CROWD; i++)
		rig_say(up[i], RIG_OK("Cache-Control: private\r\nContent-Length: 3\r\n", "abc"));
	all_got("X-Cache: MISS\r\n\r\nabc");
	/* for a while nobody waits for it any more */
	gather(RIG_GET("/a"));
	for (int i = 0; i < CROWD; i++) {
		rig_say(up[i], RIG_OK("Cache-Control: private\r\nContent-Length: 3\r\n", "abc"));
		rig_read(up[i]);
	}
	all_got("X-Cache: MISS\r\n\r\nabc");
	for (int i = 0; i < CROWD; i++)
		close(up[i]);
}

static void what_fails_fails_for_all(void **state)
{
	int up;

	(void)state;
	rig_open("timeout=3s rule match=* ttl=60s");
	gather(RIG_GET("/a"));
	up = rig_accept();
	close(up);
	all_got("HTTP/1.1 502 ");
	gather(RIG_GET("/a"));
	up = rig_accept();
	rig_later(4 * PROXY_S_NS);
	all_got("HTTP/1.1 504 ");
	close(up);
	assert_true(rig_nobody_connects());
}

static void nobody_waits_longer_than_that(void **state)
{
	int up, next;

	(void)state;
	rig_open("rule match=* ttl=60s");
	for (int i = 0; i < 2; i++) {
		crowd[i] = rig_connect();
		rig_say(crowd[i], RIG_GET("/a"));
	}
	up = rig_accept();
	rig_later(PROXY_WAIT_NS - PROXY_S_NS);
	assert_true(rig_nobody_connects());
	rig_later(2 * PROXY_S_NS);
	next = rig_accept();
	rig_say(next, RIG_OK("Content-Length: 1\r\n", "y"));
	assert_has(rig_read(crowd[1]), "X-Cache: MISS\r\n\r\ny");
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "x"));
	assert_has(rig_read(crowd[0]), "X-Cache: MISS\r\n\r\nx");
	assert_has(rig_ask(RIG_GET("/a")), "X-Cache: HIT\r\n\r\nx");
	for (int i = 0; i < 2; i++)
		close(crowd[i]);
	close(up);
	close(next);
}

static void who_asked_first_holds_up_nobody(void **state)
{
	static char reply[1 << 20];
	int n = snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n");
	int first, second, up;

	(void)state;
	rig_open("rule match=* ttl=60s");
	first = rig_connect();
	rig_narrow(first);
	memset(reply + n, 'x', 900000);
	rig_say(first, RIG_GET("/a")); /* and reads nothing */
	up = rig_accept();
	second = rig_connect();
	rig_say(second, RIG_GET("/a"));
	rig_say_bytes(up, reply, (size_t)n + 900000);
	assert_has(rig_read_most(second, 900000), "X-Cache: HIT");
	assert_true(rig.got > 900000);
	assert_has(rig_read_most(first, 900000), "X-Cache: MISS");
	assert_true(rig.got > 900000);
	close(first);
	close(second);
	close(up);
	assert_int_equal(rig.p->filling, 0);
}

static void what_is_too_large_passes_and_is_not_kept(void **state)
{
	static const char *const heads[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1e8480\r\n",
	};
	static char body[2000001];

	(void)state;
	rig_open("rule match=* ttl=60s");
	memset(body, 'x', sizeof(body) - 1);
	for (int i = 0; i < 2; i++) {
		int client = rig_connect(), waiting = rig_connect(), up, other;
		size_t got;

		rig_say(client, RIG_GET("/a"));
		rig_say(waiting, RIG_GET("/a"));
		up = rig_accept();
		rig_say(up, heads[i]);
		got = strlen(rig_read(client));
		for (size_t at = 0; at < 2000000; at += 100000) {
			rig_say_bytes(up, body + at, 100000);
			rig_read(client);
			got += rig.got;
		}
		assert_true(got > 2000000);
		if (i)
			rig_say(up, "\r\n0\r\n\r\n");
		other = rig_accept(); /* who waited asks by itself */
		assert_begins(rig_read(other), "GET /a HTTP/1.1\r\n");
		close(client);
		close(waiting);
		close(up);
		close(other);
		rig_later(6 * PROXY_S_NS);
	}
	assert_int_equal(rig_counts().stored, 0);
	assert_int_equal(rig_counts().too_large, 2);
	assert_int_equal(rig.p->filling, 0);
}

static void what_it_varies_by_is_kept_each(void **state)
{
	static const char plain[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
			  gzip[] = "GET /a HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n";

	(void)state;
	rig_open("rule match=* ttl=60s");
	assert_has(
		rig_exchange(plain, RIG_OK("Vary: Accept-Encoding\r\nContent-Length: 1\r\n", "x")),
		"MISS");
	assert_has(
		rig_exchange(gzip, RIG_OK("Vary: Accept-Encoding\r\nContent-Length: 1\r\n", "z")),
		"MISS");
	assert_has(rig_ask(plain), "X-Cache: HIT\r\n\r\nx");
	assert_has(rig_ask(gzip), "X-Cache: HIT\r\n\r\nz");
	assert_has(rig_exchange("GET /a HTTP/1.1\r\nHost: h\r\nAccept-Encoding: br\r\n\r\n",
				RIG_OK("Vary: Accept-Encoding\r\nContent-Length: 1\r\n", "b")),
		   "MISS\r\n\r\nb");
}

static void who_waits_for_another_variant_asks_for_its_own(void **state)
{
	static const char gzip[] = "GET /a HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n";
	int first, second, up;

	(void)state;
	rig_open("rule match=* ttl=60s");
	first = rig_connect();
	rig_say(first, RIG_GET("/a"));
	second = rig_connect();
	rig_say(second, gzip);
	up = rig_accept();
	rig_read(up);
	rig_say(up, RIG_OK("Vary: Accept-Encoding\r\nContent-Length: 1\r\n", "x"));
	assert_has(rig_read(first), "X-Cache: MISS\r\n\r\nx");
	assert_has(rig_read(up), "Accept-Encoding: gzip"); /* on the same connection */
	rig_say(up, RIG_OK("Vary: Accept-Encoding\r\nContent-Length: 1\r\n", "z"));
	assert_has(rig_read(second), "X-Cache: MISS\r\n\r\nz");
	close(first);
	close(second);
	close(up);
}

static void tags_too_many_to_purge_are_not_kept(void **state)
{
	char reply[512];

	(void)state;
	rig_open("rule match=* ttl=60s");
	snprintf(reply, sizeof(reply),
		 "HTTP/1.1 200 OK\r\nCache-Tag: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p\r\n"
		 "Content-Length: 1\r\n\r\nx");
	assert_has(rig_exchange(RIG_GET("/a"), reply), "X-Cache: MISS");
	assert_int_equal(rig_counts().too_large, 1);
	assert_int_equal(rig_counts().stored, 0);
}

static void cookies_that_are_ignored_are_not_sent(void **state)
{
	static const char asks[] = "GET /a HTTP/1.1\r\nHost: h\r\nCookie: me=1\r\n\r\n";
	int client, up;

	(void)state;
	rig_open("rule match=* ttl=60s cookies=ignore");
	client = rig_connect();
	rig_say(client, asks);
	up = rig_accept();
	assert_null(strstr(rig_read(up), "Cookie"));
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "x"));
	close(client);
	close(up);
	assert_has(rig_ask(RIG_GET("/a")), "X-Cache: HIT\r\n\r\nx");
}

static void why_replies_are_not_kept_is_counted(void **state)
{
	struct proxy_counts c;

	(void)state;
	rig_open("rule match=*");
	rig_exchange(RIG_GET("/a"), "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n");
	rig_exchange(RIG_GET("/a"),
		     "HTTP/1.1 200 x\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n");
	rig_exchange(RIG_GET("/a"), "HTTP/1.1 200 x\r\nSet-Cookie: a\r\nContent-Length: 0\r\n\r\n");
	rig_exchange(RIG_GET("/a"), "HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n");
	c = rig_counts();
	for (int why = FRESHNESS_STATUS; why <= FRESHNESS_NO_TIME; why++)
		assert_int_equal(c.unkept[why], 1);
	assert_int_equal(c.stored, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(one_asks_for_all),
		RIG_TEST(what_is_not_kept_is_asked_for_by_each),
		RIG_TEST(what_fails_fails_for_all),
		RIG_TEST(nobody_waits_longer_than_that),
		RIG_TEST(who_asked_first_holds_up_nobody),
		RIG_TEST(what_is_too_large_passes_and_is_not_kept),
		RIG_TEST(what_it_varies_by_is_kept_each),
		RIG_TEST(who_waits_for_another_variant_asks_for_its_own),
		RIG_TEST(tags_too_many_to_purge_are_not_kept),
		RIG_TEST(cookies_that_are_ignored_are_not_sent),
		RIG_TEST(why_replies_are_not_kept_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
