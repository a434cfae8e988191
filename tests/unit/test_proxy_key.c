#include "proxy_key.h"

#include "http_head_fixture.h"

#include "channel.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>

static char bytes[4096], room[4096];
static struct http_head head;
static struct proxy_key key = { .at = room, .size = sizeof(room) };

static const struct proxy_rule plain = { .name = "t", .match = "*", .every_query = true };

static const char *key_of(const struct proxy_rule *r, const char *target, const char *lines)
{
	char first[512];

	snprintf(first, sizeof(first), "GET %s HTTP/1.1", target);
	head_read_as(&head, bytes, sizeof(bytes), first, lines);
	assert_int_equal(proxy_key_make(&key, r, &head), 0);
	room[key.length] = '\0';
	return room;
}

static void the_first_rule_that_fits_is_taken(void **state)
{
	static const char text[] = "listen=127.0.0.1:1 upstream=127.0.0.1:2 rule match=/a* name=a "
				   "rule match=/a/b name=b rule match=*.css name=c";
	static const struct {
		const char *first, *name;
	} cases[] = {
		{ "GET /a HTTP/1.1", "a" },         { "GET /a/b HTTP/1.1", "a" },
		{ "GET /b/x.css?y HTTP/1.1", "c" }, { "GET /b/x.css/y HTTP/1.1", NULL },
		{ "GET /b?/a HTTP/1.1", NULL },     { "OPTIONS * HTTP/1.1", NULL },
	};
	struct channel_error error;
	struct proxy_site *site;

	(void)state;
	assert_int_equal(proxy_site_open(&site, text, &error), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct proxy_rule *r;

		head_read_as(&head, bytes, sizeof(bytes), cases[i].first, "");
		r = proxy_key_rule(site, &head);
		assert_true(!r == !cases[i].name);
		if (r)
			assert_string_equal(r->name, cases[i].name);
	}
	proxy_site_close(site);
}

static void it_fits_as_the_agents_other_globs_do(void **state)
{
	static const char letters[] = "ab*?\\";
	char pattern[8], text[10];

	(void)state;
	srand(7); /* NOLINT(cert-msc51-cpp): the same each time */
	for (int i = 0; i < 200000; i++) {
		size_t n = (size_t)rand() % 7, m = (size_t)rand() % 9;
		const struct http_text span = { text, m };

		for (size_t k = 0; k < n; k++)
			pattern[k] = letters[rand() % 5];
		for (size_t k = 0; k < m; k++)
			text[k] = letters[rand() % 5];
		pattern[n] = text[m] = '\0';
		if (proxy_key_fits(pattern, &span) != text_glob(pattern, text))
			fail_msg("%s over %s", pattern, text);
	}
}

static void it_is_made_of_host_path_and_query(void **state)
{
	(void)state;
	assert_string_equal(key_of(&plain, "/a/b?c=d&e", "Host: x:80\r\n"), "t:x:80/a/b?c=d&e");
	assert_string_equal(key_of(&plain, "/a", "Host: x\r\n"), "t:x/a?");
	assert_string_equal(key_of(&plain, "/a?", "Host: x\r\n"), "t:x/a?");
	assert_string_not_equal(key_of(&plain, "/A", "Host: x\r\n"), "t:x/a?");
	assert_string_equal(key_of(&plain, "/%41/../b//c", "Host: X\r\n"), "t:X/%41/../b//c?");
}

static void it_has_the_parameters_of_its_rule(void **state)
{
	struct proxy_rule r = { .name = "t", .query = { { "a", "b" }, 2 } };

	(void)state;
	assert_string_equal(key_of(&r, "/?b=2&x=9&a=1&a=3", "Host: h\r\n"), "t:h/?&a=1&a=3&b=2");
	assert_string_equal(key_of(&r, "/?ab=2&xa=1", "Host: h\r\n"), "t:h/?");
	assert_string_equal(key_of(&r, "/?a", "Host: h\r\n"), "t:h/?&a");
	/* a name that the application may read as one of these: all of it */
	assert_string_equal(key_of(&r, "/?%61=1&x=9", "Host: h\r\n"), "t:h/??%61=1&x=9");
	assert_string_equal(key_of(&r, "/?x=9;a=1", "Host: h\r\n"), "t:h/??x=9;a=1");
	assert_string_equal(key_of(&r, "/?+a=1", "Host: h\r\n"), "t:h/??+a=1");
	assert_string_equal(key_of(&r, "/?a=%61+", "Host: h\r\n"), "t:h/?&a=%61+");
	r.query.count = 0;
	assert_string_equal(key_of(&r, "/?%61=1&x=9", "Host: h\r\n"), "t:h/?");
}

static void it_has_the_headers_of_its_rule(void **state)
{
	struct proxy_rule r = { .name = "t", .headers = { { "X-Tenant", "X-User" }, 2 } };

	(void)state;
	assert_string_equal(key_of(&r, "/", "Host: h\r\nx-tenant: 7\r\nX-USER:\r\n"),
			    "t:h/?\nx-tenant=7\nx-user=");
	assert_string_equal(key_of(&r, "/", "Host: h\r\n"), "t:h/?\nx-tenant\nx-user");
	assert_string_equal(key_of(&r, "/", "Host: h\r\nX-User: a\r\nX-User: b\r\n"),
			    "t:h/?\nx-tenant\nx-user=a\nx-user=b");
	/* as the upstream sees it: without what Connection names */
	assert_string_equal(key_of(&r, "/", "Host: h\r\nX-User: a\r\nConnection: x-user\r\n"),
			    "t:h/?\nx-tenant\nx-user");
}

static void what_is_known_to_change_answers_is_in_it(void **state)
{
	(void)state;
	assert_string_equal(key_of(&plain, "/", "Host: h\r\nX-Forwarded-Host: evil\r\n"),
			    "t:h/?\nx-forwarded-host=evil");
	assert_string_equal(key_of(&plain, "/", "X-Original-URL: /b\r\nHost: h\r\n"),
			    "t:h/?\nx-original-url=/b");
	assert_string_equal(key_of(&plain, "/", "Host: h\r\nX-Forwarded-For: 1.2.3.4\r\n"),
			    "t:h/?");
}

static void it_has_what_the_reply_varies_by(void **state)
{
	const struct http_text vary = { "accept, X-B", 11 };

	(void)state;
	key_of(&plain, "/", "Host: h\r\nAccept: a\r\nX-B: c\r\n");
	assert_int_equal(proxy_key_vary(&key, &vary, &head), 0);
	room[key.length] = '\0';
	assert_string_equal(room, "t:h/?\n~\naccept=a\nx-b=c");
	key_of(&plain, "/", "Host: h\r\nAccept: \r\n");
	assert_int_equal(proxy_key_vary(&key, &vary, &head), 0);
	room[key.length] = '\0';
	assert_string_equal(room, "t:h/?\n~\naccept=\nx-b");
}

static void a_rule_leaves_requests_out(void **state)
{
	static const struct proxy_rule r = { .name = "t",
					     .unless_query = { { "search", "q" }, 2 },
					     .unless_headers = { { "X-Debug" }, 1 },
					     .unless_cookies = { { "session" }, 1 } };
	static const struct {
		const char *target, *lines;
		bool out;
	} cases[] = {
		{ "/", "", false },
		{ "/?a=search", "", false },
		{ "/?search=x", "", true },
		{ "/?a=1&q", "", true },
		{ "/?se%61rch=x", "", true },
		{ "/?a=1;search=x", "", true },
		{ "/", "x-debug: 1\r\n", true },
		{ "/", "Cookie: a=b; c=session\r\n", false },
		{ "/", "Cookie: a=b;session=1\r\n", true },
		{ "/", "Cookie: a=b; \tsession\r\n", true },
		{ "/", "Cookie: xsession=1;\r\n", false },
		{ "/", "Cookie: a\r\nCookie: session=2\r\n", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		key_of(&plain, cases[i].target, cases[i].lines);
		if (proxy_key_is_excluded(&r, &head) != cases[i].out)
			fail_msg("%s %s", cases[i].target, cases[i].lines);
	}
}

static void one_that_is_too_long_is_none(void **state)
{
	struct proxy_key small = { .at = room, .size = 6 };

	(void)state;
	head_read_as(&head, bytes, sizeof(bytes), "GET /ab HTTP/1.1", "Host: h\r\n");
	assert_int_equal(proxy_key_make(&small, &plain, &head), -EFBIG); /* t:h/ab? are seven */
	small.size = 7;
	assert_int_equal(proxy_key_make(&small, &plain, &head), 0);
}

static void a_path_has_its_tag(void **state)
{
	char one[PROXY_KEY_TAG], other[PROXY_KEY_TAG];

	(void)state;
	key_of(&plain, "/a?x", "Host: h\r\n");
	proxy_key_tag(&head, one);
	assert_int_equal(strlen(one), 17);
	key_of(&plain, "/a?y", "Host: h\r\nX: y\r\n");
	proxy_key_tag(&head, other);
	assert_string_equal(one, other);
	key_of(&plain, "/b", "Host: h\r\n");
	proxy_key_tag(&head, other);
	assert_string_not_equal(one, other);
	key_of(&plain, "/a", "Host: i\r\n");
	proxy_key_tag(&head, other);
	assert_string_not_equal(one, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_fits_is_taken),
		cmocka_unit_test(it_fits_as_the_agents_other_globs_do),
		cmocka_unit_test(it_is_made_of_host_path_and_query),
		cmocka_unit_test(it_has_the_parameters_of_its_rule),
		cmocka_unit_test(it_has_the_headers_of_its_rule),
		cmocka_unit_test(what_is_known_to_change_answers_is_in_it),
		cmocka_unit_test(it_has_what_the_reply_varies_by),
		cmocka_unit_test(a_rule_leaves_requests_out),
		cmocka_unit_test(one_that_is_too_long_is_none),
		cmocka_unit_test(a_path_has_its_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
