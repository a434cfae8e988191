#include "facility.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>

static void states_have_the_names_of_the_api(void **state)
{
	(void)state;
	assert_string_equal(facility_state_name(FACILITY_IDLE), "notNeeded");
	assert_string_equal(facility_state_name(FACILITY_LOADED), "loaded");
	assert_string_equal(facility_state_name(FACILITY_REFUSED), "refused");
	assert_string_equal(facility_state_name(FACILITY_STATES), "unknown");
}

static void errors_have_reasons_of_their_own(void **state)
{
	static const int errors[] = {
		0, EPERM, ENOSYS, EPFNOSUPPORT, ENOENT, EINVAL, ENOMEM, E2BIG
	};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(facility_error_text(errors[i]),
						facility_error_text(errors[k]));
	assert_non_null(strstr(facility_error_text(EACCES), "CAP_BPF"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_have_the_names_of_the_api),
		cmocka_unit_test(errors_have_reasons_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
