#include "redis_client.h"
#include "redis_client_fixture.h"

#include <stdlib.h>
#include <string.h>

#define PUT                                                                                        \
	"*1\r\n$5\r\nMULTI\r\n"                                                                    \
	"*4\r\n$4\r\nZADD\r\n$3\r\np:z\r\n$4\r\n1700\r\n$1\r\nm\r\n"                               \
	"*4\r\n$16\r\nZREMRANGEBYSCORE\r\n$3\r\np:z\r\n$4\r\n-inf\r\n$5\r\n(1600\r\n"              \
	"*3\r\n$7\r\nPEXPIRE\r\n$3\r\np:z\r\n$2\r\n60\r\n"                                         \
	"*1\r\n$4\r\nEXEC\r\n"
#define LIST                                                                                       \
	"*8\r\n$16\r\nZREVRANGEBYSCORE\r\n$3\r\np:z\r\n$4\r\n+inf\r\n$4\r\n-inf\r\n"               \
	"$10\r\nWITHSCORES\r\n$5\r\nLIMIT\r\n$1\r\n0\r\n$2\r\n10\r\n"

static const struct redis_text key = { "z", 1 };
static struct client c;

static int open_client(void **state)
{
	(void)state;
	client_open(&c, NULL);
	client_ready(&c);
	return 0;
}

static int close_client(void **state)
{
	(void)state;
	client_close(&c);
	return 0;
}

static void put(struct fixture_told *told)
{
	const struct redis_then then = { fixture_told, told };
	const struct redis_rank rank = {
		.member = { "m", 1 }, .score = 1700, .least = 1600, .ttl_ms = 60
	};

	memset(told, 0, sizeof(*told));
	assert_int_equal(redis_rank_put(c.redis, &key, &rank, &then), 0);
	client_step(&c);
	fixture_hear(&c.server, PUT);
}

static void a_member_comes_and_the_old_ones_go_in_one(void **state)
{
	struct fixture_told told;

	(void)state;
	put(&told);
	client_say(&c, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
	assert_int_equal(told.times, 0);
	client_say(&c, "*3\r\n:1\r\n:0\r\n:1\r\n");
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, REDIS_FINE);
}

static void what_one_part_is_refused_for_is_the_answer(void **state)
{
	struct fixture_told told;

	(void)state;
	put(&told);
	client_say(&c, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
		       "*3\r\n-WRONGTYPE it is a string\r\n:0\r\n:1\r\n");
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, REDIS_WRONGTYPE);
}

static void the_highest_come_first_with_their_scores(void **state)
{
	struct fixture_told told = { .times = 0 };
	const struct redis_then then = { fixture_told, &told };

	(void)state;
	assert_int_equal(redis_rank_list(c.redis, &key, 10, &then), 0);
	client_step(&c);
	fixture_hear(&c.server, LIST);
	client_say(&c, "*4\r\n$1\r\na\r\n$1\r\n2\r\n$1\r\nb\r\n$1\r\n1\r\n");
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, REDIS_FINE);
}

static void the_time_is_asked_for_without_a_key(void **state)
{
	struct fixture_told told = { .times = 0 };
	const struct redis_then then = { fixture_told, &told };

	(void)state;
	assert_int_equal(redis_time(c.redis, &key, &then), 0);
	client_step(&c);
	fixture_hear(&c.server, "*1\r\n$4\r\nTIME\r\n");
	client_say(&c, "*2\r\n$10\r\n1700000000\r\n$6\r\n123456\r\n");
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, REDIS_FINE);
}

static struct redis_value *text(const char *bytes)
{
	struct redis_value *v = calloc(1, sizeof(*v) + strlen(bytes) + 1);

	v->type = REDIS_STRING;
	v->length = strlen(bytes);
	memcpy(v->text, bytes, v->length);
	return v;
}

static int64_t time_of(const char *seconds, const char *micros)
{
	struct redis_value *items[] = { text(seconds), text(micros) };
	struct redis_value v = { .type = REDIS_ARRAY, .count = 2, .items = items };
	int64_t ms = redis_time_ms(&v);

	free(items[0]);
	free(items[1]);
	return ms;
}

static void a_time_is_seconds_and_microseconds(void **state)
{
	struct redis_value v = { .type = REDIS_ARRAY };

	(void)state;
	assert_int_equal(time_of("1700000000", "123456"), INT64_C(1700000000123));
	assert_int_equal(time_of("1700000000", "0"), INT64_C(1700000000000));
	assert_int_equal(time_of("0", "0"), -1);
	assert_int_equal(time_of("x", "0"), -1);
	assert_int_equal(time_of("99999999999999", "0"), -1);
	assert_int_equal(time_of("1700000000", "1000000"), -1);
	assert_int_equal(redis_time_ms(&v), -1);
	v.type = REDIS_NIL;
	assert_int_equal(redis_time_ms(&v), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_member_comes_and_the_old_ones_go_in_one,
						open_client, close_client),
		cmocka_unit_test_setup_teardown(what_one_part_is_refused_for_is_the_answer,
						open_client, close_client),
		cmocka_unit_test_setup_teardown(the_highest_come_first_with_their_scores,
						open_client, close_client),
		cmocka_unit_test_setup_teardown(the_time_is_asked_for_without_a_key, open_client,
						close_client),
		cmocka_unit_test(a_time_is_seconds_and_microseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
