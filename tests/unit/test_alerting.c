#include "alerting.h"

#include "config.h"
#include "health.h"
#include "metrics_fixture.h"
#include "parts.h"

#include <stdio.h>

#define RELOADED                                                                                   \
	"{\"alerts\": {\"channels\": {\"fix\": {\"type\": \"cache_clear\", \"pattern\": \"*\"}},"  \
	"\"notify\": [\"fix\"], \"escalation_threshold\": 5}}"

static char folder[32];

static int open_it(struct alerting *a, const struct config *config, struct metrics *metrics,
		   struct health *health)
{
	const struct alerting_config c = { .config = config,
					   .now = config,
					   .metrics = metrics,
					   .health = health,
					   .folder = folder,
					   .runner = -1,
					   .actions = -1 };

	return alerting_open(a, &c);
}

static struct health_part only_part(struct health *health, const char *name)
{
	struct health_part parts[HEALTH_PARTS];
	size_t count = health_list(health, parts, HEALTH_PARTS);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(parts[i].name, name))
			return parts[i];
	fail_msg("no part %s", name);
	return parts[0];
}

static void it_can_be_turned_off(void **state)
{
	struct alerting a = { .alerts = NULL };
	const struct parts parts = { .memory = 1 };
	struct config_error error;
	struct health *health;
	struct config *config;
	struct fixture f;

	(void)state;
	fixture_open(&f, SECOND);
	assert_int_equal(health_open(&health), 0);
	assert_int_equal(config_open(&config), 0);
	assert_int_equal(config_read(config, "c", "{\"alerts\": {\"enabled\": false}}", 30, &error),
			 0);
	assert_int_equal(open_it(&a, config, f.m, health), 0);
	assert_null(a.alerts);
	assert_int_equal(only_part(health, "alerts").status, HEALTH_INFO);
	alerting_rules(&a, -1);
	alerting_second(&a, &parts);
	alerting_close(&a);
	config_close(config);
	health_close(health);
	metrics_close(f.m);
}

static void it_runs_with_what_is_configured(void **state)
{
	struct alerting a = { .alerts = NULL };
	const struct parts parts = { .memory = 1 };
	struct alerts_rule *rows;
	struct config_error error;
	struct health *health;
	struct config *config;
	struct fixture f;

	(void)state;
	fixture_open(&f, SECOND);
	assert_int_equal(health_open(&health), 0);
	assert_int_equal(config_open(&config), 0);
	assert_int_equal(
		config_read(config, "c", "{\"alerts\": {\"cooldown\": \"7m\"}}", 30, &error), 0);
	assert_int_equal(open_it(&a, config, f.m, health), 0);
	assert_non_null(a.alerts);
	assert_int_equal(only_part(health, "channel.email").status, HEALTH_INFO);
	assert_string_equal(a.base, "http://127.0.0.1:9977");
	alerting_second(&a, &parts);
	assert_int_equal(only_part(health, "alerts").status, HEALTH_HEALTHY);
	assert_true(alerts_rule_list(a.alerts, &rows) > 0);
	assert_int_equal(rows[0].spec.cooldown_ns, 420 * SECOND);
	free(rows);
	assert_int_equal(config_read(config, "c", RELOADED, sizeof(RELOADED) - 1, &error), 0);
	alerting_reload(&a, config);
	assert_int_equal(a.channels->count, 3);
	assert_int_equal(a.channels->second, 5);
	alerting_second(&a, &parts);
	assert_int_equal(only_part(health, "channel.fix").status, HEALTH_HEALTHY);
	alerting_close(&a);
	config_close(config);
	health_close(health);
	metrics_close(f.m);
}

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rs_alerting_XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_can_be_turned_off),
		cmocka_unit_test(it_runs_with_what_is_configured),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
