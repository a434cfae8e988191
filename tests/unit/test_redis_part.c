#include "redis_part.h"

#include "config.h"
#include "health.h"
#include "moment.h"
#include "redis_fixture.h"

#include <math.h>
#include <poll.h>

static struct health *health;
static struct config *config;
static struct redis_part part;

static int open_part(void **state)
{
	(void)state;
	assert_int_equal(health_open(&health), 0);
	return config_open(&config);
}

static int close_part(void **state)
{
	(void)state;
	redis_part_close(&part);
	config_close(config);
	health_close(health);
	return 0;
}

static void configure(const char *text)
{
	struct config_error error;
	struct secret password;

	assert_int_equal(config_read(config, "r.json", text, strlen(text), &error), 0);
	secret_load(&password, "redis.password_file",
		    config_text(config, CONFIG_REDIS_PASSWORD_FILE));
	redis_part_open(&part, config, &password, health, 1);
}

static void told(enum health_status status, const char *reason)
{
	struct health_part p;

	assert_int_equal(health_list(health, &p, 1), 1);
	assert_string_equal(p.name, "redis");
	assert_int_equal(p.status, status);
	if (!strstr(p.reason, reason))
		fail_msg("%s is not in: %s", reason, p.reason);
}

/* As the worker's loop does, for so long. */
static void run(int ms)
{
	uint64_t end_ns = moment_monotonic_ns() + (uint64_t)ms * FIXTURE_MS;
	struct pollfd fd = { .fd = redis_part_fd(&part), .events = POLLIN };

	while (moment_monotonic_ns() < end_ns)
		poll(&fd, 1, redis_part_step(&part, moment_monotonic_ns(), 20));
	redis_part_tell(&part, 2);
}

static void without_one_nothing_is_told(void **state)
{
	struct health_part p;

	(void)state;
	configure("{}");
	assert_null(part.redis);
	assert_int_equal(redis_part_fd(&part), -1);
	assert_int_equal(redis_part_step(&part, 1, 77), 77);
	redis_part_tell(&part, 1);
	assert_int_equal(health_list(health, &p, 1), 0);
}

static void one_that_answers_is_healthy_and_lost_degraded(void **state)
{
	struct fixture_server s;
	char text[80];

	(void)state;
	fixture_serve(&s);
	snprintf(text, sizeof(text), "{\"redis\":{\"url\":\"redis://127.0.0.1:%u\"}}", s.port);
	configure(text);
	redis_part_tell(&part, 1);
	told(HEALTH_INFO, "connected");
	run(30);
	fixture_accept(&s);
	fixture_say(&s, FIXTURE_INFO FIXTURE_SAVE);
	run(50);
	told(HEALTH_HEALTHY, "one of Redis 9, persistence none");
	fixture_end(&s);
	run(300);
	told(HEALTH_DEGRADED, "connection lost: Connection refused; the circuit is ");
}

static unsigned int heard;

static void hear(void *ctx, const void *message, size_t length)
{
	assert_ptr_equal(ctx, &heard);
	heard += message == NULL && length == 0;
}

static void who_wants_to_listen_is_told_when_it_does(void **state)
{
	struct fixture_server s, listener;
	char text[80];

	(void)state;
	part.channel = "cache";
	part.heard = hear;
	part.ctx = &heard;
	assert_true(isnan(redis_part_failures(&part)));
	fixture_serve(&s);
	snprintf(text, sizeof(text), "{\"redis\":{\"url\":\"redis://127.0.0.1:%u\"}}", s.port);
	configure(text);
	run(30);
	fixture_accept(&s);
	fixture_say(&s, FIXTURE_INFO FIXTURE_SAVE);
	run(50);
	listener = s;
	fixture_accept(&listener);
	run(30);
	fixture_hear(&listener, "*2\r\n$9\r\nSUBSCRIBE\r\n$14\r\nringside:cache\r\n");
	fixture_say(&listener, "*3\r\n$9\r\nsubscribe\r\n$14\r\nringside:cache\r\n:1\r\n");
	run(50);
	assert_int_equal(heard, 1);
	assert_true(redis_part_failures(&part) == 0);
	fixture_hang_up(&listener);
	fixture_end(&s);
	run(300);
	run(10);
	assert_true(redis_part_failures(&part) == 2); /* one for each time it was looked at */
	part = (struct redis_part){ .redis = part.redis };
}

static void a_password_that_is_not_there_is_told(void **state)
{
	(void)state;
	configure("{\"redis\":{\"url\":\"redis://h\",\"password_file\":\"/nonexistent/p\"}}");
	assert_null(part.redis);
	told(HEALTH_DEGRADED, "redis.password_file: /nonexistent/p: No such file");
}

static void a_password_that_was_read_again_is_the_next_connections(void **state)
{
	struct fixture_server s;
	char text[80];

	(void)state;
	redis_part_password(&part, "nobody's"); /* there is no Redis: nothing happens */
	fixture_serve(&s);
	snprintf(text, sizeof(text), "{\"redis\":{\"url\":\"redis://:old@127.0.0.1:%u\"}}", s.port);
	configure(text);
	run(30);
	fixture_accept(&s);
	fixture_hear(&s, "*2\r\n$4\r\nAUTH\r\n$3\r\nold\r\n");
	redis_part_password(&part, "new one");
	fixture_hang_up(&s);
	run(300);
	fixture_accept(&s);
	fixture_hear(&s, "*2\r\n$4\r\nAUTH\r\n$7\r\nnew one\r\n");
	fixture_end(&s);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_part, close_part)
	const struct CMUnitTest tests[] = {
		WITH(without_one_nothing_is_told),
		WITH(one_that_answers_is_healthy_and_lost_degraded),
		WITH(who_wants_to_listen_is_told_when_it_does),
		WITH(a_password_that_is_not_there_is_told),
		WITH(a_password_that_was_read_again_is_the_next_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
