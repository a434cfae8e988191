#include "entries.h"

#include "site_origin.h"

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

static void tag_of(const char *key, char out[24])
{
	struct reply r;

	assert_int_equal(get(key, &r), 0);
	snprintf(out, 24, "\"%016" PRIx64 "\"", r.value->checksum);
	reply_fini(&r);
}

static void who_wants_another_one_is_refused(void **state)
{
	struct reply r;
	char etag[24];

	(void)state;
	cache_keep("a", "hello");
	tag_of("a", etag);
	d.request.if_match = etag;
	assert_int_equal(get("a", &r), 0);
	reply_fini(&r);
	d.request.if_none_match = etag; /* the other one is asked first */
	d.request.if_match = "\"0\"";
	assert_int_equal(get("a", &r), -EINVAL);
	assert_int_equal(d.no.status, 412);
	assert_null(r.value);
	assert_int_equal(get("b", &r), -EINVAL); /* nothing to be asked for */
	assert_int_equal(d.no.status, 404);
}

/* 0: it may be changed. */
static unsigned int conditions(const char *key, const char *match, const char *none_match)
{
	const struct cache_bytes bytes = { key, strlen(key) };

	d.request.if_match = match;
	d.request.if_none_match = none_match;
	memset(&d.no, 0, sizeof(d.no));
	entries_conditions(&(struct entries_ask){ &d.site, &d.request, &bytes, &d.no });
	return d.no.status;
}

static void conditions_are_about_what_is_there(void **state)
{
	struct cache_counts counts;
	char etag[24];

	(void)state;
	cache_keep("a", "hello");
	tag_of("a", etag);
	assert_int_equal(conditions("a", NULL, NULL), 0);
	assert_int_equal(conditions("a", etag, NULL), 0);
	assert_int_equal(conditions("a", "*", NULL), 0);
	assert_int_equal(conditions("a", "\"0\"", NULL), 412);
	assert_int_equal(conditions("a", NULL, "*"), 412);
	assert_int_equal(conditions("a", NULL, etag), 412);
	assert_int_equal(conditions("a", NULL, "\"0\""), 0);
	assert_int_equal(conditions("a", etag, "\"0\""), 0);
	assert_int_equal(conditions("a", "\"0\"", "\"1\""), 412);
	assert_int_equal(conditions("b", NULL, "*"), 0);
	assert_int_equal(conditions("b", NULL, "\"0\""), 0);
	assert_int_equal(conditions("b", "*", NULL), 412);
	assert_int_equal(conditions("b", etag, NULL), 412);
	cache_counts_get(d.site.cache, &counts);
	assert_int_equal(counts.hits, 1); /* of tag_of: a condition is no look-up */
	assert_int_equal(counts.misses, 0);
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

static void wake(void *ctx, uint32_t place)
{
	*(uint32_t *)ctx = place;
}

/* Another agent's value, or none, is the answer to what was asked. */
static uint32_t tell(const char *text)
{
	const struct cache_stored stored = { .bytes = { text, text ? strlen(text) : 0 },
					     .type = "a/b",
					     .tags = "",
					     .length = text ? strlen(text) : 0 };
	struct letter *asked = cache_letter_sent(), *l;
	uint32_t woken = 0;

	assert_int_equal(asked->kind, LETTER_ASK);
	l = letter_open(LETTER_TOLD, &(struct cache_bytes){ NULL, 0 });
	l->id = asked->id;
	l->left_ns = 10 * SECOND;
	if (text)
		assert_int_equal(cache_value_restore(&l->value, &stored), 0);
	letter_close(asked);
	assert_int_equal(bridge_put(&cache_bridge->back, l), 0);
	behind_hear(d.site.behind, d.request.now_ns, wake, &woken);
	return woken;
}

static void what_memory_does_not_have_is_asked_for_behind_and_told_later(void **state)
{
	struct cache_counts counts;
	struct reply r;

	(void)state;
	cache_put_behind();
	assert_int_equal(get("a", &r), 0);
	assert_true(r.later);
	assert_int_equal(r.later_for, tell("there"));
	d.request.again = true;
	assert_int_equal(get("a", &r), 0);
	assert_false(r.later);
	assert_true(r.behind);
	assert_memory_equal(r.value->bytes, "there", 5);
	assert_int_equal(r.max_age_s, 10);
	reply_fini(&r);
	d.request.again = false;
	assert_int_equal(get("a", &r), 0);
	assert_false(r.behind); /* it is in memory now */
	reply_fini(&r);
	assert_int_equal(get("b", &r), 0);
	assert_true(r.later_for == tell(NULL));
	d.request.again = true;
	assert_int_equal(get("b", &r), -EINVAL);
	assert_int_equal(d.no.status, 404);
	cache_counts_get(d.site.cache, &counts);
	assert_int_equal(counts.hits, 1);
	assert_int_equal(counts.misses, 2);
	assert_int_equal(counts.found, 1); /* three looks, each counted once */
}

static void where_nobody_can_wait_memory_answers_alone(void **state)
{
	struct reply r;

	(void)state;
	cache_put_behind();
	d.request.at_once = true;
	assert_int_equal(get("a", &r), -EINVAL);
	assert_int_equal(d.no.status, 404);
	assert_null(cache_letter());
}

/* Asked anew, and again when it was told: what it got, and its status. */
static unsigned int get_fetched(const char *key, uint32_t status, struct reply *out)
{
	d.request.again = false;
	if (get(key, out))
		return d.no.status;
	if (!out->later)
		return out->status;
	wire_step(d.site.through);
	wire_end(d.site.through, wire.count - 1, status ? TRANSFER_WHOLE : TRANSFER_LATE, status,
		 "made");
	d.request.again = true;
	return get(key, out) ? d.no.status : out->status;
}

static void what_nobody_has_comes_from_its_origin(void **state)
{
	struct cache_counts counts;
	struct reply r;

	(void)state;
	site_open_origin("");
	assert_int_equal(get("u:1", &r), 0);
	assert_true(r.later);
	assert_int_equal(r.later_for, THROUGH_PLACE);
	wire_step(d.site.through);
	d.request.again = true;
	assert_int_equal(get("u:1", &r), 0);
	assert_true(r.later);
	wire_fine(d.site.through, 0, "made");
	assert_int_equal(get("u:1", &r), 0);
	assert_true(r.fetched && !r.unkept && !r.behind);
	assert_memory_equal(r.value->bytes, "made", 4);
	assert_string_equal(r.type, "text/plain");
	assert_int_equal(r.max_age_s, WIRE_AGES);
	reply_fini(&r);
	d.request.again = false;
	assert_int_equal(get("u:1", &r), 0);
	assert_false(r.fetched);
	reply_fini(&r);
	cache_counts_get(d.site.cache, &counts);
	assert_int_equal(counts.hits, 1);
	assert_int_equal(counts.misses, 1);
	assert_int_equal(counts.found, 0);
	assert_int_equal(get("v:1", &r), -EINVAL);
	assert_string_equal(d.no.code, "not_cached");
}

static void the_tier_behind_is_asked_before_the_origin(void **state)
{
	struct reply r;

	(void)state;
	cache_put_behind();
	site_open_origin("");
	assert_int_equal(get("u:1", &r), 0);
	assert_int_equal(r.later_for, tell("there"));
	d.request.again = true;
	assert_int_equal(get("u:1", &r), 0);
	assert_true(r.behind);
	reply_fini(&r);
	d.request.again = false;
	assert_int_equal(get("u:2", &r), 0);
	assert_int_equal(r.later_for, tell(NULL));
	d.request.again = true;
	assert_int_equal(get("u:2", &r), 0);
	assert_int_equal(r.later_for, THROUGH_PLACE);
}

static void an_origin_that_fails_says_how(void **state)
{
	struct reply r;

	(void)state;
	site_open_origin("types=a/b");
	assert_int_equal(get_fetched("u:1", 200, &r), 200);
	assert_true(r.fetched && r.unkept);
	assert_int_equal(r.max_age_s, 0);
	reply_fini(&r);
	assert_int_equal(get_fetched("u:1", 404, &r), 404);
	assert_string_equal(d.no.code, "not_found_at_origin");
	assert_int_equal(get_fetched("u:..", 0, &r), 400);
	assert_string_equal(d.no.code, "bad_key");
	for (int i = 0; i < 5; i++) {
		assert_int_equal(get_fetched("u:1", i % 2 ? 500 : 0, &r), 502);
		assert_string_equal(d.no.code, "origin_failed");
		assert_non_null(strstr(d.no.message, i % 2 ? "failing: in words" : "timeout"));
	}
	assert_int_equal(get_fetched("u:1", 0, &r), 503);
	assert_string_equal(d.no.code, "origin_down");
	assert_int_equal(d.no.retry_after_s, 1);
}

static void what_is_over_is_served_as_that(void **state)
{
	struct reply r;

	(void)state;
	site_open_origin("stale_while_revalidate=10s negative_ttl=5s");
	assert_int_equal(get_fetched("u:1", 200, &r), 200);
	reply_fini(&r);
	d.request.again = false;
	d.request.now_ns = wire_now_ns += WIRE_AGES * SECOND;
	assert_int_equal(get("u:1", &r), 0);
	assert_true(r.stale && !r.fetched && !r.unkept);
	assert_int_equal(r.max_age_s, 0);
	assert_memory_equal(r.value->bytes, "made", 4);
	reply_fini(&r);
	assert_int_equal(get_fetched("u:2", 404, &r), 404);
	d.request.again = false;
	assert_int_equal(get("u:2", &r), -EINVAL); /* and nobody is asked */
	assert_string_equal(d.no.code, "not_found_at_origin");
}

static const char *header(void *connection, const char *name)
{
	assert_ptr_equal(connection, &d);
	return strcmp(name, "Accept-Language") ? NULL : "de";
}

static int get_path(const char *target, struct reply *out)
{
	struct params params;

	memset(&d.no, 0, sizeof(d.no));
	d.request.header = header;
	d.request.connection = &d;
	assert_int_equal(params_split(target, &params, &d.no), 0);
	return entries_get_path(&d.site, &d.request, &params, out, &d.no);
}

static void a_key_may_be_made_of_the_request(void **state)
{
	static char longest[8000];
	struct reply r;

	(void)state;
	site_open_origin("key=u:{rest}:{query.page}:{header.Accept-Language}:{header.X}");
	assert_int_equal(get_path(PARAMS_KEYED "u:a%2Fb?page=2&other=1", &r), 0);
	assert_true(r.later);
	wire_step(d.site.through);
	assert_string_equal(wire.sent[0].url, "http://h/a%2Fb%3A2%3Ade%3A");
	wire_fine(d.site.through, 0, "made");
	d.request.again = true;
	assert_int_equal(get_path(PARAMS_KEYED "u:a%2Fb?page=2&other=1", &r), 0);
	assert_true(r.fetched);
	reply_fini(&r);
	d.request.again = false;
	assert_int_equal(get("u:a%2Fb:2:de:", &r), 0); /* by the key that was made */
	assert_false(r.fetched);
	reply_fini(&r);
	snprintf(longest, sizeof(longest), PARAMS_KEYED "u:a?page=%07900d", 0);
	memset(strchr(longest, '=') + 1, '/', 4000);
	assert_int_equal(get_path(longest, &r), -EINVAL);
	assert_int_equal(d.no.status, 414);
	assert_int_equal(get_path(PARAMS_KEYED "v:1?page=2", &r), -EINVAL);
	assert_string_equal(d.no.code, "unknown_parameter");
}

static void too_many_for_an_origin_are_told_so(void **state)
{
	struct reply r;

	(void)state;
	site_open_origin("");
	d.request.at_once = true;
	assert_int_equal(get("u:1", &r), -EINVAL);
	assert_int_equal(d.no.status, 503);
	assert_string_equal(d.no.code, "busy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(a_hit_is_the_value_itself),
		CACHE_TEST(a_miss_is_404),
		CACHE_TEST(who_has_it_is_told_so),
		CACHE_TEST(who_wants_another_one_is_refused),
		CACHE_TEST(conditions_are_about_what_is_there),
		CACHE_TEST(a_packed_one_is_expanded_unless_nobody_reads_it),
		CACHE_TEST(a_key_in_a_body_is_as_good),
		CACHE_TEST(what_memory_does_not_have_is_asked_for_behind_and_told_later),
		CACHE_TEST(where_nobody_can_wait_memory_answers_alone),
		ORIGIN_TEST(what_nobody_has_comes_from_its_origin),
		ORIGIN_TEST(the_tier_behind_is_asked_before_the_origin),
		ORIGIN_TEST(an_origin_that_fails_says_how),
		ORIGIN_TEST(what_is_over_is_served_as_that),
		ORIGIN_TEST(a_key_may_be_made_of_the_request),
		ORIGIN_TEST(too_many_for_an_origin_are_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
