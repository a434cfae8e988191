#include "cache_fixture.h"

#include <stdio.h>
#include <stdlib.h>

/* What a PUT answers, "": it refuses. */
static void assert_put(const char *target, const char *body, const char *answer)
{
	char *text;

	cache_body(body);
	text = document_text(&d, document_entry_put, target);
	assert_string_equal(text ? text : "", answer);
	free(text);
}

static void assert_put_refused(const char *target, const char *code)
{
	assert_put(target, "x", "");
	assert_string_equal(d.no.code, code);
}

static struct cache_value *kept(const char *key, size_t length, uint64_t *left_ns)
{
	const struct cache_bytes bytes = { key, length };
	struct cache_value *v = cache_get(d.site.cache, &bytes, NOW, left_ns);

	assert_non_null(v);
	return v;
}

static void a_put_is_kept_with_its_type_time_and_tags(void **state)
{
	uint64_t left_ns;
	struct cache_value *v;

	(void)state;
	d.request.content_type = "text/html";
	assert_put("/api/cache/entries/a%00%2fb/c?ttl=60&tags=x,y", "hello",
		   "{\"stored\":true,\"ttl\":60,\"bytes\":5}");
	v = kept("a\0/b/c", 6, &left_ns);
	assert_int_equal(left_ns, 60 * SECOND);
	assert_string_equal(v->type, "text/html");
	assert_string_equal(v->tags, "x y");
	assert_int_equal(v->created_ms, NOW_MS);
	assert_memory_equal(v->bytes, "hello", 5);
	cache_value_put(v);
	d.request.content_type = NULL;
	assert_put("/api/cache/entries/e", "", "{\"stored\":true,\"ttl\":300,\"bytes\":0}");
	v = kept("e", 1, &left_ns);
	assert_string_equal(v->type, "application/octet-stream");
	assert_string_equal(v->tags, "");
	cache_value_put(v);
}

static void a_bad_put_is_refused_with_its_reason(void **state)
{
	static char large[10002];

	(void)state;
	assert_put_refused("/api/cache/entries/a?ttl=0", "bad_ttl");
	assert_put_refused("/api/cache/entries/a?ttl=-5", "bad_ttl");
	assert_put_refused("/api/cache/entries/a?ttl=1.5", "bad_ttl");
	assert_put_refused("/api/cache/entries/a?ttl=", "bad_ttl");
	assert_put_refused("/api/cache/entries/a?ttl=31536001", "bad_ttl");
	assert_put_refused("/api/cache/entries/a?ttl=99999999999999999999", "bad_ttl");
	assert_put_refused("/api/cache/entries/a?tags=a%20b", "bad_tags");
	assert_put_refused("/api/cache/entries/a?tags=a,,b", "bad_tags");
	assert_put_refused("/api/cache/entries/a?tags=a,", "bad_tags");
	assert_put_refused("/api/cache/entries/a?tags=1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7",
			   "bad_tags");
	d.request.content_type = "text/\xc3\xa4";
	assert_put_refused("/api/cache/entries/a", "bad_content_type");
	d.request.content_type = "text/plain";
	memset(large, 'x', 10001);
	assert_put("/api/cache/entries/a", large, "");
	assert_string_equal(d.no.code, "value_too_large");
	assert_int_equal(d.no.status, 413);
	large[10000] = '\0';
	assert_put("/api/cache/entries/a?ttl=31536000&tags=", large,
		   "{\"stored\":true,\"ttl\":31536000,\"bytes\":10000}");
}

static void a_delete_says_how_many_went(void **state)
{
	(void)state;
	cache_keep("a", "x");
	for (int i = 0; i < 2; i++) {
		char *text = document_text(&d, document_entry_delete, "/api/cache/entries/a");

		assert_string_equal(text, i ? "{\"deleted\":0}" : "{\"deleted\":1}");
		free(text);
	}
}

/* On either way to set it, and to delete it; and what is malformed is told first. */
static void conditions_are_kept(void **state)
{
	uint64_t left_ns;

	(void)state;
	cache_keep("a", "old");
	d.request.if_none_match = "*";
	assert_put_refused("/api/cache/entries/a", "precondition_failed");
	assert_int_equal(d.no.status, 412);
	assert_put_refused("/api/cache/entries/a?ttl=0", "bad_ttl");
	assert_put_refused("/api/cache/entries/a?tags=a,,b", "bad_tags");
	assert_refused(document_entry_set, "{\"key\":\"a\",\"value\":1}", "precondition_failed");
	assert_put("/api/cache/entries/b", "x", "{\"stored\":true,\"ttl\":300,\"bytes\":1}");
	d.request.if_none_match = NULL;
	d.request.if_match = "\"0\"";
	assert_put_refused("/api/cache/entries/a", "precondition_failed");
	assert_null(document_text(&d, document_entry_delete, "/api/cache/entries/a"));
	assert_int_equal(d.no.status, 412);
	for (int i = 0; i < 2; i++) {
		struct cache_value *v = kept(i ? "b" : "a", 1, &left_ns);

		assert_memory_equal(v->bytes, i ? "x" : "old", v->length);
		cache_value_put(v);
	}
	d.request.if_match = "*";
	assert_put("/api/cache/entries/a", "new", "{\"stored\":true,\"ttl\":300,\"bytes\":3}");
}

static void a_set_takes_texts_and_json(void **state)
{
	uint64_t left_ns;
	struct cache_value *v;

	(void)state;
	assert_answer(document_entry_set, "{\"key\":\"a\\u0000b\",\"value\":\"t\\u0000x\"}",
		      "{\"stored\":true,\"ttl\":300,\"bytes\":3}");
	v = kept("a\0b", 3, &left_ns);
	assert_memory_equal(v->bytes, "t\0x", 3);
	assert_string_equal(v->type, "text/plain; charset=utf-8");
	cache_value_put(v);
	assert_answer(document_entry_set,
		      "{\"key\":\"j\",\"value\":{\"a\":[1,null]},\"ttl\":3600,\"tags\":[\"x\"]}",
		      "{\"stored\":true,\"ttl\":3600,\"bytes\":14}");
	v = kept("j", 1, &left_ns);
	assert_memory_equal(v->bytes, "{\"a\":[1,null]}", 14);
	assert_string_equal(v->type, "application/json");
	assert_string_equal(v->tags, "x");
	assert_int_equal(left_ns, 3600 * SECOND);
	cache_value_put(v);
	assert_answer(document_entry_set,
		      "{\"key\":\"c\",\"value\":\"<p>\",\"contentType\":\"text/html\"}",
		      "{\"stored\":true,\"ttl\":300,\"bytes\":3}");
	v = kept("c", 1, &left_ns);
	assert_string_equal(v->type, "text/html");
	cache_value_put(v);
}

static void json_is_kept_as_it_was_written(void **state)
{
	static const char *const values[] = { "1.0",  "1e5", "0.1",   "12345678901234567890",
					      "-0.0", "[ ]", "false", "{\"a\": 1.50}" };
	char body[128];
	uint64_t left_ns;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct cache_value *v;

		snprintf(body, sizeof(body), "{\"key\":\"n\", \"value\": %s , \"ttl\": 60}",
			 values[i]);
		cache_body(body);
		free(document_text(&d, document_entry_set, "/"));
		v = kept("n", 1, &left_ns);
		assert_int_equal(v->length, strlen(values[i]));
		assert_memory_equal(v->bytes, values[i], v->length);
		assert_string_equal(v->type, "application/json");
		cache_value_put(v);
	}
}

static void a_bad_set_is_refused_with_its_reason(void **state)
{
	static char longest[66000];
	static const struct {
		const char *body, *code;
	} bad[] = {
		{ "", "bad_json" },
		{ "{\"value\":1}", "bad_member" },
		{ "{\"key\":\"\",\"value\":1}", "bad_member" },
		{ "{\"key\":\"a\"}", "bad_member" },
		{ "{\"key\":\"a\",\"value\":1,\"tttl\":1}", "unknown_member" },
		{ "{\"key\":\"a\",\"value\":1,\"ttl\":0}", "bad_ttl" },
		{ "{\"key\":\"a\",\"value\":1,\"ttl\":-1}", "bad_ttl" },
		{ "{\"key\":\"a\",\"value\":1,\"ttl\":1.5}", "bad_ttl" },
		{ "{\"key\":\"a\",\"value\":1,\"ttl\":1e300}", "bad_ttl" },
		{ "{\"key\":\"a\",\"value\":1,\"ttl\":\"5\"}", "bad_ttl" },
		{ "{\"key\":\"a\",\"value\":1,\"tags\":\"x\"}", "bad_tags" },
		{ "{\"key\":\"a\",\"value\":1,\"tags\":[1]}", "bad_tags" },
		{ "{\"key\":\"a\",\"value\":1,\"contentType\":1}", "bad_content_type" },
		{ "{\"key\":\"a\",\"value\":1,\"contentType\":\"\"}", "bad_content_type" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(document_entry_set, bad[i].body, bad[i].code);
	memset(longest, 'k', sizeof(longest) - 1);
	memcpy(longest, "{\"key\":\"", 8);
	memcpy(longest + sizeof(longest) - 13, "\",\"value\":1}", 12);
	assert_refused(document_entry_set, longest, "key_too_long");
	assert_int_equal(d.no.status, 413);
	memmove(longest + 8 + CACHE_KEY_MAX, "\",\"value\":1}", 13);
	assert_answer(document_entry_set, longest, "{\"stored\":true,\"ttl\":300,\"bytes\":1}");
}

static void what_changes_an_entry_goes_behind_too(void **state)
{
	struct letter *l;

	(void)state;
	cache_put_behind();
	d.request.content_type = "text/plain";
	assert_put("/api/cache/entries/a?ttl=60&tags=x", "hello",
		   "{\"stored\":true,\"ttl\":60,\"bytes\":5}");
	l = cache_letter_sent();
	assert_int_equal(l->kind, LETTER_SET);
	assert_memory_equal(l->key, "a", 1);
	assert_string_equal(l->tags, "x");
	letter_close(l);
	assert_put_refused("/api/cache/entries/a?ttl=0", "bad_ttl");
	assert_null(cache_letter());
	free(document_text(&d, document_entry_delete, "/api/cache/entries/a"));
	l = cache_letter_sent();
	assert_int_equal(l->kind, LETTER_DROP);
	assert_int_equal(l->drop->kind, DROP_KEY);
	letter_close(l);
	assert_answer(document_entry_set, "{\"key\":\"a\",\"value\":\"x\"}",
		      "{\"stored\":true,\"ttl\":300,\"bytes\":1}");
	l = cache_letter_sent();
	assert_int_equal(l->kind, LETTER_SET);
	letter_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(a_put_is_kept_with_its_type_time_and_tags),
		CACHE_TEST(a_bad_put_is_refused_with_its_reason),
		CACHE_TEST(a_delete_says_how_many_went),
		CACHE_TEST(conditions_are_kept),
		CACHE_TEST(a_set_takes_texts_and_json),
		CACHE_TEST(json_is_kept_as_it_was_written),
		CACHE_TEST(a_bad_set_is_refused_with_its_reason),
		CACHE_TEST(what_changes_an_entry_goes_behind_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
