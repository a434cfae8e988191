#include "escalation.h"
#include "rs_test.h"

#include <string.h>

static void a_level_says_from_when_and_whom(void **state)
{
	struct escalation e;
	const char *reason;

	(void)state;
	assert_int_equal(
		escalation_parse("after=6 when=service-impacting notify=a notify=b", &e, &reason),
		0);
	assert_int_equal(e.after, 6);
	assert_true(e.impacting);
	assert_int_equal(e.count, 2);
	assert_string_equal(e.notify[1], "b");
	assert_int_equal(escalation_parse("notify=a after=2", &e, &reason), 0);
	assert_false(e.impacting);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "", "must say after" },
		{ "after=3", "must say after" },
		{ "notify=a", "must say after" },
		{ "after=1 notify=a", "after must be" },
		{ "after=1001 notify=a", "after must be" },
		{ "after=3x notify=a", "after must be" },
		{ "after=3 notify=", "notify must be" },
		{ "after=3 notify=abcdefghijklmnopqrstuvwx", "notify must be" },
		{ "after=3 notify=a when=always", "when can be" },
		{ "after=3 notify=a then=b", "must be after" },
	};
	struct escalation e;
	const char *reason;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(escalation_parse(cases[i].text, &e, &reason) < 0);
		assert_memory_equal(reason, cases[i].reason, strlen(cases[i].reason));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_level_says_from_when_and_whom),
		cmocka_unit_test(what_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
