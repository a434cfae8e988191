#include "depot.h"

#include "deposit.h"
#include "moment.h"
#include "redis_client.h"
#include "regain.h"
#include "store_fixture.h"

static struct config *config;
static struct health *health;
static struct fixture x;
static struct folder f;
static struct store *store;
static struct redis *redis;
static struct depot depot;

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
	folder_open(&f);
	fixture_open(&x, 30000 * SECOND);
	{
		const struct store_config store_config = { .metrics = x.m,
							   .folder = f.path,
							   .boot = store_boot,
							   .wall_ms = moment_wall_ms };

		assert_int_equal(store_open(&store, &store_config), 0);
	}
	assert_int_equal(config_open(&config), 0);
	assert_int_equal(health_open(&health), 0);
	return redis_open(&redis, &redis_config);
}

static int teardown(void **state)
{
	(void)state;
	redis_close(redis);
	depot_close(&depot);
	store_close(store);
	metrics_close(x.m);
	health_close(health);
	config_close(config);
	folder_close(&f);
	return 0;
}

static void open_depot(const char *text, struct redis *r)
{
	const struct depot_config depot_config = { .config = config,
						   .redis = r,
						   .metrics = x.m,
						   .store = store,
						   .health = health,
						   .boot = store_boot,
						   .host = "web-1" };
	struct config_error error;

	assert_int_equal(config_read(config, "r.json", text, strlen(text), &error), 0);
	depot_open(&depot, &depot_config, 1);
}

static void told(enum health_status status, const char *reason)
{
	struct health_part p;

	assert_int_equal(health_list(health, &p, 1), 1);
	assert_string_equal(p.name, "redis.aggregates");
	assert_int_equal(p.status, status);
	if (!strstr(p.reason, reason))
		fail_msg("%s is not in: %s", reason, p.reason);
}

static double number_of(const char *name)
{
	struct web_counter rows[32];
	size_t count = depot_counters(&depot, rows, 32);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].number;
	return -1;
}

static void unless_it_is_wanted_there_is_none(void **state)
{
	struct health_part p;

	(void)state;
	open_depot("{\"redis\":{\"url\":\"redis://h\"}}", redis);
	assert_null(depot.deposit);
	depot_second(&depot, 30001 * SECOND, 1);
	assert_int_equal(health_list(health, &p, 1), 0);
	assert_true(number_of("ringside_redis_parcels") < 0);
}

static void without_a_redis_it_says_so(void **state)
{
	(void)state;
	open_depot("{\"redis\":{\"url\":\"redis://h\",\"aggregates\":true}}", NULL);
	told(HEALTH_DEGRADED, "there is no Redis");
	depot_second(&depot, 30001 * SECOND, 1);
	assert_null(depot.deposit);
}

static void what_it_counts_is_told(void **state)
{
	struct deposit_counts *put;
	struct regain_counts *got;
	struct web_counter rows[2] = { { .name = NULL }, { .name = "untouched" } };

	(void)state;
	open_depot("{\"redis\":{\"url\":\"redis://h\",\"aggregates\":true}}", redis);
	put = (struct deposit_counts *)(uintptr_t)deposit_counts(depot.deposit);
	got = (struct regain_counts *)(uintptr_t)regain_counts(depot.regain);
	depot_second(&depot, 30001 * SECOND, 1);
	told(HEALTH_HEALTHY, "0 parcels, 0.0 MiB; 0 s to go; ");
	put->parcels = 12;
	put->bytes = 3 << 20;
	got->fetched = 720;
	depot_second(&depot, 30002 * SECOND, 1);
	told(HEALTH_HEALTHY,
	     "12 parcels, 3.0 MiB; 0 s to go; refused 0, over budget 0, left out 0, "
	     "missed 0; fetching waits: 720 slots, 0 bad");
	put->refused = 1;
	put->over_budget = 2;
	put->left_out = 3;
	put->missed = 4;
	got->refused = 5;
	depot_second(&depot, 30003 * SECOND, 1);
	told(HEALTH_DEGRADED, "refused 1, over budget 2, left out 3, missed 4; fetching waits: 720 "
			      "slots, 5 bad");
	assert_true(number_of("ringside_redis_parcels") == 12);
	assert_true(number_of("ringside_redis_parcel_bytes") == 3 << 20);
	assert_true(number_of("ringside_redis_parcels_again") == 0);
	assert_true(number_of("ringside_redis_parcels_refused") == 1);
	assert_true(number_of("ringside_redis_parcels_over_budget") == 2);
	assert_true(number_of("ringside_redis_series_left_out") == 3);
	assert_true(number_of("ringside_redis_slots_missed") == 4);
	assert_true(number_of("ringside_redis_behind_seconds") == 0);
	assert_true(number_of("ringside_redis_parcels_fetched") == 720);
	assert_true(number_of("ringside_redis_parcels_not_taken") == 5);
	assert_int_equal(depot_counters(&depot, rows, 1), 1);
	assert_string_equal(rows[1].name, "untouched");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(unless_it_is_wanted_there_is_none),
		WITH(without_a_redis_it_says_so),
		WITH(what_it_counts_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
