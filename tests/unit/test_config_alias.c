#include "config_alias.h"

#include "config.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>

static struct config *config;
static struct config_error error;

static int setup(void **state)
{
	(void)state;
	return config_open(&config);
}

static int teardown(void **state)
{
	(void)state;
	config_close(config);
	return 0;
}

static int read_text(const char *json)
{
	return config_read(config, "c.json", json, strlen(json), &error);
}

static void the_guides_own_object_is_understood(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"alerts\":{\"enabled\":true,\"checkInterval\":15000,"
				   "\"cooldownPeriod\":120000.5,\"escalationThreshold\":4}}"),
			 0);
	assert_int_equal(config_span_ns(config, CONFIG_ALERTS_CHECK_INTERVAL), 15000000000);
	assert_int_equal(config_span_ns(config, CONFIG_ALERTS_COOLDOWN), 120000500000);
	assert_int_equal((int)config_number(config, CONFIG_ALERTS_ESCALATION_THRESHOLD), 4);
}

static void a_text_with_its_unit_is_taken_too(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"alerts\":{\"checkInterval\":\"10s\"}}"), 0);
	assert_int_equal(config_span_ns(config, CONFIG_ALERTS_CHECK_INTERVAL), 10000000000);
}

static void our_own_names_need_their_unit_still(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"alerts\":{\"check_interval\":15000}}"), -EINVAL);
}

static void what_is_wrong_is_told_where_it_stands(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"alerts\":{\n\"checkInterval\":-5}}"), -EINVAL);
	assert_non_null(strstr(error.text, "c.json:2: "));
	assert_int_equal(read_text("{\"alerts\":{\n\"checkInterval\":true}}"), -EINVAL);
	assert_int_equal(
		read_text("{\"alerts\":{\"check_interval\":\"10s\",\n\"checkInterval\":1}}"),
		-EINVAL);
	assert_non_null(strstr(error.text, "c.json:2: alerts.checkInterval: stands here as "
					   "alerts.check_interval already"));
	assert_int_equal(read_text("{\"checkInterval\":1}"), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_guides_own_object_is_understood),
		TEST(a_text_with_its_unit_is_taken_too),
		TEST(our_own_names_need_their_unit_still),
		TEST(what_is_wrong_is_told_where_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
