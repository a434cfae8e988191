#include "origin_template.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char out[ORIGIN_TEMPLATE_URL];

static int url_bytes(const char *template, const void *key, size_t length, size_t prefix)
{
	const struct origin_name name = { key, length, prefix, false };
	const char *reason = "";

	if (origin_url_check(template, &reason))
		fail_msg("%s: %s", template, reason);
	return origin_url_make(template, &name, out, sizeof(out));
}

static int url(const char *template, const char *key, size_t prefix)
{
	return url_bytes(template, key, strlen(key), prefix);
}

static void a_key_goes_into_its_url(void **state)
{
	(void)state;
	assert_int_equal(url("http://h:1/users/{rest}", "users:42", 6), 19);
	assert_string_equal(out, "http://h:1/users/42");
	url("https://[::1]/{key}?a={rest}&b=%20", "a/b", 1);
	assert_string_equal(out, "https://[::1]/a%2Fb?a=%2Fb&b=%20");
	url("http://h/{rest}x", "users:", 6);
	assert_string_equal(out, "http://h/x");
	url("http://h/fixed", "users:1", 6);
	assert_string_equal(out, "http://h/fixed");
}

/* All 256 bytes: 66 stay as they are. */
static void every_byte_has_its_escape(void **state)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";

	(void)state;
	for (int i = 0; i < 256; i++) {
		const unsigned char key[] = { 'a', (unsigned char)i };
		char wanted[32];

		if (i && strchr(plain, i))
			snprintf(wanted, sizeof(wanted), "http://h/?a%c", i);
		else
			snprintf(wanted, sizeof(wanted), "http://h/?a%%%02X", (unsigned int)i);
		assert_int_equal(url_bytes("http://h/?{key}", key, 2, 0), strlen(wanted));
		assert_string_equal(out, wanted);
	}
}

static void no_key_climbs(void **state)
{
	static const struct {
		const char *template, *key;
	} cases[] = {
		{ "http://h/a/{key}", ".." },      { "http://h/a/{key}", "." },
		{ "http://h/a/{key}", "../b" },    { "http://h/a/{key}", "b/../../c" },
		{ "http://h/a/{key}", "b/.." },    { "http://h/a/{key}", "b\\..\\c" },
		{ "http://h/a/{key}", "..;x" },    { "http://h/a/.{key}", "." },
		{ "http://h/a/.{key}/b", "" },     { "http://h/a/%2e{key}", "." },
		{ "http://h/a/{key}/{key}", "." }, { "http://h/a/{key};v=1", ".." },
		{ "http://h/{key}?x", ".." },
	};
	static const char *const fine[] = { "...", "..a",  "a..",   ".a",
					    "a.",  "a;..", "a/...", "..%2e" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(url(cases[i].template, cases[i].key, 0), -EINVAL);
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_true(url("http://h/a/{key}", fine[i], 0) > 0);
	assert_int_equal(url_bytes("http://h/a/{key}", "..\0x", 4, 0), -EINVAL);
	assert_true(url("http://h/a?b={key}", "../..", 0) > 0); /* that is no path */
}

static void a_url_that_is_too_long_is_none(void **state)
{
	char *key = calloc(1, ORIGIN_TEMPLATE_URL);

	(void)state;
	memset(key, 'a', ORIGIN_TEMPLATE_URL);
	assert_int_equal(url_bytes("http://h/{key}", key, ORIGIN_TEMPLATE_URL - 10, 0),
			 ORIGIN_TEMPLATE_URL - 1);
	assert_int_equal(url_bytes("http://h/{key}", key, ORIGIN_TEMPLATE_URL - 9, 0),
			 -ENAMETOOLONG);
	memset(key, ' ', ORIGIN_TEMPLATE_URL);
	assert_int_equal(url_bytes("http://h/{key}", key, ORIGIN_TEMPLATE_URL / 3, 0),
			 -ENAMETOOLONG);
	free(key);
}

static const char *const bad_urls[] = {
	"",
	"h/{key}",
	"ftp://h/{key}",
	"HTTP://h/",
	"http://",
	"http:///{key}",
	"http://{key}",
	"http://{key}/",
	"http://h{key}",
	"http://h{key}/",
	"http://h:{key}/",
	"http://h:80{key}/",
	"http://h?{key}",
	"http://h",
	"http://h:/",
	"http://h:0/",
	"http://h:65536/",
	"http://h:-1/",
	"http://h:99999999999999999999/",
	"http://u@h/",
	"http://u:p@h/{key}",
	"http://h\\@x/",
	"http://h%2f/",
	"http://[::1/",
	"http://[]/",
	"http://[x]/",
	"http://[::1%25eth0]/",
	"http://.h/",
	"http://h/#a",
	"http://h/{key}#",
	"http://h/a b",
	"http://h/\xc3\xa4",
	"http://h/{keys}",
	"http://h/{}",
	"http://h/{key",
	"http://h/key}",
	"http://h/{{key}}",
	"http://h/{query.a}",
	"http://h/%",
	"http://h/%2",
	"http://h/%gg",
	"http://h/../a",
	"http://h/a/./{key}",
	"http://h/%2e%2E/{key}",
	"http://h/a\r\nX: y",
};

static void no_template_leaves_its_host(void **state)
{
	static const char *const good[] = {
		"http://h/",
		"https://a-b.c:65535/{key}",
		"http://127.0.0.1:1/%7e",
		"http://[fe80::1:2.3.4.5]:9/{rest}/{key}?{key}",
	};
	const char *reason;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_urls) / sizeof(bad_urls[0]); i++) {
		reason = NULL;
		if (!origin_url_check(bad_urls[i], &reason))
			fail_msg("taken: %s", bad_urls[i]);
		assert_memory_equal(reason, "must be ", 8);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (origin_url_check(good[i], &reason))
			fail_msg("refused: %s: %s", good[i], reason);
}

static const char *part(void *ctx, const char *name)
{
	return strcmp(name, "none") ? ctx : NULL;
}

static int key(const char *template, const char *asked, const char *value)
{
	const struct origin_name name = { asked, strlen(asked), 2, false };
	char copy[64];
	const struct origin_parts parts = { copy, part, part };
	const char *reason;

	snprintf(copy, sizeof(copy), "%s", value);
	assert_int_equal(origin_key_check(template, "u:", &reason), 0);
	return origin_key_make(template, &name, &parts, out, sizeof(out));
}

static void a_request_makes_its_key(void **state)
{
	(void)state;
	key("u:{rest}:{query.page}:{header.X-User}", "u:a b", "7:8");
	assert_string_equal(out, "u:a%20b:7%3A8:7%3A8");
	key("u:{query.none}:{header.none}", "u:a", "7");
	assert_string_equal(out, "u::");
	assert_int_equal(key("u:", "u:a", "7"), 2);
}

/* What stood in a part is what the origin is asked for, once it has taken the escapes away. */
static void such_a_key_is_not_escaped_twice(void **state)
{
	struct origin_name name = { .prefix = 2, .escaped = true };

	(void)state;
	name.length = (size_t)key("u:{query.q}", "u:", "a/b&c=%");
	name.key = strdup(out);
	origin_url_make("http://h/?q={rest}", &name, out, sizeof(out));
	assert_string_equal(out, "http://h/?q=a%2Fb%26c%3D%25");
	name.escaped = false;
	origin_url_make("http://h/?q={rest}", &name, out, sizeof(out));
	assert_string_equal(out, "http://h/?q=a%252Fb%2526c%253D%2525");
	free((void *)(uintptr_t)name.key);
	name = (struct origin_name){ "u:%2e%2E%2fx%2", 14, 2, true };
	assert_int_equal(origin_url_make("http://h/{rest}", &name, out, sizeof(out)), -EINVAL);
	assert_int_equal(origin_url_make("http://h/?{rest}", &name, out, sizeof(out)), 24);
	assert_string_equal(out, "http://h/?%2e%2E%2fx%252");
}

static void a_template_of_keys_stays_with_its_origin(void **state)
{
	static const char *const bad[] = {
		"x:{rest}", "u",   "u:{key}",      "u:{query.}",  "u:{query.a b}", "u:{header.a:b}",
		"u:{",      "u:}", "u:{rest}\x01", "u:{rest}%20", "u: ",
	};
	const char *reason;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(origin_key_check(bad[i], "u:", &reason), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_goes_into_its_url),
		cmocka_unit_test(every_byte_has_its_escape),
		cmocka_unit_test(no_key_climbs),
		cmocka_unit_test(a_url_that_is_too_long_is_none),
		cmocka_unit_test(no_template_leaves_its_host),
		cmocka_unit_test(a_request_makes_its_key),
		cmocka_unit_test(such_a_key_is_not_escaped_twice),
		cmocka_unit_test(a_template_of_keys_stays_with_its_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
