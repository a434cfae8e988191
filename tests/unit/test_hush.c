#include "hush.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static struct hushes all;
static struct hush_error error;

static int add(const char *text)
{
	struct tree_error why;
	struct tree *root;
	int ret;

	assert_int_equal(tree_open(&root, text, strlen(text), &why), 0);
	ret = hush_add(&all, root, 1000 * SECOND, 5000, &error);
	tree_close(root);
	return ret;
}

static int setup(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	return 0;
}

static void a_silence_matches_what_it_says_until_it_ends(void **state)
{
	struct notice_labels shop = { .service = "shop-1", .route = "/a" };
	struct notice_labels bank = { .service = "bank" };

	(void)state;
	assert_int_equal(
		add("{\"rule\": \"slow-*\", \"service\": \"shop-*\", \"duration\": \"1m\"}"), 0);
	assert_int_equal(all.rows[0].until_ns, 1060 * SECOND);
	assert_int_equal(all.rows[0].until_ms, 65000);
	assert_int_equal(hush_find(&all, "slow-p95", &shop), 1);
	assert_int_equal(hush_find(&all, "cpu", &shop), 0);
	assert_int_equal(hush_find(&all, "slow-p95", &bank), 0);
	assert_false(hush_expire(&all, 1059 * SECOND));
	assert_true(hush_expire(&all, 1060 * SECOND));
	assert_int_equal(hush_find(&all, "slow-p95", &shop), 0);
}

static void a_silence_is_taken_back_by_its_number(void **state)
{
	(void)state;
	assert_int_equal(add("{\"service\": \"a\", \"duration\": \"1h\"}"), 0);
	assert_int_equal(add("{\"route\": \"/b*\", \"duration\": \"1h\", \"comment\": \"why\"}"),
			 0);
	assert_int_equal(hush_remove(&all, 1), 0);
	assert_int_equal(hush_remove(&all, 1), -ENOENT);
	assert_int_equal(all.count, 1);
	assert_string_equal(all.rows[0].comment, "why");
	assert_int_equal(add("{\"service\": \"a\", \"duration\": \"1h\"}"), 0);
	assert_int_equal(all.rows[1].id, 3);
}

static void what_is_no_silence_is_refused_with_its_key(void **state)
{
	(void)state;
	assert_int_equal(add("{\"duration\": \"1h\"}"), -EINVAL);
	assert_string_equal(error.key, "");
	assert_int_equal(add("{\"service\": \"a\"}"), -EINVAL);
	assert_string_equal(error.key, "duration");
	assert_int_equal(add("{\"service\": \"a\", \"duration\": \"31d\"}"), -EINVAL);
	assert_int_equal(add("{\"service\": \"a\", \"duration\": \"0s\"}"), -EINVAL);
	assert_int_equal(add("{\"service\": 5, \"duration\": \"1h\"}"), -EINVAL);
	assert_string_equal(error.key, "service");
	assert_int_equal(add("{\"servise\": \"a\", \"duration\": \"1h\"}"), -EINVAL);
	assert_int_equal(add("[]"), -EINVAL);
	assert_int_equal(all.count, 0);
}

static void there_is_room_for_so_many(void **state)
{
	(void)state;
	for (int i = 0; i < HUSH_MAX; i++)
		assert_int_equal(add("{\"rule\": \"*\", \"duration\": \"1h\"}"), 0);
	assert_int_equal(add("{\"rule\": \"*\", \"duration\": \"1h\"}"), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_silence_matches_what_it_says_until_it_ends, setup),
		cmocka_unit_test_setup(a_silence_is_taken_back_by_its_number, setup),
		cmocka_unit_test_setup(what_is_no_silence_is_refused_with_its_key, setup),
		cmocka_unit_test_setup(there_is_room_for_so_many, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
