#include "entries.h"

#include "cache_fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static int get(const char *key, struct reply *out)
{
	const struct cache_bytes bytes = { key, strlen(key) };

	memset(&d.no, 0, sizeof(d.no));
	memset(out, 0, sizeof(*out));
	return entries_get(&(struct entries_ask){ &d.site, &d.request, &bytes, &d.no }, out);
}

static void a_hit_is_the_value_itself(void **state)
{
	struct reply r;

	(void)state;
	cache_keep("a", "hello");
	d.request.now_ns += 10 * SECOND + SECOND / 2;
	assert_int_equal(get("a", &r), 0);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.type, "text/plain");
	assert_memory_equal(r.value->bytes, "hello", 5);
	assert_int_equal(r.value->references, 2);
	assert_int_equal(r.max_age_s, 289); /* never more than is left */
	assert_null(r.expanded);
	reply_fini(&r);
	assert_null(r.value);
}

static void a_miss_is_404(void **state)
{
	struct reply r;

	(void)state;
	assert_int_equal(get("a", &r), -EINVAL);
	assert_int_equal(d.no.status, 404);
	cache_close(d.site.cache);
	d.site.cache = NULL;
	assert_int_equal(get("a", &r), -EINVAL);
	assert_int_equal(d.no.status, 503);
}

static void who_has_it_is_told_so(void **state)
{
	struct reply r;
	char etag[32];

	(void)state;
	cache_keep("a", "hello");
	assert_int_equal(get("a", &r), 0);
	snprintf(etag, sizeof(etag), "\"%016" PRIx64 "\"", r.value->checksum);
	reply_fini(&r);
	d.request.if_none_match = etag;
	assert_int_equal(get("a", &r), 0);
	assert_int_equal(r.status, 304);
	reply_fini(&r);
	d.request.if_none_match = "\"0\", W/\"1\"";
	assert_int_equal(get("a", &r), 0);
	assert_int_equal(r.status, 200);
	reply_fini(&r);
}

static void a_packed_one_is_expanded_unless_nobody_reads_it(void **state)
{
	static char value[5001];
	struct reply r;

	(void)state;
	memset(value, 'x', 5000);
	cache_keep("a", value);
	assert_int_equal(get("a", &r), 0);
	assert_true(r.value->packed);
	assert_memory_equal(r.expanded, value, 5000);
	reply_fini(&r);
	assert_null(r.expanded);
	d.request.if_none_match = "*";
	assert_int_equal(get("a", &r), 0);
	assert_int_equal(r.status, 304);
	assert_null(r.expanded);
	r.value->bytes[0] ^= 0xff;
	reply_fini(&r);
	d.request.if_none_match = NULL;
	assert_int_equal(get("a", &r), -EBADMSG);
	assert_null(r.value);
}

static void a_key_in_a_body_is_as_good(void **state)
{
	static char longest[65560];
	struct reply r = { .status = 0 };

	(void)state;
	cache_keep("a", "hello");
	cache_body("{\"key\":\"a\"}");
	assert_int_equal(entries_get_posted(&d.site, &d.request, &r, &d.no), 0);
	assert_memory_equal(r.value->bytes, "hello", 5);
	reply_fini(&r);
	for (const char *bad[] = { "", "1", "{}", "{\"key\":1}", "{\"key\":\"a\",\"x\":1}" },
			**at = bad;
	     at < bad + 5; at++) {
		cache_body(*at);
		assert_int_equal(entries_get_posted(&d.site, &d.request, &r, &d.no), -EINVAL);
		assert_int_equal(d.no.status, 400);
	}
	memset(longest, 'k', sizeof(longest) - 1);
	memcpy(longest, "{\"key\":\"", 8);
	memcpy(longest + sizeof(longest) - 3, "\"}", 2);
	cache_body(longest);
	assert_int_equal(entries_get_posted(&d.site, &d.request, &r, &d.no), -EINVAL);
	assert_string_equal(d.no.code, "bad_key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(a_hit_is_the_value_itself),
		CACHE_TEST(a_miss_is_404),
		CACHE_TEST(who_has_it_is_told_so),
		CACHE_TEST(a_packed_one_is_expanded_unless_nobody_reads_it),
		CACHE_TEST(a_key_in_a_body_is_as_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
