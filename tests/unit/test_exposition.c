#include "exposition.h"

#include "rs_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct exposition_family counter = { "a", "Counts.", EXPOSITION_COUNTER };
static const struct exposition_family gauge = { "b", "Stands.", EXPOSITION_GAUGE };
static const struct exposition_family histogram = { "c_seconds", "Lasts.", EXPOSITION_HISTOGRAM };

static void written(struct exposition *e, const char *expected)
{
	size_t length, wanted = strlen(expected);
	char *bytes;

	assert_int_equal(exposition_finish(e, &bytes, &length), 0);
	if (length != wanted || memcmp(bytes, expected, wanted) != 0)
		fail_msg("%.*s", (int)length, bytes);
	free(bytes);
}

static void counter_and_gauge(struct exposition *e)
{
	struct exposition_labels l;

	exposition_labels_init(&l);
	exposition_head(e, &counter);
	exposition_uint(e, NULL, UINT64_MAX);
	exposition_head(e, &gauge);
	exposition_label(&l, "x", "1");
	exposition_label(&l, "y", "2");
	exposition_value(e, &l, 0.25);
}

static void the_old_form_has_total_in_its_heads(void **state)
{
	struct exposition e;

	(void)state;
	exposition_init(&e, false);
	counter_and_gauge(&e);
	written(&e, "# HELP a_total Counts.\n# TYPE a_total counter\na_total 18446744073709551615\n"
		    "# HELP b Stands.\n# TYPE b gauge\nb{x=\"1\",y=\"2\"} 0.25\n");
}

static void openmetrics_has_total_in_samples_alone_and_an_end(void **state)
{
	struct exposition e;

	(void)state;
	exposition_init(&e, true);
	counter_and_gauge(&e);
	written(&e, "# HELP a Counts.\n# TYPE a counter\na_total 18446744073709551615\n"
		    "# HELP b Stands.\n# TYPE b gauge\nb{x=\"1\",y=\"2\"} 0.25\n# EOF\n");
}

static void a_histogram_adds_up_and_ends_in_its_count(void **state)
{
	static const double bounds[] = { 0.5, 1 };
	static const uint64_t steps[] = { 1, 0, 2 };
	const struct exposition_histogram h = { bounds, steps, 2, 7.5 };
	struct exposition_labels l;
	struct exposition e;

	(void)state;
	exposition_labels_init(&l);
	exposition_init(&e, true);
	exposition_head(&e, &histogram);
	exposition_label(&l, "x", "1");
	exposition_histogram(&e, &l, &h);
	written(&e, "# HELP c_seconds Lasts.\n# TYPE c_seconds histogram\n"
		    "c_seconds_bucket{x=\"1\",le=\"0.5\"} 1\n"
		    "c_seconds_bucket{x=\"1\",le=\"1.0\"} 1\n"
		    "c_seconds_bucket{x=\"1\",le=\"+Inf\"} 3\n"
		    "c_seconds_sum{x=\"1\"} 7.5\nc_seconds_count{x=\"1\"} 3\n# EOF\n");
	exposition_init(&e, false);
	exposition_head(&e, &histogram);
	exposition_histogram(&e, &l, &h);
	assert_non_null(strstr(e.bytes, "le=\"1\"} 1\n"));
	exposition_fini(&e);
}

static void what_is_on_every_sample_stands_in_front(void **state)
{
	static const double bounds[] = { 1 };
	static const uint64_t steps[] = { 1, 0 };
	const struct exposition_histogram h = { bounds, steps, 1, 0.5 };
	struct exposition_labels l;
	struct exposition e;

	(void)state;
	exposition_labels_init(&l);
	exposition_label(&l, "x", "1");
	exposition_init(&e, false);
	exposition_label(&e.base, "z", "9");
	exposition_head(&e, &gauge);
	exposition_uint(&e, NULL, 1);
	exposition_uint(&e, &l, 2);
	exposition_head(&e, &histogram);
	exposition_histogram(&e, &l, &h);
	written(&e, "# HELP b Stands.\n# TYPE b gauge\nb{z=\"9\"} 1\nb{z=\"9\",x=\"1\"} 2\n"
		    "# HELP c_seconds Lasts.\n# TYPE c_seconds histogram\n"
		    "c_seconds_bucket{z=\"9\",x=\"1\",le=\"1\"} 1\n"
		    "c_seconds_bucket{z=\"9\",x=\"1\",le=\"+Inf\"} 1\n"
		    "c_seconds_sum{z=\"9\",x=\"1\"} 0.5\nc_seconds_count{z=\"9\",x=\"1\"} 1\n");
}

static void label_values_are_escaped(void **state)
{
	struct exposition_labels l;

	(void)state;
	exposition_labels_init(&l);
	exposition_label(&l, "x", "a\\b\"c\nd");
	assert_string_equal(l.text, "x=\"a\\\\b\\\"c\\nd\"");
	assert_int_equal(l.length, strlen(l.text));
}

static void the_longest_names_of_a_target_fit_with_every_byte_escaped(void **state)
{
	char service[72], environment[40], route[129];
	struct exposition_labels l;

	(void)state;
	memset(service, '\\', sizeof(service));
	memset(environment, '"', sizeof(environment));
	memset(route, '\\', sizeof(route));
	service[71] = environment[39] = route[128] = '\0';
	exposition_labels_init(&l);
	exposition_label(&l, "service", service);
	exposition_label(&l, "environment", environment);
	exposition_label(&l, "http_request_method", "OPTIONS");
	exposition_label(&l, "http_route", route);
	assert_string_equal(l.text + l.length - 3, "\\\\\"");
	/* service="…", then three more with their commas */
	assert_int_equal(l.length, 9 + 142 + 1 + 14 + 78 + 1 + 22 + 7 + 1 + 13 + 256 + 1);
}

static void a_value_that_is_too_long_is_cut_and_closed(void **state)
{
	static char value[2 * EXPOSITION_LABELS];
	struct exposition_labels l;

	(void)state;
	memset(value, '"', sizeof(value) - 1);
	exposition_labels_init(&l);
	exposition_label(&l, "x", value);
	assert_true(l.length < EXPOSITION_LABELS);
	assert_int_equal(l.text[l.length], '\0');
	assert_int_equal(l.text[l.length - 1], '"');
	assert_int_equal(l.length % 2, 0); /* x=" … ": no half of an escape */
	exposition_label(&l, "y", "1");
	assert_null(strstr(l.text, "y="));
}

static void what_is_unknown_is_left_out(void **state)
{
	struct exposition e;

	(void)state;
	exposition_init(&e, false);
	exposition_head(&e, &gauge);
	exposition_value(&e, NULL, -1);
	exposition_value(&e, NULL, 0.0 / 0.0);
	written(&e, "# HELP b Stands.\n# TYPE b gauge\n");
}

static void large_numbers_keep_their_digits(void **state)
{
	struct exposition e;

	(void)state;
	exposition_init(&e, false);
	exposition_head(&e, &gauge);
	exposition_value(&e, NULL, 123456789012345);
	exposition_value(&e, NULL, 1700000000.123);
	assert_non_null(strstr(e.bytes, "b 123456789012345\n"));
	assert_non_null(strstr(e.bytes, "b 1700000000.123\n"));
	exposition_fini(&e);
}

static void much_text_grows_the_buffer(void **state)
{
	struct exposition e;
	size_t length;
	char *bytes;

	(void)state;
	exposition_init(&e, false);
	exposition_head(&e, &gauge);
	for (int i = 0; i < 100000; i++)
		exposition_uint(&e, NULL, 7);
	assert_int_equal(exposition_finish(&e, &bytes, &length), 0);
	assert_int_equal(length, strlen("# HELP b Stands.\n# TYPE b gauge\n") + 400000);
	free(bytes);
}

static void a_failure_is_told_at_the_end(void **state)
{
	struct exposition e;
	size_t length;
	char *bytes;

	(void)state;
	exposition_init(&e, true);
	exposition_head(&e, &gauge);
	e.failed = true;
	assert_int_equal(exposition_finish(&e, &bytes, &length), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_old_form_has_total_in_its_heads),
		cmocka_unit_test(openmetrics_has_total_in_samples_alone_and_an_end),
		cmocka_unit_test(a_histogram_adds_up_and_ends_in_its_count),
		cmocka_unit_test(what_is_on_every_sample_stands_in_front),
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(the_longest_names_of_a_target_fit_with_every_byte_escaped),
		cmocka_unit_test(a_value_that_is_too_long_is_cut_and_closed),
		cmocka_unit_test(what_is_unknown_is_left_out),
		cmocka_unit_test(large_numbers_keep_their_digits),
		cmocka_unit_test(much_text_grows_the_buffer),
		cmocka_unit_test(a_failure_is_told_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
