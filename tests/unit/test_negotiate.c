#include "negotiate.h"

#include "rs_test.h"

static void gzip_is_sent_to_whom_takes_it(void **state)
{
	static const struct {
		const char *text;
		bool takes;
	} cases[] = {
		{ NULL, false },           { "", false },
		{ "gzip", true },          { "GZIP", true },
		{ "x-gzip", true },        { "deflate, gzip;q=1.0, br", true },
		{ "gzip;q=0", false },     { "gzip; q=0.000", false },
		{ "gzip;q=0.001", true },  { "*", true },
		{ "*;q=0", false },        { "gzip;q=0, *", false },
		{ "*;q=0, gzip", true },   { "identity", false },
		{ "deflate", false },      { "gzipped", false },
		{ "gzip;q=2", false },     { "gzip;q=x", false },
		{ "gzip;q=nan", false },   { ",,,gzip", true },
		{ "gzip;a=b;q=0", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (negotiate_gzip(cases[i].text) != cases[i].takes)
			fail_msg("%s", cases[i].text);
	}
}

static void metrics_come_in_the_form_that_is_liked_best(void **state)
{
	static const struct {
		const char *text;
		enum negotiate_metrics form;
	} cases[] = {
		{ NULL, NEGOTIATE_TEXT },
		{ "", NEGOTIATE_TEXT },
		{ "*/*", NEGOTIATE_TEXT },
		{ "text/plain", NEGOTIATE_TEXT },
		{ "application/openmetrics-text", NEGOTIATE_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
		  NEGOTIATE_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.6",
		  NEGOTIATE_TEXT },
		/* as Prometheus 2.4x sends it */
		{ "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
		  "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		  NEGOTIATE_OPENMETRICS },
		/* as browsers send it */
		{ "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
		  NEGOTIATE_HTML },
		{ "text/html;q=0.5, text/plain", NEGOTIATE_TEXT },
		{ "text/*", NEGOTIATE_TEXT },
		{ "application/json", NEGOTIATE_TEXT },
		{ "text/html;q=0", NEGOTIATE_TEXT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (negotiate_metrics(cases[i].text) != cases[i].form)
			fail_msg("%s", cases[i].text);
	}
}

static void an_entity_tag_is_found_in_a_list(void **state)
{
	(void)state;
	assert_true(negotiate_has("\"a\"", "\"a\""));
	assert_true(negotiate_has("W/\"a\"", "\"a\""));
	assert_true(negotiate_has("\"b\", W/\"c\" ,\"a\"", "\"a\""));
	assert_true(negotiate_has("*", "\"a\""));
	assert_false(negotiate_has("\"A\"", "\"a\""));
	assert_false(negotiate_has("\"b\"", "\"a\""));
	assert_false(negotiate_has("a", "\"a\""));
	assert_false(negotiate_has("", "\"a\""));
	assert_false(negotiate_has(NULL, "\"a\""));
	assert_false(negotiate_has("\"ab\"", "\"a\""));
}

static void a_weak_one_matches_nothing_that_is_to_be_changed(void **state)
{
	(void)state;
	assert_true(negotiate_matches("\"b\", \"a\"", "\"a\""));
	assert_true(negotiate_matches("*", "\"a\""));
	assert_false(negotiate_matches("W/\"a\"", "\"a\""));
	assert_false(negotiate_matches("\"b\"", "\"a\""));
	assert_false(negotiate_matches("", "\"a\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzip_is_sent_to_whom_takes_it),
		cmocka_unit_test(metrics_come_in_the_form_that_is_liked_best),
		cmocka_unit_test(an_entity_tag_is_found_in_a_list),
		cmocka_unit_test(a_weak_one_matches_nothing_that_is_to_be_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
