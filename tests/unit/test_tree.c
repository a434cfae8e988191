#include "rs_test.h"
#include "tree.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char document[] = "{\"a\": 1.5, \"b\": \"text\",\n \"c\": [true, null, 7], \"d\": {}}";

static void values_are_found_by_name_and_place(void **state)
{
	struct tree_error error;
	struct tree *root;

	(void)state;
	assert_int_equal(tree_open(&root, document, strlen(document), &error), 0);
	assert_int_equal(tree_kind(root), TREE_OBJECT);
	assert_true(tree_number(tree_member(root, "a")) == 1.5);
	assert_string_equal(tree_text(tree_member(root, "b")), "text");
	assert_int_equal(tree_size(tree_member(root, "c")), 3);
	assert_true(tree_true(tree_at(tree_member(root, "c"), 0)));
	assert_int_equal(tree_kind(tree_at(tree_member(root, "c"), 1)), TREE_NULL);
	assert_true(tree_number(tree_at(tree_member(root, "c"), 2)) == 7);
	assert_int_equal(tree_kind(tree_member(root, "d")), TREE_OBJECT);
	tree_close(root);
}

static void what_is_not_there_has_nothing(void **state)
{
	struct tree_error error;
	const char *name = NULL;
	struct tree *root;

	(void)state;
	assert_int_equal(tree_open(&root, "[1]", 3, &error), 0);
	assert_null(tree_member(root, "a"));
	assert_null(tree_at(root, 1));
	assert_null(tree_next(root, &name));
	assert_int_equal(tree_kind(NULL), TREE_ABSENT);
	assert_int_equal(tree_size(NULL), 0);
	assert_null(tree_text(tree_at(root, 0)));
	assert_true(isnan(tree_number(NULL)));
	assert_false(tree_true(NULL));
	tree_close(root);
	tree_close(NULL);
}

static void members_come_in_the_order_that_they_were_written_in(void **state)
{
	struct tree_error error;
	const char *name = NULL;
	char names[8] = "";
	struct tree *root;

	(void)state;
	assert_int_equal(tree_open(&root, document, strlen(document), &error), 0);
	while (tree_next(root, &name))
		strcat(names, name);
	assert_string_equal(names, "abcd");
	tree_close(root);
}

static void what_is_no_json_is_refused_with_its_line(void **state)
{
	struct tree_error error;
	struct tree *root;

	(void)state;
	assert_int_equal(tree_open(&root, "[1,\n2,\n}", 8, &error), -EINVAL);
	assert_int_equal(error.line, 3);
	assert_true(strlen(error.text) > 0);
	assert_null(root);
	assert_int_equal(tree_open(&root, "", 0, &error), -EINVAL);
	assert_int_equal(tree_open(&root, "{\"a\":1,\"a\":2}", 13, &error), -EINVAL);
	assert_int_equal(tree_open(&root, "[\"\\u0000\"]", 10, &error), -EINVAL);
}

static void texts_may_hold_nuls_for_who_counts_them(void **state)
{
	static const char text[] = "{\"a\":\"x\\u0000y\",\"b\":12345678901234567890}";
	struct tree_error error;
	struct tree *root;
	size_t length;

	(void)state;
	assert_int_equal(tree_open(&root, text, strlen(text), &error), -EINVAL);
	assert_int_equal(tree_open_any(&root, text, strlen(text), &error), 0);
	assert_memory_equal(tree_text_bytes(tree_member(root, "a"), &length), "x\0y", 3);
	assert_int_equal(length, 3);
	assert_null(tree_text_bytes(root, &length));
	assert_true(tree_number(tree_member(root, "b")) > 1.2e19);
	tree_close(root);
}

static void a_member_is_found_as_it_was_written(void **state)
{
	static const char *const values[] = { "1.0",
					      "1e5",
					      "-0.0",
					      "0.1",
					      "12345678901234567890",
					      "1E+2",
					      "[]",
					      "{}",
					      "true",
					      "null",
					      "\"\"",
					      "[ 1.50 , {\"b\" : [2.0]} ]",
					      "[[],[{}]]",
					      "{\"x\":\"}],:\\\"\\\\\"}" };
	static const char *const frames[][2] = {
		{ "{\"v\":", "}" },
		{ " {\"a\" : [\"},\\\"v\\\":\"], \"\\u0076\"\n:\t", " \r\n,\"b\":{\"v\":5}}" },
	};
	struct tree_error error;
	const char *found;
	struct tree *root;
	char text[256];
	size_t length;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(values) / sizeof(values[0]); i++) {
		snprintf(text, sizeof(text), "%s%s%s", frames[i % 2][0], values[i / 2],
			 frames[i % 2][1]);
		assert_int_equal(tree_open_any(&root, text, strlen(text), &error), 0);
		found = tree_member_bytes(root, "v", text, &length);
		assert_int_equal(length, strlen(values[i / 2]));
		assert_memory_equal(found, values[i / 2], length);
		assert_null(tree_member_bytes(root, "none", text, &length));
		tree_close(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_may_hold_nuls_for_who_counts_them),
		cmocka_unit_test(a_member_is_found_as_it_was_written),
		cmocka_unit_test(values_are_found_by_name_and_place),
		cmocka_unit_test(what_is_not_there_has_nothing),
		cmocka_unit_test(members_come_in_the_order_that_they_were_written_in),
		cmocka_unit_test(what_is_no_json_is_refused_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
