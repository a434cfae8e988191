#include "rs_test.h"
#include "sets.h"

#include <errno.h>
#include <string.h>

/* Whatever the kernel says: an object that cannot be read has no programs. */
static void every_set_has_a_name_a_reason_and_programs(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SETS; i++) {
		const struct probe_set *set = sets_at((enum sets)i);
		struct probe_state all;

		assert_true(strlen(set->name) > 0 && strlen(set->name) < FACILITY_SET);
		assert_true(strlen(set->without) > 0);
		probe_idle(set, &all);
		assert_in_range(all.count, 1, PROBE_PROGRAMS);
		for (uint32_t k = 0; k < all.count; k++) {
			assert_int_equal(all.facilities[k].state, FACILITY_IDLE);
			assert_string_equal(all.facilities[k].set, set->name);
			assert_true(strlen(all.facilities[k].name) > 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_set_has_a_name_a_reason_and_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
