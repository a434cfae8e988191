#include "fleeting.h"

#include "deposit.h"
#include "moment.h"
#include "redis_client.h"
#include "store_fixture.h"

static struct config *config;
static struct health *health;
static struct fixture x;
static struct redis *redis;
static struct depot depot;
static struct fleeting fleeting;
static char host[PARCEL_HOST];

static uint32_t half(void)
{
	return UINT32_MAX / 2;
}

static int setup(void **state)
{
	static const struct redis_url nobody = { .count = 1,
						 .places = { { .host = "127.0.0.1", .port = 1 } } };
	const struct redis_config redis_config = { .url = &nobody,
						   .prefix = "p:",
						   .timeout_ns = 500 * MILLISECOND,
						   .most_bytes = 1 << 20,
						   .most_questions = 100,
						   .most_question_bytes = 1 << 20,
						   .now_ns = moment_monotonic_ns,
						   .random = half };

	(void)state;
	fixture_open(&x, 30000 * SECOND);
	memset(&depot, 0, sizeof(depot));
	memset(&fleeting, 0, sizeof(fleeting));
	assert_int_equal(config_open(&config), 0);
	assert_int_equal(health_open(&health), 0);
	return redis_open(&redis, &redis_config);
}

static int teardown(void **state)
{
	(void)state;
	redis_close(redis);
	fleeting_close(&fleeting);
	deposit_close(depot.deposit);
	metrics_close(x.m);
	health_close(health);
	config_close(config);
	return 0;
}

static void open_fleeting(const char *text, bool deposits)
{
	const struct deposit_config deposit = {
		.metrics = x.m, .redis = redis, .host = "web-1", .boot = store_boot
	};
	const struct fleeting_config fleeting_config = {
		.config = config, .redis = redis, .depot = &depot, .health = health, .host = host
	};
	struct config_error error;

	assert_int_equal(config_read(config, "r.json", text, strlen(text), &error), 0);
	fleeting_host(config, host);
	if (deposits)
		assert_int_equal(deposit_open(&depot.deposit, &deposit), 0);
	fleeting_open(&fleeting, &fleeting_config, 1);
}

static void told(enum health_status status, const char *reason)
{
	struct health_part p;

	assert_int_equal(health_list(health, &p, 1), 1);
	assert_string_equal(p.name, "fleet");
	assert_int_equal(p.status, status);
	if (!strstr(p.reason, reason))
		fail_msg("%s is not in: %s", reason, p.reason);
}

static void without_aggregates_it_is_in_none(void **state)
{
	struct web_counter row;

	(void)state;
	open_fleeting("{}", false);
	told(HEALTH_INFO, "needs redis.url and redis.aggregates");
	assert_null(fleeting.fleet);
	assert_int_equal(fleeting_fd(&fleeting), -1);
	fleeting_second(&fleeting, SECOND, 1);
	assert_int_equal(fleeting_counters(&fleeting, &row, 1), 0);
}

static void it_can_be_turned_off(void **state)
{
	(void)state;
	open_fleeting("{\"fleet\":{\"enabled\":false}}", true);
	told(HEALTH_INFO, "turned off by fleet.enabled");
	assert_null(fleeting.fleet);
}

static void a_host_has_the_name_that_it_was_given(void **state)
{
	char own[PARCEL_HOST];

	(void)state;
	fleeting_host(config, own);
	assert_true(*own); /* the machine's */
	open_fleeting("{\"fleet\":{\"host\":\"web-7\"}}", false);
	assert_string_equal(host, "web-7");
}

static void a_fleet_that_is_not_reached_is_told(void **state)
{
	(void)state;
	open_fleeting("{\"fleet\":{\"host\":\"web-7\"}}", true);
	assert_non_null(fleeting.fleet);
	assert_true(fleeting_fd(&fleeting) >= 0);
	fleeting_second(&fleeting, moment_monotonic_ns(), 1);
	told(HEALTH_INFO, "web-7 is not announced: it is being done");
}

static double number_of(const char *name)
{
	struct web_counter rows[32];
	size_t count = fleeting_counters(&fleeting, rows, 32);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].number;
	return -1;
}

static void its_numbers_have_names(void **state)
{
	struct web_counter rows[2] = { { .name = NULL }, { .name = "untouched" } };

	(void)state;
	open_fleeting("{}", true);
	assert_true(number_of("ringside_fleet_announcements") == 0);
	assert_true(number_of("ringside_fleet_hosts") == 0);
	assert_true(number_of("ringside_fleet_views_cut") == 0);
	assert_int_equal(fleeting_counters(&fleeting, rows, 1), 1);
	assert_string_equal(rows[1].name, "untouched");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_aggregates_it_is_in_none, setup, teardown),
		cmocka_unit_test_setup_teardown(it_can_be_turned_off, setup, teardown),
		cmocka_unit_test_setup_teardown(a_host_has_the_name_that_it_was_given, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_fleet_that_is_not_reached_is_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(its_numbers_have_names, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
