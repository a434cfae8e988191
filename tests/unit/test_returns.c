#include "../../agent/capture/returns.c"
#include "rs_test.h"

#define NO_CALL 100000u /* as it is on kernels without the real one */

static void a_kernel_without_the_call_is_safe(void **state)
{
	(void)state;
	assert_int_equal(returns_try(NO_CALL, false), RETURNS_NO_CALL);
	assert_true(returns_come_through(NO_CALL));
}

/* Stands for the call on a kernel whose filters see it: it is answered where it should not be. */
static void a_call_that_answers_is_not_taken_for_safe(void **state)
{
	(void)state;
	assert_int_equal(returns_try(SYS_getppid, false), RETURNS_FILTERED);
	assert_false(returns_come_through(SYS_getppid));
}

static void the_filter_hides_a_call(void **state)
{
	(void)state;
	assert_int_equal(returns_try(NO_CALL, true), RETURNS_FILTERED); /* EPERM, not ENOSYS */
}

static void this_kernel_is_judged_by_both_trials(void **state)
{
#if defined(__x86_64__)
	enum returns_end plain = returns_try(RETURNS_CALL, false);
	enum returns_end filtered = returns_try(RETURNS_CALL, true);

	(void)state;
	assert_true(plain == RETURNS_NO_CALL || plain == RETURNS_MADE);
	assert_int_equal(returns_are_safe(), plain == RETURNS_NO_CALL || filtered == RETURNS_MADE);
#else
	(void)state;
	assert_true(returns_are_safe());
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_without_the_call_is_safe),
		cmocka_unit_test(a_call_that_answers_is_not_taken_for_safe),
		cmocka_unit_test(the_filter_hides_a_call),
		cmocka_unit_test(this_kernel_is_judged_by_both_trials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
