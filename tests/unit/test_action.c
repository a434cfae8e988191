#include "action.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define P "\x1f"

static void a_command_begins_with_a_path_and_knows_its_places(void **state)
{
	static const struct {
		const char *text, *reason; /* NULL: it is good */
	} cases[] = {
		{ "/bin/true", NULL },
		{ "/bin/echo" P "a b" P "" P "{service}" P "{value}!" P "{}" P "{Any}", NULL },
		{ "true", "absolute path" },
		{ "", "absolute path" },
		{ "/bin/echo" P "{servise}", "a value that there is not" },
		{ "/b" P "1" P "2" P "3" P "4" P "5" P "6" P "7" P "8" P "9" P "10" P "11" P "12" P
		  "13" P "14" P "15" P "16" P "17" P "18" P "19" P "20" P "21" P "22" P "23" P
		  "24" P "25" P "26" P "27" P "28" P "29" P "30" P "31",
		  NULL },
		{ "/b" P "1" P "2" P "3" P "4" P "5" P "6" P "7" P "8" P "9" P "10" P "11" P "12" P
		  "13" P "14" P "15" P "16" P "17" P "18" P "19" P "20" P "21" P "22" P "23" P
		  "24" P "25" P "26" P "27" P "28" P "29" P "30" P "31" P "32",
		  "more than 32 words" },
	};
	const char *reason;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ret = action_check_command(cases[i].text, &reason);

		if (!cases[i].reason != !ret || (ret && !strstr(reason, cases[i].reason)))
			fail_msg("%s: %s", cases[i].text, reason);
	}
}

static void a_value_is_one_word_whatever_is_in_it(void **state)
{
	char command[] = "/bin/x" P "{service}" P "" P "a {service}" P "{route}";
	struct action_values values = { 0 };
	const char *words[ACTION_WORDS + 1];

	(void)state;
	strcpy(values.at[ACTION_SERVICE], "a; rm -rf $HOME" P "{rule}");
	action_arguments(command, &values, words);
	assert_string_equal(words[0], "/bin/x");
	assert_string_equal(words[1], "a; rm -rf $HOME" P "{rule}");
	assert_string_equal(words[2], "");
	assert_string_equal(words[3], "a {service}");
	assert_string_equal(words[4], "");
	assert_null(words[5]);
}

static void root_is_no_user_of_a_command(void **state)
{
	const char *reason;

	(void)state;
	assert_int_equal(action_check_user("ops", &reason), 0);
	assert_int_equal(action_check_user("1000", &reason), 0);
	assert_int_equal(action_check_user("root", &reason), -EINVAL);
	assert_int_equal(action_check_user("0", &reason), -EINVAL);
	assert_int_equal(action_check_user("00", &reason), -EINVAL);
	assert_int_equal(action_check_user("a b", &reason), -EINVAL);
}

static void a_unit_is_one_of_the_list(void **state)
{
	char unit[ACTION_UNIT];
	const char *reason;

	(void)state;
	assert_int_equal(action_check_units("shop.service,a@1.service", &reason), 0);
	assert_int_equal(action_check_units("shop", &reason), -EINVAL);
	assert_int_equal(action_check_units("shop.", &reason), -EINVAL);
	assert_int_equal(action_check_units(".service", &reason), -EINVAL);
	assert_int_equal(action_check_units("a.service,/b.service", &reason), -EINVAL);
	assert_int_equal(action_check_units("a.service,,b.service", &reason), -EINVAL);
	assert_int_equal(action_unit("shop.service", "api", unit), 0);
	assert_string_equal(unit, "shop.service"); /* it is the only one */
	assert_int_equal(action_unit("shop.service,api.service", "api", unit), 0);
	assert_string_equal(unit, "api.service");
	assert_int_equal(action_unit("shop.service,api.service", "ap", unit), -ENOENT);
	assert_int_equal(action_unit("shop.service,api.service", "sshd", unit), -ENOENT);
}

static void values_are_not_believed(void **state)
{
	struct action_values values = { 0 };
	const char *reason;

	(void)state;
	assert_int_equal(action_values_check(&values, &reason), 0);
	memset(values.at[ACTION_ROUTE], 'x', ACTION_TEXT);
	assert_int_equal(action_values_check(&values, &reason), 0);
	assert_int_equal(strlen(values.at[ACTION_ROUTE]), ACTION_TEXT - 1);
	strcpy(values.at[ACTION_SERVICE], "--force");
	assert_int_equal(action_values_check(&values, &reason), -EINVAL);
	assert_non_null(strstr(reason, "option"));
	values.at[ACTION_SERVICE][0] = '\0';
	strcpy(values.at[ACTION_VALUE], "-72 %"); /* of traffic that falls */
	strcpy(values.at[ACTION_LIMIT], "-50 %");
	assert_int_equal(action_values_check(&values, &reason), 0);
	strcpy(values.at[ACTION_LIMIT], "-x");
	assert_int_equal(action_values_check(&values, &reason), -EINVAL);
	values.at[ACTION_LIMIT][0] = '\0';
	strcpy(values.at[ACTION_SERVICE], "a\nb");
	assert_int_equal(action_values_check(&values, &reason), -EINVAL);
	assert_non_null(strstr(reason, "control"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_begins_with_a_path_and_knows_its_places),
		cmocka_unit_test(a_value_is_one_word_whatever_is_in_it),
		cmocka_unit_test(root_is_no_user_of_a_command),
		cmocka_unit_test(a_unit_is_one_of_the_list),
		cmocka_unit_test(values_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
