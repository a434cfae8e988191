#include "pattern.h"

#include "rs_test.h"

#include <string.h>

static void a_pattern_begins_with_a_slash_and_is_no_longer_than_a_path(void **state)
{
	char pattern[131] = "/";
	const char *reason;

	(void)state;
	memset(pattern + 1, 'a', sizeof(pattern) - 2);
	assert_int_not_equal(pattern_check("users", &reason), 0);
	assert_int_not_equal(pattern_check("", &reason), 0);
	assert_int_not_equal(pattern_check(pattern, &reason), 0);
	assert_string_equal(reason, "must begin with / and have at most 128 bytes");
	pattern[128] = '\0';
	assert_int_equal(pattern_check(pattern, &reason), 0);
	assert_int_equal(pattern_check("/", &reason), 0);
}

static void braces_and_stars_stand_for_whole_segments(void **state)
{
	static const char *const good[] = { "/users/{id}", "/{a}/{b_2}/c", "/static/*", "/*",
					    "/pkg.Service/Method" };
	static const char *const bad[] = {
		"/users/{}", "/users/{id", "/users/x{id}", "/a*",        "/*/b", "/a/**",
		"/a?b=c",    "/a b",       "/users/{a-b}", "/users/id}", "/a#b", "/\xc3\xa4"
	};
	const char *reason;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(pattern_check(good[i], &reason), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason = NULL;
		assert_int_not_equal(pattern_check(bad[i], &reason), 0);
		assert_non_null(reason);
	}
}

static void a_variable_takes_one_segment_and_a_star_the_rest(void **state)
{
	(void)state;
	assert_true(pattern_matches("/users/{id}/posts", "/users/anna/posts"));
	assert_true(pattern_matches("/users/{id}/posts", "/users/{}/posts"));
	assert_false(pattern_matches("/users/{id}/posts", "/users/anna/posts/1"));
	assert_false(pattern_matches("/users/{id}/posts", "/users/anna"));
	assert_false(pattern_matches("/users/{id}/posts", "/users//posts"));
	assert_false(pattern_matches("/users/{id}/posts", "/users/anna/pasta"));
	assert_true(pattern_matches("/static/*", "/static/a/b.js"));
	assert_true(pattern_matches("/static/*", "/static/"));
	assert_false(pattern_matches("/static/*", "/static"));
	assert_false(pattern_matches("/static/*", "/statics/a"));
	assert_true(pattern_matches("/", "/"));
	assert_false(pattern_matches("/", "/a"));
	assert_false(pattern_matches("/a", "_other"));
	assert_false(pattern_matches("/a", ""));
	assert_true(pattern_matches("/*", "/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_begins_with_a_slash_and_is_no_longer_than_a_path),
		cmocka_unit_test(braces_and_stars_stand_for_whole_segments),
		cmocka_unit_test(a_variable_takes_one_segment_and_a_star_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
