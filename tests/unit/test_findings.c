#include "findings.h"
#include "rs_test.h"

static void what_does_not_fit_is_counted(void **state)
{
	static struct findings f;

	(void)state;
	findings_init(&f);
	for (int i = 0; i < FINDINGS_ROWS + 3; i++)
		findings_add(&f, "the %dth", i);
	assert_int_equal(f.count, FINDINGS_ROWS);
	assert_int_equal(f.beyond, 3);
	assert_string_equal(f.rows[0], "the 0th");
	assert_string_equal(f.rows[FINDINGS_ROWS - 1], "the 31th");
	findings_init(&f);
	assert_int_equal(f.count + f.beyond, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_does_not_fit_is_counted) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
