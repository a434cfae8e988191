#include "config_nested.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static char text[CHANNEL_TEXT];
static struct channel_error why;

static int nested(const char *json, bool channel)
{
	struct tree_error error;
	struct tree *tree;
	int ret;

	why.key[0] = why.reason[0] = '\0';
	assert_int_equal(tree_open(&tree, json, strlen(json), &error), 0);
	ret = channel ? config_nested_channel("ops", tree, text, &why)
		      : config_nested_level(tree, text, &why);
	tree_close(tree);
	return ret;
}

static void objects_become_texts(void **state)
{
	(void)state;
	assert_int_equal(nested("{\"type\": \"email\", \"smtp\": \"smtp://x\", \"from\": \"a@b\", "
				"\"to\": [\"c@d\", \"e@f\"]}",
				true),
			 0);
	assert_string_equal(text, "ops\ntype=email\nsmtp=smtp://x\nfrom=a@b\nto=c@d,e@f\n");
	assert_int_equal(nested("{\"type\": \"exec\", \"user\": \"u\", \"command\": [\"/bin/x\", "
				"\"a, b\", \"\", \"{value}\"]}",
				true),
			 0);
	assert_string_equal(text, "ops\ntype=exec\nuser=u\ncommand=/bin/x\x1f"
				  "a, b\x1f\x1f{value}\n");
	assert_int_equal(nested("{\"after\": 3, \"notify\": [\"a\", \"b\"]}", false), 0);
	assert_string_equal(text, "after=3 notify=a notify=b");
	assert_int_equal(nested("{\"after\": 3, \"notify\": \"a\"}", false), 0);
}

static void what_is_no_such_object_is_refused(void **state)
{
	(void)state;
	assert_true(nested("[1]", true) < 0);
	assert_string_equal(why.reason, "must be an object with a type");
	assert_true(nested("{\"type\": \"log\", \"url\": {}}", true) < 0);
	assert_string_equal(why.key, "url");
	assert_true(nested("{\"type\": \"log\", \"url\": \"a\\nsecret=b\"}", true) < 0);
	assert_string_equal(why.key, "url");
	assert_true(nested("{\"type\": \"email\", \"to\": [\"a@b c\"]}", true) < 0);
	assert_string_equal(why.key, "to");
	assert_true(nested("{\"type\": \"exec\", \"user\": \"u\", \"command\": [\"/bin/x\", "
			   "\"a\\nuser=root\"]}",
			   true) < 0);
	assert_string_equal(why.key, "command");
	assert_true(nested("{\"after\": 2.5, \"notify\": \"a\"}", false) < 0);
	assert_string_equal(why.key, "after");
	assert_true(nested("{\"after\": 3, \"notify\": \"a when=x\"}", false) < 0);
	assert_string_equal(why.key, "notify");
	assert_true(nested("{\"after\": 3}", false) < 0);
	assert_string_equal(why.key, "");
}

static int origin(const char *json)
{
	struct tree_error error;
	struct tree *tree;
	int ret;

	why.key[0] = why.reason[0] = '\0';
	assert_int_equal(tree_open(&tree, json, strlen(json), &error), 0);
	ret = config_nested_origin(tree, text, &why);
	tree_close(tree);
	return ret;
}

static void an_origin_becomes_a_text(void **state)
{
	(void)state;
	assert_int_equal(origin("{\"prefix\": \"u:\", \"url\": \"http://h/{rest}\", "
				"\"statuses\": [200, 203], \"types\": [\"text/*\"], "
				"\"headers\": {\"Accept\": \"a, b\", \"X-A\": \"c\"}, "
				"\"cache_control\": false, \"queue\": 7}"),
			 0);
	assert_string_equal(text, "prefix=u:\nurl=http://h/{rest}\nstatuses=200\nstatuses=203\n"
				  "types=text/*\nheaders=Accept: a, b\nheaders=X-A: c\n"
				  "cache_control=false\nqueue=7\n");
}

static void what_is_no_origin_is_refused(void **state)
{
	static const struct {
		const char *json, *key;
	} cases[] = {
		{ "[]", "" },
		{ "{}", "" },
		{ "{\"prefix\": \"u:\", \"url\": \"http://h/\", \"x=\": 1}", "" },
		{ "{\"prefix\": [[\"u:\"]]}", "prefix" },
		{ "{\"prefix\": null}", "prefix" },
		{ "{\"queue\": 1.5}", "queue" },
		{ "{\"url\": \"http://h/\\nprefix=b:\"}", "url" },
		{ "{\"headers\": {\"X\\nprefix=b:\": \"c\"}}", "headers" },
		{ "{\"headers\": {\"X\": {\"Y\": \"c\"}}}", "headers" },
		{ "{\"prefix\": \"u:\", \"ulr\": \"http://h/\"}", "ulr" },
	};
	static char json[8192];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(origin(cases[i].json) < 0);
		assert_string_equal(why.key, cases[i].key);
	}
	n += (size_t)sprintf(json, "{\"tags\": [");
	while (n < 5000)
		n += (size_t)sprintf(json + n, "\"0123456789012345678901234567890123456789\",");
	sprintf(json + n, "\"x\"]}");
	assert_true(origin(json) < 0);
	assert_string_equal(why.reason, "this origin is longer than 4 KiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_become_texts),
		cmocka_unit_test(what_is_no_such_object_is_refused),
		cmocka_unit_test(an_origin_becomes_a_text),
		cmocka_unit_test(what_is_no_origin_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
