#include "proof.h"

#include "config.h"
#include "rs_test.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RULE                                                                                       \
	"{\"name\":\"busy\",\"metric\":\"cpu.percent\",\"interval\":\"10s\","                      \
	"\"warning\":{\"above\":70}}"
#define SERIES                                                                                     \
	"\"lasts\":\"2m\",\"series\":[{\"service\":\"shop\",\"metric\":\"cpu.percent\","           \
	"\"samples\":[{\"to\":\"1m\",\"value\":90},{\"from\":\"1m\",\"value\":10}]}]"
#define FIRES "{\"at\":\"1s\",\"rule\":\"busy\",\"state\":\"firing\"}"
#define ENDS "{\"at\":\"61s\",\"rule\":\"busy\",\"state\":\"resolved\"}"

static char folder[] = "/tmp/ringside-proof-XXXXXX";
static char scenario[64], rules[64];
static struct config *config;

static int group_setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(scenario, sizeof(scenario), "%s/scenario.json", folder);
	snprintf(rules, sizeof(rules), "%s/rules.json", folder);
	return config_open(&config);
}

static int group_teardown(void **state)
{
	(void)state;
	config_close(config);
	unlink(scenario);
	unlink(rules);
	return rmdir(folder);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int judged(const char *text, bool with_rules)
{
	char *const files[] = { scenario, with_rules ? rules : NULL, NULL };

	put(scenario, text);
	return proof_run(config, "/nonexistent", files, false);
}

static void what_comes_as_expected_is_good(void **state)
{
	(void)state;
	assert_int_equal(
		judged("{\"rules\":[" RULE "]," SERIES ",\"expect\":[" FIRES "," ENDS "]}", false),
		0);
}

static void what_does_not_is_bad(void **state)
{
	(void)state;
	assert_int_equal(judged("{\"rules\":[" RULE "]," SERIES ",\"expect\":[" FIRES "]}", false),
			 VERBS_BAD);
	assert_int_equal(judged("{\"rules\":[" RULE "]," SERIES ",\"expect\":[]}", false),
			 VERBS_BAD);
}

static void rules_may_stand_in_files_of_their_own(void **state)
{
	(void)state;
	put(rules, "[" RULE "]");
	assert_int_equal(judged("{" SERIES ",\"expect\":[" FIRES "," ENDS "]}", true), 0);
}

static void a_rule_that_is_not_there_cannot_be_expected(void **state)
{
	(void)state;
	assert_int_equal(judged("{" SERIES ",\"expect\":[" FIRES "," ENDS "]}", false), VERBS_BAD);
}

static void a_bad_rule_is_refused(void **state)
{
	(void)state;
	assert_int_equal(judged("{\"rules\":[{\"name\":\"x\"}]," SERIES "}", false), VERBS_BAD);
}

static void a_file_that_is_not_there_is_refused(void **state)
{
	char *const files[] = { (char[]){ "/nonexistent/x.json" }, NULL };

	(void)state;
	assert_int_equal(proof_run(config, "/nonexistent", files, false), VERBS_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_as_expected_is_good),
		cmocka_unit_test(what_does_not_is_bad),
		cmocka_unit_test(rules_may_stand_in_files_of_their_own),
		cmocka_unit_test(a_rule_that_is_not_there_cannot_be_expected),
		cmocka_unit_test(a_bad_rule_is_refused),
		cmocka_unit_test(a_file_that_is_not_there_is_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
