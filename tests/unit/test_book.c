#include "book.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)
#define RULE(name, limit)                                                                          \
	"{\"name\":\"" name "\",\"metric\":\"cpu.percent\",\"warning\":{\"above\":" limit "}}"

static const struct spec_defaults defaults = { 30 * SECOND, 300 * SECOND };
static struct findings findings;

static int read_files(struct book **out, const char *a, const char *b)
{
	struct bundle bundle = { .at = 0 };
	char text[1024];
	int ret;

	snprintf(text, sizeof(text), "0 %zu a.json\n%s0 %zu b.json\n%s", strlen(a), a, strlen(b),
		 b);
	bundle.bytes = text;
	bundle.length = strlen(text);
	findings_init(&findings);
	ret = book_read(out, &defaults, &bundle, &findings);
	return ret;
}

static void a_file_adds_to_the_shipped_rules_and_replaces_them_by_name(void **state)
{
	struct book *b, *shipped;

	(void)state;
	assert_int_equal(read_files(&shipped, "[]", "[]"), 0);
	assert_int_equal(read_files(&b, "[" RULE("cpu", "33") "]", "[" RULE("mine", "1") "]"), 0);
	assert_int_equal(b->count, shipped->count + 1);
	assert_true(book_find(b, "cpu")->limits[SPEC_WARNING].limit == 33);
	assert_false(book_find(b, "cpu")->limits[SPEC_CRITICAL].set);
	assert_string_equal(book_find(b, "mine")->where, "b.json:1");
	assert_null(book_find(b, "yours"));
	assert_string_equal(book_nearest(b, "cpo"), "cpu");
	book_close(b);
	book_close(shipped);
	book_close(NULL);
}

static void a_rule_is_switched_off_by_its_name_alone(void **state)
{
	struct book *b;

	(void)state;
	assert_int_equal(read_files(&b, "[{\"name\":\"cpu\",\"enabled\":false}]", "[]"), 0);
	assert_false(book_find(b, "cpu")->enabled);
	assert_true(book_find(b, "cpu")->limits[SPEC_WARNING].limit == 70);
	book_close(b);
	assert_int_equal(read_files(&b, "[{\"name\":\"cp\",\"enabled\":false}]", "[]"), -EINVAL);
	assert_null(b);
	assert_non_null(strstr(findings.rows[0], "a.json:1: cp: there is no such rule to switch; "
						 "did you mean cpu?"));
}

static void two_rules_of_one_name_are_refused(void **state)
{
	struct book *b;

	(void)state;
	assert_int_equal(read_files(&b, "[" RULE("x", "1") "]", "[" RULE("x", "2") "]"), -EINVAL);
	assert_non_null(strstr(findings.rows[0], "b.json:1: x: this name stands at a.json:1"));
}

static void a_file_that_cannot_be_read_leaves_no_book(void **state)
{
	static char text[] = "-13 0 c.json\n";
	struct bundle bundle = { .bytes = text, .length = strlen(text) };
	struct book *b;

	(void)state;
	findings_init(&findings);
	assert_int_equal(book_read(&b, &defaults, &bundle, &findings), -EINVAL);
	assert_string_equal(findings.rows[0], "c.json: cannot be read: Permission denied");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_adds_to_the_shipped_rules_and_replaces_them_by_name),
		cmocka_unit_test(a_rule_is_switched_off_by_its_name_alone),
		cmocka_unit_test(two_rules_of_one_name_are_refused),
		cmocka_unit_test(a_file_that_cannot_be_read_leaves_no_book),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
