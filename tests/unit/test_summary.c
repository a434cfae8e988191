#include "rs_test.h"
#include "summary.h"

#include <errno.h>
#include <string.h>

static void fields_are_put_in_and_the_rest_stays(void **state)
{
	const char *values[SUMMARY_FIELDS] = {
		[SUMMARY_VALUE] = "6 s", [SUMMARY_SERVICE] = "shop"
	};
	char text[64];

	(void)state;
	summary_render("p95 {value} on {service}{route}!", values, text, sizeof(text));
	assert_string_equal(text, "p95 6 s on shop!");
	summary_render("", values, text, sizeof(text));
	assert_string_equal(text, "");
	summary_render("{value}{value}", values, text, sizeof(text));
	assert_string_equal(text, "6 s6 s");
	summary_render("{value} {service}", values, text, 6);
	assert_string_equal(text, "6 s s");
}

static void an_unknown_field_is_refused_with_the_nearest(void **state)
{
	const char *near = "";
	char field[16];

	(void)state;
	assert_int_equal(summary_check("no field", field, sizeof(field), &near), 0);
	assert_int_equal(summary_check("{value} {since}", field, sizeof(field), &near), 0);
	assert_int_equal(summary_check("a {valeu}", field, sizeof(field), &near), -EINVAL);
	assert_string_equal(field, "valeu");
	assert_string_equal(near, "value");
	assert_int_equal(summary_check("{weather-station}", field, sizeof(field), &near), -EINVAL);
	assert_null(near);
	assert_int_equal(summary_check("{value", field, sizeof(field), &near), -EINVAL);
	assert_int_equal(summary_check("value}", field, sizeof(field), &near), -EINVAL);
	assert_int_equal(summary_check("{{value}", field, sizeof(field), &near), -EINVAL);
	assert_int_equal(summary_check("{}", field, sizeof(field), &near), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_put_in_and_the_rest_stays),
		cmocka_unit_test(an_unknown_field_is_refused_with_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
