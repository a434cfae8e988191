#include "params.h"

#include "rs_test.h"

#include "cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW UINT64_C(20000000000000)
#define NOW_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

static struct params params;
static struct refusal no;

static unsigned int split_status(const char *target)
{
	memset(&no, 0, sizeof(no));
	return params_split(target, &params, &no) ? no.status : 0;
}

static struct ask ask_of(const char *target, unsigned int take)
{
	const struct request r = { .now_ns = NOW, .wall_ms = NOW_MS };
	struct ask ask;

	assert_int_equal(split_status(target), 0);
	params_ask(&params, take, &r, &ask, &no);
	return ask;
}

static void refused(const char *target, const char *code, const char *field)
{
	ask_of(target, PARAMS_SCOPE | PARAMS_ROUTE | PARAMS_WINDOW | PARAMS_LIST);
	if (no.status != 400 || strcmp(no.code, code) != 0 || strcmp(no.field, field) != 0)
		fail_msg("%s: %u %s %s", target, no.status, no.code ? no.code : "", no.field);
}

static void a_target_comes_apart_and_is_decoded_once(void **state)
{
	(void)state;
	assert_int_equal(split_status("/a%20b+c%2525?x=1&y=a+b%2bc&z&=v&&q=%26"), 0);
	assert_string_equal(params.path, "/a b+c%25");
	assert_string_equal(params_get(&params, "x"), "1");
	assert_string_equal(params_get(&params, "y"), "a b+c");
	assert_string_equal(params_get(&params, "z"), "");
	assert_string_equal(params_get(&params, ""), "v");
	assert_string_equal(params_get(&params, "q"), "&");
	assert_null(params_get(&params, "none"));
	assert_int_equal(params.count, 5);
}

static void a_nul_or_a_half_escape_is_a_bad_request(void **state)
{
	static const char *const bad[] = { "/healthz%00", "/%",       "/%1",    "/%g1",
					   "/%1g",        "",         "a",      "*",
					   "/x?a=%00",    "/x?%00=a", "/x?a=%", "http://a/" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(split_status(bad[i]), 400);
	assert_int_equal(split_status("/%01%ff"), 0);
	assert_string_equal(params.path, "/\x01\xff");
}

static void a_target_that_is_too_long_is_414(void **state)
{
	static char target[3 * PARAMS_BYTES];
	size_t most = PARAMS_BYTES - 2 * PARAMS_COUNT - 2;

	(void)state;
	memset(target, 'a', sizeof(target) - 1);
	target[0] = '/';
	assert_int_equal(split_status(target), 414);
	target[most + 1] = '\0';
	assert_int_equal(split_status(target), 414);
	target[most] = '\0';
	assert_int_equal(split_status(target), 0);
	assert_int_equal(strlen(params.path), most);
}

static void as_many_pairs_as_fit_are_taken_and_one_more_is_refused(void **state)
{
	static char target[PARAMS_BYTES];
	size_t at = (size_t)snprintf(target, sizeof(target), "/?");

	(void)state;
	for (unsigned int i = 0; i < PARAMS_COUNT; i++)
		at += (size_t)snprintf(target + at, sizeof(target) - at, "%u&", i);
	assert_int_equal(split_status(target), 0);
	assert_int_equal(params.count, PARAMS_COUNT);
	snprintf(target + at, sizeof(target) - at, "x=y");
	assert_int_equal(split_status(target), 400);
	assert_string_equal(no.code, "too_many_parameters");
}

static void the_longest_query_of_the_most_pairs_stays_in_bounds(void **state)
{
	static char target[PARAMS_BYTES];
	size_t most = PARAMS_BYTES - 2 * PARAMS_COUNT - 2;

	(void)state;
	memset(target, 'v', most);
	target[0] = '/';
	target[1] = '?';
	for (size_t i = 0; i < PARAMS_COUNT - 1; i++)
		target[2 + 2 * i + 1] = '&';
	target[most] = '\0';
	assert_int_equal(split_status(target), 0);
	assert_int_equal(params.count, PARAMS_COUNT);
	assert_true(params.items[PARAMS_COUNT - 1].value <= params.bytes + PARAMS_BYTES - 1);
}

static void without_parameters_the_defaults_stand(void **state)
{
	struct ask ask = ask_of("/x", 0);

	(void)state;
	assert_int_equal(no.status, 0);
	assert_null(ask.scope.service);
	assert_null(ask.scope.route);
	assert_int_equal(ask.scope.pid, 0);
	assert_string_equal(ask.window, "5m");
	assert_int_equal(ask.asked_s, 300);
	assert_int_equal(ask.from_ms, NOW_MS - 300000);
	assert_int_equal(ask.to_ms, NOW_MS);
	assert_int_equal(ask.scope.from_ns, NOW - UINT64_C(300000000000));
	assert_int_equal(ask.limit, 50);
	assert_int_equal(ask.offset, 0);
	assert_null(ask.sort);
}

static void each_window_has_its_length(void **state)
{
	static const struct {
		const char *name;
		unsigned int seconds;
	} windows[] = { { "10s", 10 },    { "1m", 60 },     { "5m", 300 },
			{ "15m", 900 },   { "1h", 3600 },   { "6h", 21600 },
			{ "24h", 86400 }, { "7d", 604800 }, { "30d", 2592000 } };
	char target[64];

	(void)state;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		uint64_t ns = windows[i].seconds * UINT64_C(1000000000);
		struct ask ask;

		snprintf(target, sizeof(target), "/x?window=%s", windows[i].name);
		ask = ask_of(target, PARAMS_WINDOW);
		assert_int_equal(no.status, 0);
		assert_int_equal(ask.asked_s, windows[i].seconds);
		assert_string_equal(ask.window, windows[i].name);
		/* A machine that is younger than the window: from its start. */
		assert_int_equal(ask.scope.from_ns, ns < NOW ? NOW - ns : 0);
	}
}

static void from_and_to_are_wall_times_of_the_same_moment(void **state)
{
	struct ask ask = ask_of("/x?from=2025-12-31T23:59:00Z&to=1767225590", PARAMS_WINDOW);

	(void)state;
	assert_int_equal(no.status, 0);
	assert_null(ask.window);
	assert_int_equal(ask.asked_s, 50);
	assert_int_equal(ask.scope.from_ns, NOW - UINT64_C(60000000000));
	assert_int_equal(ask.scope.to_ns, NOW - UINT64_C(10000000000));
	ask = ask_of("/x?from=1767225590&to=1999999999", PARAMS_WINDOW);
	assert_int_equal(no.status, 0);
	assert_int_equal(ask.to_ms, NOW_MS); /* what lies ahead is cut */
	ask = ask_of("/x?from=1767225590", PARAMS_WINDOW);
	assert_int_equal(no.status, 0);
	assert_int_equal(ask.scope.to_ns, NOW);
}

static void a_bad_value_names_its_parameter(void **state)
{
	(void)state;
	refused("/x?window=2m", "bad_window", "window");
	refused("/x?window=", "bad_window", "window");
	refused("/x?to=5", "bad_window", "from");
	refused("/x?window=5m&from=5", "bad_window", "window");
	refused("/x?from=yesterday", "bad_time", "from");
	refused("/x?from=1&to=later", "bad_time", "to");
	refused("/x?from=20&to=10", "bad_window", "from");
	refused("/x?from=1767225601", "bad_window", "from");
	refused("/x?from=5&to=10", "bad_window", "to");
	refused("/x?pid=0", "bad_pid", "pid");
	refused("/x?pid=-1", "bad_pid", "pid");
	refused("/x?pid=1x", "bad_pid", "pid");
	refused("/x?pid=", "bad_pid", "pid");
	refused("/x?pid=4294967297", "bad_pid", "pid");
	refused("/x?pid=99999999999999999999", "bad_pid", "pid");
	refused("/x?limit=0", "bad_limit", "limit");
	refused("/x?limit=1001", "bad_limit", "limit");
	refused("/x?limit=%201", "bad_limit", "limit");
	refused("/x?cursor=a", "bad_cursor", "cursor");
	refused("/x?cursor=4294967296", "bad_cursor", "cursor");
	refused("/x?pid=5&route=/a", "bad_scope", "route");
	refused("/x?pid=5&pid=5", "repeated_parameter", "pid");
	refused("/x?nonsense=5", "unknown_parameter", "nonsense");
	refused("/x?sort=rate", "unknown_parameter", "sort");
	refused("/x?a_name_that_is_longer_than_the_field_of_a_refusal=1", "unknown_parameter",
		"a_name_that_is_longer_than_the_");
}

static void an_endpoint_takes_only_what_it_says(void **state)
{
	static const struct {
		const char *target;
		unsigned int take;
	} cases[] = {
		{ "/x?service=a", PARAMS_SERVICE }, { "/x?pid=5", PARAMS_PID },
		{ "/x?route=/a", PARAMS_ROUTE },    { "/x?window=5m", PARAMS_WINDOW },
		{ "/x?limit=5", PARAMS_LIST },      { "/x?cursor=5", PARAMS_LIST },
		{ "/x?sort=a", PARAMS_SORT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask_of(cases[i].target, cases[i].take);
		assert_int_equal(no.status, 0);
		ask_of(cases[i].target, ~cases[i].take);
		assert_int_equal(no.status, 400);
	}
}

static void a_scope_is_taken_as_given(void **state)
{
	struct ask ask =
		ask_of("/x?service=a%20b&route=/users/%7bid%7d&limit=1000&cursor=7&sort=p99", ~0u);

	(void)state;
	assert_int_equal(no.status, 0);
	assert_string_equal(ask.scope.service, "a b");
	assert_string_equal(ask.scope.route, "/users/{id}");
	assert_int_equal(ask.limit, 1000);
	assert_int_equal(ask.offset, 7);
	assert_string_equal(ask.sort, "p99");
	ask = ask_of("/x?pid=2147483647", ~0u);
	assert_int_equal(ask.scope.pid, INT32_MAX);
}

static void a_key_is_all_that_follows_and_of_any_bytes(void **state)
{
	char target[3 * PARAMS_KEY + 64] = PARAMS_KEYED;

	(void)state;
	assert_int_equal(split_status(PARAMS_KEYED "a%00/b+%2F%ff[\\?ttl=5&tags=x"), 0);
	assert_string_equal(params.path, PARAMS_KEYED);
	assert_int_equal(params.key_length, 9);
	assert_memory_equal(params.key, "a\0/b+/\xff[\\", 9);
	assert_string_equal(params_get(&params, "ttl"), "5");
	assert_string_equal(params_get(&params, "tags"), "x");
	assert_int_equal(split_status("/api/services"), 0);
	assert_null(params.key);
	assert_int_equal(split_status(PARAMS_KEYED), 400);
	assert_int_equal(split_status(PARAMS_KEYED "?ttl=5"), 400);
	assert_int_equal(split_status(PARAMS_KEYED "%"), 400);
	assert_int_equal(split_status(PARAMS_KEYED "%4"), 400);
	assert_int_equal(split_status(PARAMS_KEYED "%4?"), 400);
	assert_int_equal(split_status(PARAMS_KEYED "%gg"), 400);
	assert_string_equal(no.field, "key");
	for (size_t i = 0; i < PARAMS_KEY; i++)
		strcat(target, "%00"); /* NOLINT: there is room */
	assert_int_equal(split_status(target), 0);
	assert_int_equal(params.key_length, PARAMS_KEY);
	strcat(target, "a"); /* NOLINT */
	assert_int_equal(split_status(target), 414);
}

static void the_most_and_longest_tags_of_an_entry_fit(void **state)
{
	static char target[3 * PARAMS_BYTES] = PARAMS_KEYED "k?ttl=31536000&tags=";
	const char *tags;

	(void)state;
	for (size_t i = 0; i < CACHE_TAGS; i++) {
		if (i)
			strcat(target, "%2c"); /* NOLINT: there is room */
		for (size_t k = 0; k < CACHE_TAG; k++)
			strcat(target, "%41"); /* NOLINT */
	}
	assert_int_equal(split_status(target), 0);
	tags = params_get(&params, "tags");
	assert_int_equal(strlen(tags), CACHE_TAGS * (CACHE_TAG + 1) - 1);
	assert_string_equal(params_get(&params, "ttl"), "31536000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_all_that_follows_and_of_any_bytes),
		cmocka_unit_test(the_most_and_longest_tags_of_an_entry_fit),
		cmocka_unit_test(a_target_comes_apart_and_is_decoded_once),
		cmocka_unit_test(a_nul_or_a_half_escape_is_a_bad_request),
		cmocka_unit_test(a_target_that_is_too_long_is_414),
		cmocka_unit_test(as_many_pairs_as_fit_are_taken_and_one_more_is_refused),
		cmocka_unit_test(the_longest_query_of_the_most_pairs_stays_in_bounds),
		cmocka_unit_test(without_parameters_the_defaults_stand),
		cmocka_unit_test(each_window_has_its_length),
		cmocka_unit_test(from_and_to_are_wall_times_of_the_same_moment),
		cmocka_unit_test(a_bad_value_names_its_parameter),
		cmocka_unit_test(an_endpoint_takes_only_what_it_says),
		cmocka_unit_test(a_scope_is_taken_as_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
