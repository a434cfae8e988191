#include "metric.h"
#include "rs_test.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The value of a JSON text in a unit; NAN: it was refused. */
static double parsed(const char *text, enum metric_unit unit)
{
	char list[64];
	struct tree_error error;
	const char *reason = NULL;
	struct tree *root;
	double value;
	int ret;

	snprintf(list, sizeof(list), "[%s]", text);
	assert_int_equal(tree_open(&root, list, strlen(list), &error), 0);
	ret = metric_value_parse(tree_at(root, 0), unit, &value, &reason);
	tree_close(root);
	assert_non_null(reason);
	return ret ? (double)NAN : value;
}

static void each_metric_has_a_name_a_help_and_its_usual_function(void **state)
{
	const char *near;

	(void)state;
	for (int i = 0; i < METRICS_OF_RULES; i++) {
		const struct metric_info *info = metric_info((enum metric)i);

		assert_non_null(info->name);
		assert_non_null(info->help);
		assert_true(info->functions & METRIC_BIT(info->usual));
		assert_true(info->service || !info->route);
		assert_int_equal(metric_find(info->name, &near), i);
	}
}

static void a_slip_of_a_name_finds_the_nearest(void **state)
{
	const char *near;

	(void)state;
	assert_int_equal(metric_find("request.duration", &near), -ENOENT);
	assert_string_equal(near, "requests.duration");
	assert_int_equal(metric_find("weather", &near), -ENOENT);
	assert_null(near);
	assert_int_equal(metric_function_find("p99", &near), METRIC_P99);
	assert_int_equal(metric_function_find("mx", &near), -ENOENT);
	assert_string_equal(near, "max");
}

static void a_value_takes_the_unit_of_its_metric(void **state)
{
	(void)state;
	assert_true(parsed("\"2s\"", METRIC_UNIT_MS) == 2000);
	assert_true(parsed("\"80%\"", METRIC_UNIT_PERCENT) == 80);
	assert_true(parsed("-50", METRIC_UNIT_PERCENT) == -50);
	assert_true(parsed("\"64MiB\"", METRIC_UNIT_BYTES) == 64 * 1048576.0);
	assert_true(parsed("\"1MiB/s\"", METRIC_UNIT_BYTES_RATE) == 1048576);
	assert_true(parsed("\"600/min\"", METRIC_UNIT_RATE) == 10);
	assert_true(parsed("\"10/s\"", METRIC_UNIT_RATE) == 10);
	assert_true(parsed("3", METRIC_UNIT_NUMBER) == 3);
}

static void a_value_of_another_unit_is_refused(void **state)
{
	(void)state;
	assert_true(isnan(parsed("2000", METRIC_UNIT_MS)));
	assert_true(isnan(parsed("\"80%\"", METRIC_UNIT_MS)));
	assert_true(isnan(parsed("\"2s\"", METRIC_UNIT_PERCENT)));
	assert_true(isnan(parsed("\"2s\"", METRIC_UNIT_BYTES)));
	assert_true(isnan(parsed("\"10\"", METRIC_UNIT_RATE)));
	assert_true(isnan(parsed("\"%\"", METRIC_UNIT_PERCENT)));
	assert_true(isnan(parsed("\"3%\"", METRIC_UNIT_NUMBER)));
	assert_true(isnan(parsed("true", METRIC_UNIT_NUMBER)));
	assert_true(isnan(parsed("null", METRIC_UNIT_BYTES)));
}

static void a_function_changes_the_unit(void **state)
{
	(void)state;
	assert_int_equal(metric_unit_of(METRIC_REQUESTS_ERRORS, METRIC_RATIO), METRIC_UNIT_PERCENT);
	assert_int_equal(metric_unit_of(METRIC_REQUESTS_ERRORS, METRIC_RATE), METRIC_UNIT_RATE);
	assert_int_equal(metric_unit_of(METRIC_REQUESTS_ERRORS, METRIC_DELTA), METRIC_UNIT_NUMBER);
	assert_int_equal(metric_unit_of(METRIC_IO_READ, METRIC_RATE), METRIC_UNIT_BYTES_RATE);
	assert_int_equal(metric_unit_of(METRIC_REQUESTS_DURATION, METRIC_P95), METRIC_UNIT_MS);
}

static void values_are_written_as_people_read_them(void **state)
{
	static const struct {
		double value;
		enum metric_unit unit;
		const char *text;
	} cases[] = {
		{ 950, METRIC_UNIT_MS, "950 ms" },
		{ 6120, METRIC_UNIT_MS, "6.12 s" },
		{ 85.25, METRIC_UNIT_PERCENT, "85.25 %" },
		{ 1536, METRIC_UNIT_BYTES, "1.5 KiB" },
		{ 100, METRIC_UNIT_BYTES_RATE, "100 B/s" },
		{ 2.5, METRIC_UNIT_RATE, "2.5/s" },
		{ 4, METRIC_UNIT_NUMBER, "4" },
		{ (double)NAN, METRIC_UNIT_MS, "unknown" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		metric_value_format(cases[i].value, cases[i].unit, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
	assert_string_equal(metric_unit_name(METRIC_UNIT_MS), "ms");
	assert_string_equal(metric_unit_name(METRIC_UNIT_NUMBER), "count");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_metric_has_a_name_a_help_and_its_usual_function),
		cmocka_unit_test(a_slip_of_a_name_finds_the_nearest),
		cmocka_unit_test(a_value_takes_the_unit_of_its_metric),
		cmocka_unit_test(a_value_of_another_unit_is_refused),
		cmocka_unit_test(a_function_changes_the_unit),
		cmocka_unit_test(values_are_written_as_people_read_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
