#include "tally.h"

#include "rs_test.h"

#include <stdbool.h>
#include <string.h>

static void each_kind_is_declared(void **state)
{
	(void)state;
	for (int i = 0; i < TALLY_KINDS; i++) {
		const struct tally_info *info = tally_info((enum tally_kind)i);

		assert_non_null(info->name);
		assert_int_equal(strncmp(info->name, "ringside_web_", 13), 0);
		assert_null(strstr(info->name, "_total"));
		assert_true(info->help[strlen(info->help) - 1] == '.');
		assert_true(info->unit[0]);
		assert_int_equal(info->label == NULL, info->value == NULL);
	}
}

static void kinds_of_one_name_stand_side_by_side_and_differ(void **state)
{
	(void)state;
	for (int i = 0; i < TALLY_KINDS; i++) {
		const struct tally_info *a = tally_info((enum tally_kind)i);

		for (int k = i + 1; k < TALLY_KINDS; k++) {
			const struct tally_info *b = tally_info((enum tally_kind)k);

			if (strcmp(a->name, b->name) != 0)
				continue;
			assert_string_equal(tally_info((enum tally_kind)(k - 1))->name, a->name);
			assert_string_equal(a->help, b->help);
			assert_string_equal(a->label, b->label);
			assert_string_not_equal(a->value, b->value);
		}
	}
}

static void a_reply_counts_in_its_class(void **state)
{
	struct tally t = { { 0 } };

	(void)state;
	tally_reply(&t, 200);
	tally_reply(&t, 304);
	tally_reply(&t, 404);
	tally_reply(&t, 413);
	tally_reply(&t, 503);
	tally_reply(&t, 0);
	tally_reply(&t, 999);
	assert_int_equal(t.counts[TALLY_REPLIES_2XX], 2);
	assert_int_equal(t.counts[TALLY_REPLIES_3XX], 1);
	assert_int_equal(t.counts[TALLY_REPLIES_4XX], 2);
	assert_int_equal(t.counts[TALLY_REPLIES_5XX], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_declared),
		cmocka_unit_test(kinds_of_one_name_stand_side_by_side_and_differ),
		cmocka_unit_test(a_reply_counts_in_its_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
