#include "library.h"
#include "rs_test.h"

#include <errno.h>
#include <math.h>

static double (*cosine)(double x);
static double (*power)(double x, double y);
static void (*nothing)(void);

static void each_pointer_is_the_function_of_its_name(void **state)
{
	const struct library_function functions[] = { { "cos", &cosine }, { "pow", &power } };

	(void)state;
	assert_int_equal(library_open("libm.so.6", functions, 2), 0);
	assert_true(cosine(0) > 0.999);
	assert_int_equal((int)power(2, 10), 1024);
	assert_int_equal(library_open("libm.so.6", functions, 2), 0);
}

static void what_is_not_there_is_told(void **state)
{
	const struct library_function functions[] = { { "cos", &cosine },
						      { "rs_no_such_function", &nothing } };

	(void)state;
	assert_int_equal(library_open("libm.so.6", functions, 2), -ELIBACC);
	assert_null(nothing);
	assert_int_equal(library_open("libringside-no-such.so.1", functions, 1), -ELIBACC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pointer_is_the_function_of_its_name),
		cmocka_unit_test(what_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
