#include "revive.h"
#include "rs_test.h"

#include <stdlib.h>
#include <string.h>

/* With one there it is told by tests/flow/test_actions.py. */
static void where_there_is_no_bus_it_says_so(void **state)
{
	char text[160] = "";

	(void)state;
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/there/is/no/bus", 1);
	assert_int_equal(revive_unit("shop.service", text, sizeof(text)), 1);
	if (!strstr(text, "No such file or directory") && !strstr(text, "cannot be opened"))
		fail_msg("%s", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(where_there_is_no_bus_it_says_so) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
