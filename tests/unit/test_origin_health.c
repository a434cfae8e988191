#include "origin_health.h"
#include "through_wire.h"

static struct cache *cache;
static struct health *health;
static struct through *through;
static struct origin_health told;

static int set_up(void **state)
{
	static const struct cache_config config = { .max_items = 10,
						    .max_bytes = 1 << 20,
						    .max_value = 100,
						    .ttl_s = 300,
						    .cleanup_ns = 60000 * MS };

	(void)state;
	wire_now_ns = 1000 * MS;
	if (cache_open(&cache, &config) || health_open(&health))
		return -1;
	through = wire_open("prefix=u: url=http://h/{rest}", cache, NULL);
	told = (struct origin_health){ .health = health };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	through_close(through);
	health_close(health);
	cache_close(cache);
	return 0;
}

static void fetch(enum transfer_end how)
{
	const struct cache_bytes key = { "u:1", 3 };
	const struct through_look look = { &key, &key, false };
	struct through_found f;

	through_ask(through, &look, &f);
	wire_step(through);
	wire_end(through, wire.count - 1, how, how == TRANSFER_WHOLE ? 200 : 0, "v");
	through_near(through, &look, &f);
	cache_value_put(f.value);
}

static struct health_part part(void)
{
	struct health_part one = { .name = "" };

	origin_health_tell(&told, through_origin(through), 5);
	assert_int_equal(health_list(health, &one, 1), 1);
	assert_string_equal(one.name, "origins");
	return one;
}

static void health_is_told_what_the_last_answers_were(void **state)
{
	(void)state;
	assert_int_equal(part().status, HEALTH_HEALTHY);
	fetch(TRANSFER_CUT);
	assert_int_equal(part().status, HEALTH_DEGRADED);
	assert_string_equal(part().reason, "u: cut short: in words; its circuit is closed");
	fetch(TRANSFER_WHOLE);
	assert_int_equal(part().status, HEALTH_HEALTHY);
	assert_string_equal(part().reason, "1 origins");
	for (int i = 0; i < 5; i++)
		fetch(TRANSFER_LATE);
	assert_string_equal(part().reason, "u: timeout: in words; its circuit is open");
}

static void where_nothing_ended_nothing_is_told(void **state)
{
	(void)state;
	part();
	health_drop(health, "origins");
	origin_health_tell(&told, through_origin(through), 5);
	assert_int_equal(health_list(health, &(struct health_part){ .name = "" }, 1), 0);
	told.health = NULL;
	fetch(TRANSFER_CUT);
	origin_health_tell(&told, through_origin(through), 5);
	assert_int_equal(health_list(health, &(struct health_part){ .name = "" }, 1), 0);
}

#define HEALTH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HEALTH_TEST(health_is_told_what_the_last_answers_were),
		HEALTH_TEST(where_nothing_ended_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
