#include "cache_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void stats_have_the_guides_shape(void **state)
{
	const struct cache_bytes a = { "a", 1 }, b = { "b", 1 };
	uint64_t left_ns;
	char *text;

	(void)state;
	text = document_text(&d, document_cache_stats, "/");
	assert_holds(text, "\"hitRate\":\"0.00\"");
	free(text);
	cache_keep("a", "1");
	for (int i = 0; i < 2; i++)
		cache_value_put(cache_get(d.site.cache, &a, NOW, &left_ns));
	assert_null(cache_get(d.site.cache, &b, NOW, &left_ns));
	text = document_text(&d, document_cache_stats, "/");
	assert_holds(text, "{\"overall\":{\"hits\":2,\"misses\":1,\"sets\":1,\"deletes\":0,"
			   "\"errors\":0,\"hitRate\":\"66.67\"");
	assert_holds(text, "\"memory\":{\"items\":1,\"size\":1,\"bytes\":");
	assert_holds(text, "\"redis\":{\"available\":false,\"mode\":\"none\",\"reason\":"
			   "\"redis.url is not set: ");
	assert_holds(text, "\"compression\":{\"entries\":0,\"rawBytes\":0,\"storedBytes\":0}");
	assert_holds(text, "\"origin\":{\"fetches\":0,\"errors\":0,\"coalesced\":0,");
	free(text);
}

static void health_tells_how_full_it_is(void **state)
{
	char *text;

	(void)state;
	cache_keep("a", "1");
	text = document_text(&d, document_cache_health, "/");
	assert_holds(text, "{\"status\":\"healthy\",\"memory\":{\"status\":\"healthy\","
			   "\"reason\":null,\"items\":1,\"maxItems\":100,");
	assert_holds(text, "\"maxBytes\":4194304,\"usagePercent\":0.00");
	assert_holds(text, "\"redis\":{\"status\":\"info\",\"available\":false,");
	free(text);
}

static void a_pattern_is_needed_to_clear(void **state)
{
	static char longest[1100];

	(void)state;
	cache_keep("leads:1", "x");
	cache_keep("leads:2", "x");
	cache_keep("[x]", "x");
	assert_refused(document_cache_clear, "", "bad_json");
	assert_refused(document_cache_clear, "[]", "bad_json");
	assert_refused(document_cache_clear, "{}", "bad_member");
	assert_string_equal(d.no.field, "pattern");
	assert_refused(document_cache_clear, "{\"pattern\":\"\"}", "bad_member");
	assert_refused(document_cache_clear, "{\"pattern\":1}", "bad_member");
	assert_refused(document_cache_clear, "{\"pattern\":\"*\",\"all\":true}", "unknown_member");
	memset(longest, 'a', sizeof(longest) - 1);
	memcpy(longest, "{\"pattern\":\"", 12);
	memcpy(longest + sizeof(longest) - 3, "\"}", 2);
	assert_refused(document_cache_clear, longest, "bad_pattern");
	assert_answer(document_cache_clear, "{\"pattern\":\"leads:*\"}", "{\"cleared\":2}");
	assert_answer(document_cache_clear, "{\"pattern\":\"[a-z]\"}", "{\"cleared\":0}");
	assert_answer(document_cache_clear, "{\"pattern\":\"*\"}", "{\"cleared\":1}");
}

static void one_kind_of_invalidation_at_a_time(void **state)
{
	(void)state;
	cache_keep("a", "x");
	cache_keep("a:1", "x");
	cache_keep("b", "x");
	assert_refused(document_cache_invalidate, "{}", "bad_member");
	assert_refused(document_cache_invalidate, "{\"keys\":[],\"tags\":[]}", "bad_member");
	assert_refused(document_cache_invalidate, "{\"keys\":\"a\"}", "bad_member");
	assert_refused(document_cache_invalidate, "{\"keys\":[\"a\",1]}", "bad_member");
	assert_refused(document_cache_invalidate, "{\"prefix\":\"\"}", "bad_member");
	assert_refused(document_cache_invalidate, "{\"pattern\":\"*\"}", "unknown_member");
	assert_answer(document_cache_invalidate, "{\"keys\":[\"b\",\"c\"]}", "{\"invalidated\":1}");
	assert_answer(document_cache_invalidate, "{\"tags\":[\"x\"]}", "{\"invalidated\":0}");
	assert_answer(document_cache_invalidate, "{\"prefix\":\"a:\"}", "{\"invalidated\":1}");
	assert_answer(document_cache_invalidate, "{\"prefix\":\"a\"}", "{\"invalidated\":1}");
}

static void query_results_are_those_of_db(void **state)
{
	(void)state;
	cache_keep("db:1", "x");
	cache_keep("dbx", "x");
	assert_answer(document_database_clear, "", "{\"cleared\":1}");
	assert_answer(document_database_clear, "", "{\"cleared\":0}");
}

/* More than is looked at in a piece. */
static void keep_many(void)
{
	const struct cache_config config = { .max_items = 20000,
					     .max_bytes = 64 << 20,
					     .max_value = 100,
					     .ttl_s = 300,
					     .cleanup_ns = 60 * SECOND };
	char key[16];

	cache_close(d.site.cache);
	assert_int_equal(cache_open(&d.site.cache, &config), 0);
	for (int i = 0; i < 8000; i++) {
		snprintf(key, sizeof(key), "db:%d", i);
		cache_keep(key, "x");
	}
}

static void how_many_went_is_told_when_it_is_known(void **state)
{
	static const struct {
		document_fn make;
		const char *body, *answer;
	} ways[] = {
		{ document_cache_clear, "{\"pattern\":\"*\"}", "{\"cleared\":8000}" },
		{ document_database_clear, "", "{\"cleared\":8000}" },
		{ document_cache_invalidate, "{\"prefix\":\"d\"}", "{\"invalidated\":8000}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		keep_many();
		for (int k = 0; k < 2; k++) { /* asked again in vain */
			assert_answer(ways[i].make, ways[i].body, "");
			assert_int_equal(d.no.status, 0);
		}
		while (cache_run(d.site.cache, NOW) == 0)
			;
		assert_answer(ways[i].make, ways[i].body, ways[i].answer);
	}
}

static void only_so_many_clears_are_waited_for(void **state)
{
	int who[9];

	(void)state;
	keep_many();
	for (int i = 0; i < 8; i++) {
		d.request.who = &who[i];
		assert_answer(document_cache_clear, "{\"pattern\":\"d*\"}", "");
		assert_int_equal(d.no.status, 0);
	}
	d.request.who = &who[8];
	assert_refused(document_cache_clear, "{\"pattern\":\"d*\"}", "busy");
	assert_int_equal(d.no.status, 503);
	assert_int_equal(d.no.retry_after_s, 1);
}

static void there_is_nothing_to_warm_from(void **state)
{
	(void)state;
	assert_refused(document_cache_warm, "{\"keys\":[\"a\"],\"ttl\":3600}", "no_origin");
	assert_int_equal(d.no.status, 422);
	assert_refused(document_cache_warm, "{\"keys\":", "bad_json");
	assert_refused(document_cache_warm, "{\"key\":1}", "unknown_member");
}

static void assert_went(document_fn make, const char *body, enum drop_kind kind, const char *what)
{
	struct letter *l;
	char *text;

	cache_body(body);
	text = document_text(&d, make, "/");
	assert_non_null(text);
	free(text);
	l = cache_letter_sent();
	assert_int_equal(l->drop->kind, kind);
	assert_int_equal(l->drop->length, strlen(what));
	assert_memory_equal(l->drop->text, what, strlen(what));
	letter_close(l);
}

static void what_is_cleared_is_cleared_behind_too(void **state)
{
	(void)state;
	cache_put_behind();
	assert_went(document_cache_clear, "{\"pattern\":\"a*\"}", DROP_PATTERN, "a*");
	assert_went(document_database_clear, "", DROP_PREFIX, "db:");
	assert_went(document_cache_invalidate, "{\"tags\":[\"t\"]}", DROP_TAG, "t");
	assert_went(document_cache_invalidate, "{\"keys\":[\"k\"]}", DROP_KEY, "k");
	assert_went(document_cache_invalidate, "{\"prefix\":\"p\"}", DROP_PREFIX, "p");
	assert_refused(document_cache_clear, "{\"pattern\":\"\"}", "bad_member");
	assert_null(cache_letter());
}

static void redis_has_its_own_numbers(void **state)
{
	const struct cache_bytes a = { "a", 1 };
	struct bridge_state s;
	uint64_t left_ns;
	char *text;

	(void)state;
	cache_put_behind();
	bridge_state_get(cache_bridge, &s);
	s.lost_sets = 4;
	s.corrupted = 5;
	snprintf(s.reason, sizeof(s.reason), "timeout: no answer");
	bridge_state_put(cache_bridge, &s);
	bridge_progress_put(cache_bridge, &(struct bridge_progress){ .pending = 3 });
	assert_null(cache_get(d.site.cache, &a, NOW, &left_ns));
	cache_found(d.site.cache);
	text = document_text(&d, document_cache_stats, "/");
	assert_holds(text, "{\"overall\":{\"hits\":1,\"misses\":0,");
	assert_holds(text, "\"hits\":0,\"misses\":1,\"hitRate\":\"0.00\"},\"redis\":");
	assert_holds(text, "\"redis\":{\"available\":false,\"mode\":\"single\",\"reason\":"
			   "\"timeout: no answer\",\"circuit\":\"closed\",\"pendingWrites\":3,");
	assert_holds(text, "\"latencyMs\":{\"avg\":null,\"p99\":null}");
	assert_holds(text, "\"lostWrites\":4,\"lostDeletes\":0,\"corrupted\":5,\"foreign\":0,");
	free(text);
	text = document_text(&d, document_cache_health, "/");
	assert_holds(text, "{\"status\":\"degraded\",\"memory\":{\"status\":\"healthy\"");
	assert_holds(text, "\"redis\":{\"status\":\"degraded\",");
	assert_holds(text, "\"listening\":false,\"persistence\":\"unknown\",");
	free(text);
	s.ready = s.listening = true;
	s.cluster = true;
	s.reason[0] = '\0';
	bridge_state_put(cache_bridge, &s);
	text = document_text(&d, document_cache_health, "/");
	assert_holds(text, "{\"status\":\"healthy\",");
	assert_holds(text, "\"available\":true,\"mode\":\"cluster\",\"reason\":null,");
	free(text);
}

static void turned_off_it_says_so(void **state)
{
	static const document_fn all[] = { document_cache_stats, document_cache_health,
					   document_cache_clear, document_cache_invalidate,
					   document_cache_warm,  document_database_clear,
					   document_entry_put,   document_entry_delete,
					   document_entry_set };

	(void)state;
	cache_close(d.site.cache);
	d.site.cache = NULL;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_refused(all[i], "{}", "cache_off");
		assert_int_equal(d.no.status, 503);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(stats_have_the_guides_shape),
		CACHE_TEST(health_tells_how_full_it_is),
		CACHE_TEST(a_pattern_is_needed_to_clear),
		CACHE_TEST(one_kind_of_invalidation_at_a_time),
		CACHE_TEST(query_results_are_those_of_db),
		CACHE_TEST(how_many_went_is_told_when_it_is_known),
		CACHE_TEST(only_so_many_clears_are_waited_for),
		CACHE_TEST(there_is_nothing_to_warm_from),
		CACHE_TEST(what_is_cleared_is_cleared_behind_too),
		CACHE_TEST(redis_has_its_own_numbers),
		CACHE_TEST(turned_off_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
