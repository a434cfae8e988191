#include "origin_rule.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

#define URL "prefix=u: url=http://h/{rest} "

static struct origin_rule rule;
static struct channel_error why;

static int parse(const char *text)
{
	memset(&why, 0, sizeof(why));
	return origin_rule_parse(text, &rule, &why);
}

static void what_it_does_not_say_is_usual(void **state)
{
	(void)state;
	assert_int_equal(parse("prefix=u: url=http://h/{rest}"), 0);
	assert_string_equal(rule.prefix, "u:");
	assert_string_equal(rule.url, "http://h/{rest}");
	assert_string_equal(rule.key, "");
	assert_true(rule.honours);
	assert_true(rule.kept[0]);
	assert_false(rule.kept[1]);
	assert_int_equal(rule.ttl_s, 0);
	assert_int_equal(rule.negative_s, 0);
	assert_int_equal(rule.revalidate_s, 0);
	assert_int_equal(rule.error_s, 0);
	assert_int_equal(rule.timeout_ms, 2000);
	assert_int_equal(rule.concurrency, 8);
	assert_int_equal(rule.queue, 256);
	assert_int_equal(rule.warm_every_s, 0);
	assert_int_equal(rule.warm_top, 10);
	assert_int_equal(rule.warm_per_s, 20);
}

static void each_key_has_its_place(void **state)
{
	(void)state;
	assert_int_equal(parse("prefix=u:\nurl=http://h/{rest}\nkey=u:{query.a}\nca_file=/ca\n"
			       "headers=Accept:  a b\nheader_files=Authorization: /token\n"
			       "statuses=203\nstatuses=204\ntypes=Text/*\ntypes=application/json\n"
			       "tags=t1\ntags=t2\ncache_control=false\nttl=60s\nnegative_ttl=5s\n"
			       "stale_while_revalidate=1m\nstale_on_error=1h\ntimeout=100ms\n"
			       "concurrency=64\nqueue=10000\nwarm_every=10m\nwarm_top=1000\n"
			       "warm_rate=1\n"),
			 0);
	assert_string_equal(rule.key, "u:{query.a}");
	assert_string_equal(rule.ca_file, "/ca");
	assert_int_equal(rule.header_count, 2);
	assert_string_equal(rule.headers[0].text, "Accept: a b");
	assert_false(rule.headers[0].from_file);
	assert_string_equal(rule.headers[1].text, "Authorization: /token");
	assert_true(rule.headers[1].from_file);
	assert_false(rule.kept[0]);
	assert_true(rule.kept[3] && rule.kept[4]);
	assert_int_equal(rule.type_count, 2);
	assert_string_equal(rule.types[0], "text/*");
	assert_int_equal(rule.tag_count, 2);
	assert_string_equal(rule.tags[1], "t2");
	assert_false(rule.honours);
	assert_int_equal(rule.ttl_s, 60);
	assert_int_equal(rule.negative_s, 5);
	assert_int_equal(rule.revalidate_s, 60);
	assert_int_equal(rule.error_s, 3600);
	assert_int_equal(rule.timeout_ms, 100);
	assert_int_equal(rule.concurrency, 64);
	assert_int_equal(rule.queue, 10000);
	assert_int_equal(rule.warm_every_s, 600);
	assert_int_equal(rule.warm_top, 1000);
	assert_int_equal(rule.warm_per_s, 1);
}

static const struct {
	const char *text, *key;
} none_cases[] = {
	{ "", "" },
	{ "prefix=u:", "" },
	{ "url=http://h/", "" },
	{ "prefix={a} url=http://h/", "prefix" },
	{ "prefix= url=http://h/", "prefix" },
	{ "prefix=u: url=http://{rest}/", "url" },
	{ "prefix=u: url=http://u@h/", "url" },
	{ URL "key=v:{rest}", "key" },
	{ URL "key=u:{colour}", "key" },
	{ URL "ca_file=ca", "ca_file" },
	{ URL "headers=Accept", "headers" },
	{ URL "headers=Accept:", "headers" },
	{ URL "headers=:a", "headers" },
	{ URL "headers=host:a", "headers" },
	{ URL "headers=RANGE:a", "headers" },
	{ URL "headers=A(b):a", "headers" },
	{ "prefix=u:\nurl=http://h/\nheaders=X: a\rY: b\n", "headers" },
	{ URL "header_files=X:token", "header_files" },
	{ URL "header_files=Cookie", "header_files" },
	{ URL "statuses=404", "statuses" },
	{ URL "statuses=206", "statuses" },
	{ URL "statuses=20", "statuses" },
	{ URL "statuses=2x0", "statuses" },
	{ URL "types=json", "types" },
	{ URL "types=text/html;charset=utf-8", "types" },
	{ URL "tags=a,b", "tags" },
	{ URL "cache_control=yes", "cache_control" },
	{ URL "ttl=0s", "ttl" },
	{ URL "ttl=1500ms", "ttl" },
	{ URL "ttl=366d", "ttl" },
	{ URL "ttl=60", "ttl" },
	{ URL "negative_ttl=366d", "negative_ttl" },
	{ URL "stale_while_revalidate=1", "stale_while_revalidate" },
	{ URL "stale_on_error=-1s", "stale_on_error" },
	{ URL "timeout=99ms", "timeout" },
	{ URL "timeout=61s", "timeout" },
	{ URL "concurrency=0", "concurrency" },
	{ URL "concurrency=65", "concurrency" },
	{ URL "concurrency=1.5", "concurrency" },
	{ URL "queue=10001", "queue" },
	{ URL "warm_every=0s", "warm_every" },
	{ URL "warm_top=1001", "warm_top" },
	{ URL "warm_rate=0", "warm_rate" },
	{ URL "rate=1", "rate" },
	{ URL "ttl", "ttl" },
};

static void what_is_none_is_refused_by_its_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(none_cases) / sizeof(none_cases[0]); i++) {
		if (!parse(none_cases[i].text))
			fail_msg("taken: %s", none_cases[i].text);
		assert_string_equal(why.key, none_cases[i].key);
		assert_int_not_equal(why.reason[0], '\0');
	}
	parse(URL "stale_on_eror=1s");
	assert_string_equal(why.reason, "unknown key; did you mean stale_on_error?");
}

static void lists_have_an_end(void **state)
{
	static const char *const items[] = { "headers=X:a", "types=a/b", "tags=t" };

	(void)state;
	for (size_t k = 0; k < sizeof(items) / sizeof(items[0]); k++) {
		char text[512] = "prefix=u: url=http://h/{rest}";

		for (int i = 0; i < 8; i++) {
			size_t n = strlen(text);

			snprintf(text + n, sizeof(text) - n, " %s", items[k]);
		}
		assert_int_equal(parse(text), 0);
		strcat(text, " ");
		strcat(text, items[k]);
		assert_true(parse(text) < 0);
	}
}

static void what_may_be_secret_is_not_shown(void **state)
{
	char out[128];

	(void)state;
	origin_rule_show("prefix=u:\nurl=http://h/{rest}?k=secret\nheaders=A: secret\n"
			 "header_files=B: /token\nttl=1s\n",
			 out, sizeof(out));
	assert_string_equal(out, "prefix=u: url=http://h/{rest}?… headers=A: ******** "
				 "header_files=B: /token ttl=1s");
	origin_rule_show("prefix=u: url=http://h/", out, 12);
	assert_string_equal(out, "prefix=u: u");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_does_not_say_is_usual),
		cmocka_unit_test(each_key_has_its_place),
		cmocka_unit_test(what_is_none_is_refused_by_its_key),
		cmocka_unit_test(lists_have_an_end),
		cmocka_unit_test(what_may_be_secret_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
