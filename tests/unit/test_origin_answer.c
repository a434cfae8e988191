#include "origin_answer.h"
#include "rs_test.h"

#include <stdio.h>
#include <string.h>

static struct origin_rule rule;
static struct origin_words words;
static struct origin_answer answer;
static char head[8192], content[] = "value";

static void settle(const char *more)
{
	struct channel_error why;
	char text[1024];

	snprintf(text, sizeof(text), "prefix=u: url=http://h/ negative_ttl=9s %s", more);
	if (origin_rule_parse(text, &rule, &why))
		fail_msg("%s: %s", why.key, why.reason);
}

static void read_it(uint32_t status, const char *lines)
{
	struct transfer_result result = { .end = TRANSFER_WHOLE,
					  .status = status,
					  .text = "in words",
					  .head = head,
					  .content = content,
					  .content_length = 5 };

	snprintf(head, sizeof(head), "%s", lines);
	memset(&answer, 0xff, sizeof(answer));
	origin_answer_read(&rule, 300, &result, &words, &answer);
	assert_int_equal(answer.status, status);
}

static void a_value_comes_with_all_that_it_has(void **state)
{
	(void)state;
	settle("tags=t stale_while_revalidate=3s stale_on_error=4s");
	read_it(200, "Content-Type: text/html; charset=utf-8\nSurrogate-Key: a  b t\n");
	assert_int_equal(answer.fault, ORIGIN_FINE);
	assert_true(answer.found);
	assert_int_equal(answer.value.length, 5);
	assert_memory_equal(answer.value.at, "value", 5);
	assert_string_equal(answer.type, "text/html; charset=utf-8");
	assert_string_equal(answer.tags, "t a b");
	assert_int_equal(answer.ttl_s, 300);
	assert_int_equal(answer.revalidate_s, 3);
	assert_int_equal(answer.error_s, 4);
	settle("ttl=60s");
	read_it(200, "");
	assert_string_equal(answer.type, "application/octet-stream");
	assert_string_equal(answer.tags, "");
	assert_int_equal(answer.ttl_s, 60);
}

static void each_status_has_its_meaning(void **state)
{
	static const struct {
		uint32_t status;
		enum origin_fault fault;
		bool found;
	} cases[] = {
		{ 200, ORIGIN_FINE, true },      { 203, ORIGIN_FINE, true },
		{ 206, ORIGIN_ODD, false },      { 299, ORIGIN_FINE, true },
		{ 301, ORIGIN_REDIRECT, false }, { 304, ORIGIN_REDIRECT, false },
		{ 400, ORIGIN_REFUSED, false },  { 401, ORIGIN_REFUSED, false },
		{ 404, ORIGIN_FINE, false },     { 410, ORIGIN_FINE, false },
		{ 429, ORIGIN_FAILING, false },  { 500, ORIGIN_FAILING, false },
		{ 503, ORIGIN_FAILING, false },  { 101, ORIGIN_ODD, false },
		{ 999, ORIGIN_ODD, false },      { 0, ORIGIN_ODD, false },
	};

	(void)state;
	settle("");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		read_it(cases[i].status, "");
		assert_int_equal(answer.fault, cases[i].fault);
		assert_int_equal(answer.found, cases[i].found);
	}
}

static void what_is_no_answer_says_why(void **state)
{
	static const enum origin_fault faults[TRANSFER_ENDS] = {
		[TRANSFER_WHOLE] = ORIGIN_FINE,  [TRANSFER_AWAY] = ORIGIN_AWAY,
		[TRANSFER_LATE] = ORIGIN_LATE,   [TRANSFER_CUT] = ORIGIN_CUT,
		[TRANSFER_LARGE] = ORIGIN_LARGE, [TRANSFER_ODD] = ORIGIN_ODD,
		[TRANSFER_OURS] = ORIGIN_OURS,
	};

	(void)state;
	settle("");
	for (int i = 0; i < TRANSFER_ENDS; i++) {
		struct transfer_result result = { .end = (enum transfer_end)i,
						  .status = 200,
						  .text = "in words" };

		origin_answer_read(&rule, 300, &result, &words, &answer);
		assert_int_equal(answer.fault, faults[i]);
		assert_string_equal(answer.text, "in words");
	}
}

static uint64_t ttl(const char *lines)
{
	read_it(200, lines);
	return answer.ttl_s;
}

static void what_it_says_of_its_time_is_honoured(void **state)
{
	static const struct {
		const char *lines;
		uint64_t ttl_s;
	} cases[] = {
		{ "Cache-Control: max-age=7\n", 7 },
		{ "cache-control:MAX-AGE=7\n", 7 },
		{ "Cache-Control: public, max-age=\"7\"\n", 7 },
		{ "Cache-Control: max-age=7, s-maxage=8\n", 8 },
		{ "Cache-Control: s-maxage=8\nCache-Control: max-age=7\n", 8 },
		{ "Cache-Control: max-age=7, max-age=5\n", 5 },
		{ "Cache-Control: max-age=7\nAge: 3\n", 4 },
		{ "Cache-Control: max-age=7\nAge: 7\n", 0 },
		{ "Cache-Control: max-age=7\nAge: 9\n", 0 },
		{ "Age: 9\n", 60 },
		{ "Cache-Control: max-age=0\n", 0 },
		{ "Cache-Control: max-age=-1\n", 0 },
		{ "Cache-Control: max-age=soon\n", 0 },
		{ "Cache-Control: max-age\n", 0 },
		{ "Cache-Control: max-age=99999999999999999999999\n", 31536000 },
		{ "Cache-Control: no-store\n", 0 },
		{ "Cache-Control: max-age=7 , no-cache\n", 0 },
		{ "Cache-Control: private=\"x, y\", max-age=7\n", 0 },
		{ "Cache-Control: x=\"no-store, private\", max-age=7\n", 7 },
		{ "Cache-Control: x=\"no-store, max-age=7\n", 60 },
		{ "Cache-Control: max-age=7\nCache-Control: no-store\n", 0 },
		{ "Cache-Control: no-stores, \n", 60 },
		{ "Cache-Control:\n", 60 },
		{ "Vary: *\n", 0 },
		{ "Vary: Accept\nVary: Cookie\n", 60 },
		{ "X-Cache-Control: no-store\n", 60 },
	};

	(void)state;
	settle("ttl=60s");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ttl(cases[i].lines) != cases[i].ttl_s)
			fail_msg("%s: %llu", cases[i].lines, (unsigned long long)answer.ttl_s);
	settle("ttl=60s cache_control=false");
	assert_int_equal(ttl("Cache-Control: no-store, max-age=7\nVary: *\n"), 60);
}

static void what_must_be_revalidated_is_never_stale(void **state)
{
	(void)state;
	settle("stale_while_revalidate=3s stale_on_error=4s");
	read_it(200, "Cache-Control: max-age=7, must-revalidate\n");
	assert_int_equal(answer.ttl_s, 7);
	assert_int_equal(answer.revalidate_s, 0);
	assert_int_equal(answer.error_s, 0);
	read_it(200, "Cache-Control: proxy-revalidate\n");
	assert_int_equal(answer.error_s, 0);
	settle("stale_on_error=4s cache_control=false");
	read_it(200, "Cache-Control: must-revalidate\n");
	assert_int_equal(answer.error_s, 4);
}

static void that_there_is_none_is_known_for_a_while(void **state)
{
	(void)state;
	settle("ttl=60s");
	read_it(404, "");
	assert_int_equal(answer.ttl_s, 9);
	read_it(410, "Cache-Control: max-age=100\n");
	assert_int_equal(answer.ttl_s, 9);
	read_it(404, "Cache-Control: max-age=5\n");
	assert_int_equal(answer.ttl_s, 5);
	read_it(404, "Cache-Control: no-store\n");
	assert_int_equal(answer.ttl_s, 0);
	settle("negative_ttl=0s");
	read_it(404, "Cache-Control: max-age=5\n");
	assert_int_equal(answer.ttl_s, 0);
	assert_false(answer.found);
}

static void what_does_not_fit_is_told_and_not_kept(void **state)
{
	(void)state;
	settle("ttl=60s statuses=200 statuses=203 types=text/* types=application/json");
	assert_int_equal(ttl("Content-Type: Text/HTML ; charset=x\n"), 60);
	assert_int_equal(ttl("Content-Type: application/json\n"), 60);
	assert_int_equal(ttl("Content-Type: application/json+x\n"), 0);
	assert_int_equal(ttl("Content-Type: image/png; x=text/html\n"), 0);
	assert_int_equal(ttl(""), 0);
	assert_true(answer.found);
	read_it(203, "Content-Type: text/a\n");
	assert_int_equal(answer.ttl_s, 60);
	read_it(202, "Content-Type: text/a\n");
	assert_int_equal(answer.ttl_s, 0);
	assert_int_equal(answer.fault, ORIGIN_FINE);
	assert_true(answer.found);
}

static void what_nobody_asked_for_is_odd(void **state)
{
	char lines[1024];

	(void)state;
	settle("");
	read_it(200, "Content-Encoding: gzip\n");
	assert_int_equal(answer.fault, ORIGIN_ODD);
	assert_non_null(strstr(answer.text, "encoding"));
	assert_false(answer.found);
	read_it(200, "Content-Encoding: Identity\n");
	assert_int_equal(answer.fault, ORIGIN_FINE);
	read_it(200, "Content-Type: text/\xc3\xa4\n");
	assert_int_equal(answer.fault, ORIGIN_ODD);
	snprintf(lines, sizeof(lines), "Content-Type: %0256d\n", 0);
	read_it(200, lines);
	assert_int_equal(answer.fault, ORIGIN_ODD);
	snprintf(lines, sizeof(lines), "Content-Type: %0255d\n", 0);
	read_it(200, lines);
	assert_int_equal(answer.fault, ORIGIN_FINE);
}

static void a_length_is_that_of_what_came(void **state)
{
	static const struct {
		const char *lines;
		enum origin_fault fault;
	} cases[] = {
		{ "Content-Length: 5\n", ORIGIN_FINE },
		{ "Content-Length: 5\nContent-Length: 5\n", ORIGIN_FINE },
		{ "Content-Length: 5\nContent-Length: 6\n", ORIGIN_ODD },
		{ "Content-Length: 6\nContent-Length: 5\n", ORIGIN_ODD },
		{ "Content-Length: 5, 5\n", ORIGIN_ODD },
		{ "Content-Length: \n", ORIGIN_ODD },
		{ "Content-Length: 9\nTransfer-Encoding: chunked\n", ORIGIN_FINE },
	};

	(void)state;
	settle("");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		read_it(200, cases[i].lines);
		assert_int_equal(answer.fault, cases[i].fault);
	}
}

static void what_could_not_be_invalidated_is_not_kept(void **state)
{
	char lines[4096];
	size_t n = 0;

	(void)state;
	settle("ttl=60s tags=t0 tags=t1");
	assert_int_equal(ttl("Surrogate-Key: a,b\n"), 0);
	snprintf(lines, sizeof(lines), "Surrogate-Key: %0128d\n", 0);
	assert_int_equal(ttl(lines), 60);
	snprintf(lines, sizeof(lines), "Surrogate-Key: %0129d\n", 0);
	assert_int_equal(ttl(lines), 0);
	n = (size_t)sprintf(lines, "Surrogate-Key:");
	for (int i = 0; i < 14; i++)
		n += (size_t)sprintf(lines + n, "\t%0128d", i);
	sprintf(lines + n, "\nSurrogate-Key: t1 t0\n");
	assert_int_equal(ttl(lines), 60);
	assert_int_equal(strlen(answer.tags), 2 * 2 + 14 * 128 + 15);
	sprintf(lines + n, " one-more\n");
	assert_int_equal(ttl(lines), 0);
}

static void faults_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < ORIGIN_FAULTS; i++)
		assert_non_null(origin_fault_name((enum origin_fault)i));
	assert_true(origin_fault_is_its_own(ORIGIN_FAILING));
	assert_false(origin_fault_is_its_own(ORIGIN_REFUSED));
	assert_false(origin_fault_is_its_own(ORIGIN_FINE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_comes_with_all_that_it_has),
		cmocka_unit_test(each_status_has_its_meaning),
		cmocka_unit_test(what_is_no_answer_says_why),
		cmocka_unit_test(what_it_says_of_its_time_is_honoured),
		cmocka_unit_test(what_must_be_revalidated_is_never_stale),
		cmocka_unit_test(that_there_is_none_is_known_for_a_while),
		cmocka_unit_test(what_does_not_fit_is_told_and_not_kept),
		cmocka_unit_test(what_nobody_asked_for_is_odd),
		cmocka_unit_test(a_length_is_that_of_what_came),
		cmocka_unit_test(what_could_not_be_invalidated_is_not_kept),
		cmocka_unit_test(faults_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
