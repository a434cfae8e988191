#include "tiering.h"

#include "config.h"
#include "health.h"
#include "moment.h"
#include "redis_fixture.h"

#include <poll.h>

static struct health *health;
static struct config *config;
static struct cache *cache;
static struct redis_part part;
static struct tiering tiering;

static int set_up(void **state)
{
	static const struct cache_config usual = { .max_items = 100,
						   .max_bytes = 1 << 20,
						   .max_value = 10000,
						   .ttl_s = 300,
						   .cleanup_ns = 60000 * FIXTURE_MS };

	(void)state;
	part = (struct redis_part){ .redis = NULL };
	return health_open(&health) || config_open(&config) || cache_open(&cache, &usual);
}

static int tear_down(void **state)
{
	(void)state;
	redis_part_close(&part);
	tiering_close(&tiering);
	cache_close(cache);
	config_close(config);
	health_close(health);
	return 0;
}

static void configure(const char *text, struct cache *with)
{
	struct secret password;
	struct config_error error;

	assert_int_equal(config_read(config, "r.json", text, strlen(text), &error), 0);
	assert_int_equal(tiering_open(&tiering, config, with, &part), 0);
	secret_load(&password, "redis.password_file",
		    config_text(config, CONFIG_REDIS_PASSWORD_FILE));
	redis_part_open(&part, config, &password, health, 1);
	tiering_attach(&tiering, &part);
}

/* As the worker's loop does, for so long. */
static void run(int ms)
{
	uint64_t now_ns = moment_monotonic_ns(), end_ns = now_ns + (uint64_t)ms * FIXTURE_MS;
	struct pollfd fds[] = { { .fd = redis_part_fd(&part), .events = POLLIN },
				{ .fd = tiering_fd(&tiering), .events = POLLIN } };

	for (; now_ns < end_ns; now_ns = moment_monotonic_ns())
		poll(fds, 2, tiering_step(&tiering, redis_part_step(&part, now_ns, 20)));
}

static void is_off(void)
{
	assert_null(tiering.behind);
	assert_int_equal(tiering_fd(&tiering), -1);
	assert_int_equal(tiering_step(&tiering, 77), 77);
	tiering_second(&tiering);
}

static void without_a_redis_or_a_cache_there_is_none(void **state)
{
	(void)state;
	configure("{}", cache);
	is_off();
	configure("{\"redis\":{\"url\":\"redis://127.0.0.1:1\"}}", NULL);
	is_off();
	assert_null(part.channel);
}

static void a_redis_that_cannot_be_opened_leaves_memory_alone(void **state)
{
	(void)state;
	configure("{\"redis\":{\"url\":\"redis://h\",\"password_file\":\"/nonexistent/p\"}}",
		  cache);
	is_off();
}

static void wake(void *ctx, uint32_t place)
{
	*(uint32_t *)ctx = place;
}

static void what_is_asked_on_one_side_is_answered_from_the_other(void **state)
{
	const struct cache_bytes key = { "a", 1 };
	struct behind_found found;
	struct bridge_state told;
	struct fixture_server s;
	uint32_t woken = 0;
	char text[80];

	(void)state;
	fixture_serve(&s);
	snprintf(text, sizeof(text), "{\"redis\":{\"url\":\"redis://127.0.0.1:%u\"}}", s.port);
	configure(text, cache);
	assert_string_equal(part.channel, "cache");
	run(30);
	fixture_accept(&s);
	fixture_say(&s, FIXTURE_INFO FIXTURE_SAVE);
	run(250); /* it is looked at ten times a second whether somebody is there */
	assert_int_equal(
		behind_ask(tiering.behind,
			   &(struct behind_look){ &key, moment_monotonic_ns(), false, false },
			   &found),
		BEHIND_LATER);
	run(30);
	fixture_hear(&s, FIXTURE_ASKS_INFO "*2\r\n$3\r\nGET\r\n$12\r\nringside:v:a\r\n");
	fixture_say(&s, "$-1\r\n");
	run(50);
	behind_hear(tiering.behind, moment_monotonic_ns(), wake, &woken);
	assert_int_equal(woken, found.place);
	tiering_second(&tiering);
	behind_state_get(tiering.behind, &told);
	assert_true(told.ready);
	assert_int_equal(told.limit, 10000);
	assert_int_equal(told.limit_bytes, 16 << 20);
	fixture_end(&s);
}

static void put(const char *name)
{
	const struct cache_put p = { .key = { name, strlen(name) },
				     .value = { "v", 1 },
				     .type = "t",
				     .now_ns = moment_monotonic_ns() };

	assert_int_equal(cache_set(cache, &p), 0);
	behind_wrote(tiering.behind, &p);
}

static uint64_t finish_ms(void)
{
	uint64_t began_ns = moment_monotonic_ns();

	tiering_finish(&tiering, &part);
	return (moment_monotonic_ns() - began_ns) / FIXTURE_MS;
}

static void what_was_written_last_is_given_its_time_but_no_more(void **state)
{
	static const char set[] = "*5\r\n$3\r\nSET\r\n$12\r\nringside:v:a\r\n";
	struct fixture_server s;
	char text[80];

	(void)state;
	tiering_finish(&(struct tiering){ .remote = NULL }, &part);
	fixture_serve(&s);
	snprintf(text, sizeof(text), "{\"redis\":{\"url\":\"redis://127.0.0.1:%u\"}}", s.port);
	configure(text, cache);
	put("a");
	assert_true(finish_ms() < 400); /* nobody is there */
	run(30);
	fixture_accept(&s);
	fixture_say(&s, FIXTURE_INFO FIXTURE_SAVE);
	run(30);
	atomic_store(&tiering.bridge->away, false);
	assert_in_range(finish_ms(), 400, 5000); /* somebody is, and says nothing */
	fixture_hear(&s, FIXTURE_ASKS_INFO);
	fixture_hear(&s, set);
	fixture_end(&s);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(without_a_redis_or_a_cache_there_is_none),
		WITH(a_redis_that_cannot_be_opened_leaves_memory_alone),
		WITH(what_is_asked_on_one_side_is_answered_from_the_other),
		WITH(what_was_written_last_is_given_its_time_but_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
