#include "freshness.h"

#include "cache_control.h"
#include "http_head_fixture.h"

#define NOW INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define S UINT64_C(1000000000)
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static char of_request[4096], of_reply[4096];
static struct http_head request, reply;
static struct freshness_reply came = { .request = &request, .reply = &reply, .wall_s = NOW };
static struct freshness_ask ask;
static struct freshness f;

static struct proxy_rule *rule(uint32_t ttl_s)
{
	static struct proxy_rule r;

	r = (struct proxy_rule){ .name = "t", .match = "*", .ttl_s = ttl_s };
	return &r;
}

static void asked(const struct proxy_rule *r, const char *first, const char *lines)
{
	head_read_as(&request, of_request, sizeof(of_request), first, lines);
	freshness_of_request(&ask, r, &request);
}

static void told(const struct proxy_rule *r, const char *with, const char *first, const char *lines)
{
	head_read_as(&request, of_request, sizeof(of_request), "GET / HTTP/1.1", with);
	head_read_as(&reply, of_reply, sizeof(of_reply), first, lines);
	freshness_of_reply(&f, r, &came);
}

static void only_whole_plain_gets_use_it(void **state)
{
	static const struct {
		const char *first, *lines;
		bool usable;
	} cases[] = {
		{ "GET / HTTP/1.1", "", true },
		{ "HEAD / HTTP/1.1", "", true },
		{ "POST / HTTP/1.1", "", false },
		{ "get / HTTP/1.1", "", false },
		{ "GETS / HTTP/1.1", "", false },
		{ "GET / HTTP/1.1", "Range: bytes=0-1\r\n", false },
		{ "GET / HTTP/1.1", "If-Range: x\r\n", false },
		{ "GET / HTTP/1.1", "If-Match: x\r\n", false },
		{ "GET / HTTP/1.1", "If-Unmodified-Since: x\r\n", false },
		{ "GET / HTTP/1.1", "Cookie: a=b\r\n", false },
		{ "GET / HTTP/1.1", "Cache-Control: no-store\r\n", false },
		{ "GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: x\r\n", false },
		{ "GET / HTTP/1.1", "If-None-Match: x\r\n", true },
		{ "GET / HTTP/1.1", "Authorization: x\r\n", true },
	};
	struct proxy_rule *r = rule(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		asked(r, cases[i].first, cases[i].lines);
		if (ask.usable != cases[i].usable)
			fail_msg("%s %s", cases[i].first, cases[i].lines);
	}
	r->without_cookies = true;
	asked(r, "GET / HTTP/1.1", "Cookie: a=b\r\n");
	assert_true(ask.usable);
	r->without_cookies = false;
	r->headers = (struct proxy_names){ { "COOKIE", "authorization" }, 2 };
	asked(r, "GET / HTTP/1.1", "Cookie: a=b\r\nAuthorization: x\r\n");
	assert_true(ask.usable && !ask.authorized); /* each has its own */
}

static void what_it_asks_is_read(void **state)
{
	(void)state;
	asked(rule(0), "GET / HTTP/1.1", "Cache-Control: no-cache\r\n");
	assert_true(ask.anew);
	asked(rule(0), "GET / HTTP/1.1", "Pragma: no-cache\r\n");
	assert_true(ask.anew);
	asked(rule(0), "GET / HTTP/1.1", "Pragma: no-cache\r\nCache-Control: max-age=3\r\n");
	assert_true(!ask.anew && ask.max_age == 3);
	asked(rule(0), "GET / HTTP/1.1",
	      "Cache-Control: only-if-cached\r\nIf-Modified-Since: x\r\nAuthorization: x\r\n");
	assert_true(ask.cached && ask.conditional && ask.authorized && !ask.head);
	asked(rule(0), "HEAD / HTTP/1.1", "");
	assert_true(ask.head && !ask.conditional && !ask.authorized);
}

static void a_reply_is_kept_or_not(void **state)
{
	static const struct {
		const char *with, *first, *lines;
		enum freshness_why why;
	} cases[] = {
		{ "", "HTTP/1.1 200 OK", "Cache-Control: max-age=9\r\n", FRESHNESS_KEPT },
		{ "", "HTTP/1.1 200 OK", "", FRESHNESS_NO_TIME },
		{ "", "HTTP/1.1 200 OK", "Cache-Control: max-age=0\r\n", FRESHNESS_NO_TIME },
		{ "", "HTTP/1.1 200 OK", "Cache-Control: max-age=9,no-store\r\n",
		  FRESHNESS_FORBIDDEN },
		{ "", "HTTP/1.1 200 OK", "Cache-Control: max-age=9,no-cache\r\n",
		  FRESHNESS_FORBIDDEN },
		{ "", "HTTP/1.1 200 OK", "Cache-Control: max-age=9,private\r\n",
		  FRESHNESS_FORBIDDEN },
		{ "", "HTTP/1.1 200 OK", "Cache-Control: max-age=9\r\nVary: a, *\r\n",
		  FRESHNESS_FORBIDDEN },
		{ "", "HTTP/1.1 200 OK", "Cache-Control: max-age=9\r\nVary: a\r\n",
		  FRESHNESS_KEPT },
		{ "", "HTTP/1.1 200 OK", "Cache-Control: max-age=9\r\nSet-Cookie: a=b\r\n",
		  FRESHNESS_COOKIE },
		{ "", "HTTP/1.1 200 OK",
		  "Cache-Control: max-age=9\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n",
		  FRESHNESS_FORBIDDEN },
		{ "", "HTTP/1.1 200 OK", "Cache-Control: max-age=9\r\nContent-Type: text/event\r\n",
		  FRESHNESS_KEPT },
		{ "", "HTTP/1.1 206 x", "Cache-Control: max-age=9\r\n", FRESHNESS_STATUS },
		{ "", "HTTP/1.1 302 x", "Cache-Control: max-age=9\r\n", FRESHNESS_STATUS },
		{ "", "HTTP/1.1 304 x", "Cache-Control: max-age=9\r\n", FRESHNESS_STATUS },
		{ "", "HTTP/1.1 500 x", "Cache-Control: max-age=9\r\n", FRESHNESS_STATUS },
		{ "", "HTTP/1.1 503 x", "Cache-Control: max-age=9\r\n", FRESHNESS_STATUS },
		{ "", "HTTP/1.1 404 x", "Cache-Control: max-age=9\r\n", FRESHNESS_KEPT },
		{ "", "HTTP/1.1 301 x", "Cache-Control: max-age=9\r\n", FRESHNESS_KEPT },
		{ "", "HTTP/1.1 404 x", "", FRESHNESS_NO_TIME },
		{ "Authorization: x\r\n", "HTTP/1.1 200 OK", "Cache-Control: max-age=9\r\n",
		  FRESHNESS_FORBIDDEN },
		{ "Authorization: x\r\n", "HTTP/1.1 200 OK", "Cache-Control: max-age=9, public\r\n",
		  FRESHNESS_KEPT },
		{ "Authorization: x\r\n", "HTTP/1.1 200 OK", "Cache-Control: s-maxage=9\r\n",
		  FRESHNESS_KEPT },
		{ "Authorization: x\r\n", "HTTP/1.1 200 OK",
		  "Cache-Control: max-age=9,must-revalidate\r\n", FRESHNESS_KEPT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		told(rule(0), cases[i].with, cases[i].first, cases[i].lines);
		if (f.why != cases[i].why)
			fail_msg("%s %s: %d", cases[i].first, cases[i].lines, f.why);
	}
}

static void a_rule_says_how_long_where_nobody_else_does(void **state)
{
	struct proxy_rule *r = rule(30);

	(void)state;
	told(r, "", "HTTP/1.1 200 OK", DATE);
	assert_true(f.why == FRESHNESS_KEPT && f.fresh_s == 30);
	told(r, "", "HTTP/1.1 200 OK", DATE "Cache-Control: max-age=5\r\n");
	assert_int_equal(f.fresh_s, 5);
	told(r, "", "HTTP/1.1 200 OK", DATE "Cache-Control: max-age=0\r\n");
	assert_int_equal(f.why, FRESHNESS_NO_TIME);
	told(r, "", "HTTP/1.1 404 x", DATE);
	assert_int_equal(f.why, FRESHNESS_NO_TIME); /* nor is an error kept because of it */
	told(r, "", "HTTP/1.1 200 OK", "Set-Cookie: a\r\n");
	assert_int_equal(f.why, FRESHNESS_COOKIE);
	told(r, "Authorization: x\r\n", "HTTP/1.1 200 OK", "");
	assert_int_equal(f.why, FRESHNESS_FORBIDDEN);
	r->headers = (struct proxy_names){ { "Authorization" }, 1 };
	told(r, "Authorization: x\r\n", "HTTP/1.1 200 OK", "");
	assert_int_equal(f.why, FRESHNESS_KEPT);
}

static void the_nearest_says_how_long(void **state)
{
	static const struct {
		const char *lines;
		uint32_t fresh_s;
	} cases[] = {
		{ "Cache-Control: max-age=5, s-maxage=7\r\n", 7 },
		{ "Cache-Control: max-age=5\r\nExpires: Sun, 06 Nov 1994 09:49:37 GMT\r\n", 5 },
		{ "Expires: Sun, 06 Nov 1994 08:50:37 GMT\r\n", 60 },
		{ "Expires: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 0 },
		{ "Expires: 0\r\n", 0 },
		{ "Cache-Control: max-age=99999999999\r\n", 31536000 },
		{ "Pragma: no-cache\r\nCache-Control: max-age=5\r\n", 5 },
	};
	char lines[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(lines, sizeof(lines), DATE "%s", cases[i].lines);
		told(rule(0), "", "HTTP/1.1 200 OK", lines);
		if (f.fresh_s != cases[i].fresh_s)
			fail_msg("%s: %u", cases[i].lines, f.fresh_s);
	}
}

static void its_age_is_taken_off(void **state)
{
	(void)state;
	told(rule(0), "", "HTTP/1.1 200 OK", DATE "Age: 4\r\nCache-Control: max-age=9\r\n");
	assert_true(f.age_s == 4 && f.fresh_s == 5);
	told(rule(0), "", "HTTP/1.1 200 OK",
	     "Date: Sun, 06 Nov 1994 08:49:30 GMT\r\nCache-Control: max-age=9\r\n");
	assert_true(f.age_s == 7 && f.fresh_s == 2);
	told(rule(0), "", "HTTP/1.1 200 OK",
	     "Date: Sun, 06 Nov 1994 08:49:30 GMT\r\nAge: 8\r\nCache-Control: max-age=9\r\n");
	assert_true(f.age_s == 8 && f.fresh_s == 1);
	told(rule(0), "", "HTTP/1.1 200 OK", DATE "Age: 9\r\nCache-Control: max-age=9\r\n");
	assert_int_equal(f.why, FRESHNESS_NO_TIME);
	told(rule(0), "", "HTTP/1.1 200 OK", /* a clock that is ahead makes nothing younger */
	     "Date: Sun, 06 Nov 1994 09:49:30 GMT\r\nCache-Control: max-age=9\r\n");
	assert_true(f.age_s == 0 && f.fresh_s == 9);
	came.delay_s = 3; /* and the way took time */
	freshness_of_reply(&f, rule(0), &came);
	came.delay_s = 0;
	assert_true(f.age_s == 3 && f.fresh_s == 6);
}

static void stale_is_what_may_be(void **state)
{
	struct proxy_rule *r = rule(0);

	(void)state;
	r->stale_s = 10;
	r->fallback_s = 20;
	told(r, "", "HTTP/1.1 200 OK", "Cache-Control: max-age=5\r\n");
	assert_true(f.fresh_s == 5 && f.stale_s == 10 && f.fallback_s == 20);
	told(r, "", "HTTP/1.1 200 OK",
	     "Cache-Control: max-age=5,stale-while-revalidate=1,stale-if-error=2\r\n");
	assert_true(f.stale_s == 1 && f.fallback_s == 2);
	told(r, "", "HTTP/1.1 200 OK", "Cache-Control: max-age=5,must-revalidate\r\n");
	assert_true(!f.stale_s && !f.fallback_s);
	told(r, "", "HTTP/1.1 200 OK",
	     "Cache-Control: max-age=5,proxy-revalidate,stale-if-error=2\r\n");
	assert_true(!f.stale_s && !f.fallback_s);
	told(r, "", "HTTP/1.1 200 OK", "Cache-Control: s-maxage=5\r\n");
	assert_true(!f.stale_s && !f.fallback_s);
	told(r, "", "HTTP/1.1 200 OK", "Cache-Control: max-age=0\r\n");
	assert_int_equal(f.why, FRESHNESS_NO_TIME);
	told(r, "", "HTTP/1.1 200 OK", "Cache-Control: max-age=0,stale-while-revalidate=9\r\n");
	assert_true(f.why == FRESHNESS_KEPT && f.fresh_s == 0 && f.stale_s == 9);
	told(r, "", "HTTP/1.1 200 OK",
	     "Age: 7\r\nCache-Control: max-age=5,stale-while-revalidate=9,stale-if-error=1\r\n");
	assert_true(f.fresh_s == 0 && f.stale_s == 7 && f.fallback_s == 0);
}

static const struct freshness_stored stored = { .stored_ns = 100 * S,
						.fresh_until_ns = 110 * S,
						.stale_until_ns = 115 * S,
						.fallback_until_ns = 120 * S,
						.age_s = 3 };

static enum freshness_answer answer(const char *lines, uint64_t now_s)
{
	asked(rule(0), "GET / HTTP/1.1", lines);
	return freshness_answer(&stored, &ask, now_s * S);
}

static void it_answers_as_long_as_it_may(void **state)
{
	(void)state;
	assert_int_equal(answer("", 100), FRESHNESS_HIT);
	assert_int_equal(answer("", 109), FRESHNESS_HIT);
	assert_int_equal(answer("", 110), FRESHNESS_STALE);
	assert_int_equal(answer("", 114), FRESHNESS_STALE);
	assert_int_equal(answer("", 115), FRESHNESS_FALLBACK);
	assert_int_equal(answer("", 119), FRESHNESS_FALLBACK);
	assert_int_equal(answer("", 120), FRESHNESS_NONE);
	assert_int_equal(freshness_age_s(&stored, 104 * S), 7);
}

static void a_request_may_want_more(void **state)
{
	struct freshness_stored for_all = stored;

	(void)state;
	assert_int_equal(answer("Cache-Control: no-cache\r\n", 100), FRESHNESS_NONE);
	assert_int_equal(answer("Cache-Control: max-age=7\r\n", 104), FRESHNESS_HIT);
	assert_int_equal(answer("Cache-Control: max-age=6\r\n", 104), FRESHNESS_FALLBACK);
	assert_int_equal(answer("Cache-Control: max-age=60\r\n", 112), FRESHNESS_FALLBACK);
	assert_int_equal(answer("Cache-Control: min-fresh=6\r\n", 104), FRESHNESS_HIT);
	assert_int_equal(answer("Cache-Control: min-fresh=7\r\n", 104), FRESHNESS_FALLBACK);
	assert_int_equal(answer("Authorization: x\r\n", 104), FRESHNESS_NONE);
	for_all.for_authorized = true;
	assert_int_equal(freshness_answer(&for_all, &ask, 104 * S), FRESHNESS_HIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_whole_plain_gets_use_it),
		cmocka_unit_test(what_it_asks_is_read),
		cmocka_unit_test(a_reply_is_kept_or_not),
		cmocka_unit_test(a_rule_says_how_long_where_nobody_else_does),
		cmocka_unit_test(the_nearest_says_how_long),
		cmocka_unit_test(its_age_is_taken_off),
		cmocka_unit_test(stale_is_what_may_be),
		cmocka_unit_test(it_answers_as_long_as_it_may),
		cmocka_unit_test(a_request_may_want_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
