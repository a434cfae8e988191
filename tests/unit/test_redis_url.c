#include "redis_url.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>

static struct redis_url one(const char *text)
{
	struct redis_url u = { .count = 0 };
	const char *reason;

	assert_int_equal(redis_url_add(&u, text, &reason), 0);
	assert_int_equal(u.count, 1);
	return u;
}

static void parts_are_where_they_are_in_any_url(void **state)
{
	struct redis_url u = one("redis://me:p%40ss%3a@cache.example:7000/15");

	(void)state;
	assert_string_equal(u.user, "me");
	assert_string_equal(u.password, "p@ss:");
	assert_string_equal(u.places[0].host, "cache.example");
	assert_int_equal(u.places[0].port, 7000);
	assert_int_equal(u.db, 15);
	u = one("redis://127.0.0.1");
	assert_int_equal(u.places[0].port, 6379);
	assert_string_equal(u.user, "");
	assert_string_equal(u.password, "");
	u = one("redis://:a:b@c@[::1]:1/");
	assert_string_equal(u.password, "a:b@c");
	assert_string_equal(u.places[0].host, "::1");
	assert_int_equal(u.places[0].port, 1);
	u = one("unix:///run/redis.sock?db=2");
	assert_string_equal(u.places[0].path, "/run/redis.sock");
	assert_string_equal(u.places[0].host, "");
	assert_int_equal(u.db, 2);
	assert_string_equal(one("unix:///run/redis.sock").places[0].path, "/run/redis.sock");
}

static void what_is_none_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"redis",
		"redis:",
		"redis://",
		"http://h",
		"redis://h:",
		"redis://h:0",
		"redis://h:65536",
		"redis://h:1x",
		"redis://h:-1",
		"redis://h/x",
		"redis://h/1/2",
		"redis://h/16384",
		"redis://h?db=1",
		"redis://h#",
		"redis://me@h",
		"redis://:%@h",
		"redis://:%0@h",
		"redis://:%00@h",
		"redis://:%zz@h",
		"redis://[::1",
		"redis://[::1]1",
		"redis://[]",
		"redis://a b",
		"redis://%41",
		"unix://",
		"unix://run",
		"unix:///a?db=",
		"unix:///a?x=1",
		"redis://:99999999@",
		"rediss://h",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct redis_url u = { .count = 0 };
		const char *reason = NULL;

		if (redis_url_add(&u, wrong[i], &reason) != -EINVAL || !reason || u.count)
			fail_msg("%s was taken", wrong[i]);
	}
}

static void too_long_is_refused(void **state)
{
	char text[1200];
	const char *reason;
	struct redis_url u = { .count = 0 };

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "redis://", 8);
	assert_int_equal(redis_url_add(&u, text, &reason), -EINVAL);
	memcpy(text, "redis://:", 9);
	text[1000] = '@';
	text[1010] = '\0';
	assert_int_equal(redis_url_add(&u, text, &reason), -EINVAL);
	memcpy(text, "unix:///", 8);
	text[7 + REDIS_URL_PATH] = '\0';
	assert_int_equal(redis_url_add(&u, text, &reason), -EINVAL);
	text[7 + REDIS_URL_PATH - 1] = '\0';
	assert_int_equal(redis_url_add(&u, text, &reason), 0);
}

static void tls_is_said_to_be_unavailable(void **state)
{
	struct redis_url u = { .count = 0 };
	const char *reason;

	(void)state;
	assert_int_equal(redis_url_add(&u, "rediss://h", &reason), -EINVAL);
	assert_non_null(strstr(reason, "TLS is unavailable"));
}

static void nodes_must_not_contradict_each_other(void **state)
{
	static const char *const wrong[] = { "redis://:other@c", "redis://you:secret@c",
					     "redis://c/1", "unix:///c" };
	struct redis_url u = { .count = 0 };
	const char *reason;

	(void)state;
	assert_int_equal(redis_url_add(&u, "redis://a", &reason), 0);
	assert_int_equal(redis_url_add(&u, "redis://me:secret@b:7001", &reason), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(redis_url_add(&u, wrong[i], &reason), -EINVAL);
	assert_int_equal(u.count, 2);
	assert_string_equal(u.password, "secret");
	assert_string_equal(u.places[1].host, "b");
	while (u.count < REDIS_URL_NODES)
		assert_int_equal(redis_url_add(&u, "redis://c", &reason), 0);
	assert_int_equal(redis_url_add(&u, "redis://c", &reason), -EINVAL);
}

static void a_place_is_shown_without_secrets(void **state)
{
	struct redis_url u = one("redis://me:secret@[::1]:7000/1");
	char text[128];

	(void)state;
	redis_place_show(&u.places[0], text, sizeof(text));
	assert_string_equal(text, "redis://[::1]:7000");
	u = one("unix:///run/s?db=1");
	redis_place_show(&u.places[0], text, sizeof(text));
	assert_string_equal(text, "unix:///run/s");
}

static void a_prefix_is_nothing_that_a_glob_obeys(void **state)
{
	static const char *const wrong[] = { "",     ":",    "a",    "a*:",  "a?:",
					     "[a]:", "a\\:", "{a}:", "a b:", "ringside" };
	char text[80];
	const char *reason;

	(void)state;
	assert_int_equal(redis_prefix_check("ringside:", &reason), 0);
	assert_int_equal(redis_prefix_check("a.b_c-9:", &reason), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (redis_prefix_check(wrong[i], &reason) != -EINVAL)
			fail_msg("%s was taken", wrong[i]);
	memset(text, 'a', sizeof(text));
	memcpy(text + 64, ":", 2);
	assert_int_equal(redis_prefix_check(text, &reason), -EINVAL);
	memcpy(text + 63, ":", 2);
	assert_int_equal(redis_prefix_check(text, &reason), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_where_they_are_in_any_url),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(too_long_is_refused),
		cmocka_unit_test(tls_is_said_to_be_unavailable),
		cmocka_unit_test(nodes_must_not_contradict_each_other),
		cmocka_unit_test(a_place_is_shown_without_secrets),
		cmocka_unit_test(a_prefix_is_nothing_that_a_glob_obeys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
