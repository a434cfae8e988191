#include "redis_client_fixture.h"

#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
#define ADD "*3\r\n$4\r\nSADD\r\n$3\r\np:t\r\n$1\r\nm\r\n"
#define EXPIRE(words, ms, how) "*" words "\r\n$7\r\nPEXPIRE\r\n$3\r\np:t\r\n$3\r\n" ms "\r\n" how
#define WHOLE MULTI ADD EXPIRE("4", "900", "$2\r\nNX\r\n") EXPIRE("4", "900", "$2\r\nGT\r\n") EXEC
#define QUEUED "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"

static struct client c;
static struct fixture_told told;

static int open_client(void **state)
{
	(void)state;
	memset(&told, 0, sizeof(told));
	client_open(&c, NULL);
	return 0;
}

static int close_client(void **state)
{
	(void)state;
	client_close(&c);
	return 0;
}

static int add(void)
{
	const struct redis_text key = REDIS_TEXT("t"), member = REDIS_TEXT("m");
	const struct redis_then then = { fixture_told, &told };
	int ret = redis_member_add(c.redis, &key, &member, 900, &then);

	client_step(&c);
	return ret;
}

static void ready_with(const char *version)
{
	char info[64];

	client_step(&c);
	fixture_accept(&c.server);
	fixture_hear(&c.server, FIXTURE_ASKS_INFO);
	snprintf(info, sizeof(info), "$%zu\r\nredis_version:%s\r\n\r\n", strlen(version) + 16,
		 version);
	fixture_say(&c.server, info);
	fixture_say(&c.server, FIXTURE_SAVE);
	client_step(&c);
}

static void member_and_time_are_one_transaction(void **state)
{
	(void)state;
	ready_with("7.0.15");
	assert_int_equal(add(), 0);
	fixture_hear(&c.server, WHOLE);
	client_say(&c, QUEUED);
	assert_int_equal(told.times, 0);
	client_say(&c, "*3\r\n:1\r\n:1\r\n:0\r\n");
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, REDIS_FINE);
	assert_true(fixture_is_quiet(&c.server));
}

/* The next answer is the next question's, whatever became of the parts. */
static void what_a_part_is_refused_for_is_the_answer(void **state)
{
	(void)state;
	ready_with("7.0.15");
	assert_int_equal(add(), 0);
	fixture_hear(&c.server, WHOLE);
	client_say(&c, "+OK\r\n-OOM much\r\n+QUEUED\r\n-OOM more\r\n-EXECABORT so\r\n");
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, REDIS_OOM);
	assert_string_equal(told.text, "OOM much");
	assert_int_equal(add(), 0);
	fixture_hear(&c.server, WHOLE);
	client_say(&c, QUEUED "*3\r\n-WRONGTYPE no\r\n:0\r\n:0\r\n");
	assert_int_equal(told.times, 2);
	assert_int_equal(told.fault, REDIS_WRONGTYPE);
	assert_int_equal(add(), 0);
	fixture_hear(&c.server, WHOLE);
	client_say(&c, QUEUED "*3\r\n:1\r\n:1\r\n:0\r\n");
	assert_int_equal(told.times, 3);
	assert_int_equal(told.fault, REDIS_FINE);
}

/* All of it goes to the new node: the old one has none of it. */
static void a_slot_that_moved_takes_the_whole_along(void **state)
{
	struct fixture_server other;
	char moved[96];

	(void)state;
	fixture_serve(&other);
	ready_with("7.0.15");
	assert_int_equal(add(), 0);
	fixture_hear(&c.server, WHOLE);
	snprintf(moved, sizeof(moved),
		 "+OK\r\n-MOVED 1 127.0.0.1:%u\r\n-MOVED 1 127.0.0.1:1\r\n-X\r\n-EXECABORT\r\n",
		 other.port);
	client_say(&c, moved);
	assert_int_equal(told.times, 0);
	fixture_accept(&other);
	client_step(&c);
	fixture_hear(&other, FIXTURE_ASKS_INFO);
	fixture_say(&other, FIXTURE_INFO FIXTURE_SAVE);
	client_step(&c);
	fixture_hear(&other, WHOLE);
	fixture_say(&other, QUEUED "*3\r\n:1\r\n:1\r\n:0\r\n");
	client_step(&c);
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, REDIS_FINE);
	fixture_end(&other);
}

static void lost_in_the_middle_it_is_told_once(void **state)
{
	(void)state;
	ready_with("7.0.15");
	assert_int_equal(add(), 0);
	fixture_hear(&c.server, WHOLE);
	client_say(&c, "+OK\r\n-OOM much\r\n");
	fixture_hang_up(&c.server);
	client_step(&c);
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, REDIS_LOST);
}

static void odd_among_the_parts_drops_the_connection(void **state)
{
	(void)state;
	ready_with("7.0.15");
	assert_int_equal(add(), 0);
	client_say(&c, "+OK\r\n:1\r\n");
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, REDIS_ODD);
}

static void older(const char *left, const char *ms, enum redis_fault fault)
{
	char whole[256];

	assert_int_equal(add(), 0);
	fixture_hear(&c.server, "*2\r\n$4\r\nPTTL\r\n$3\r\np:t\r\n");
	client_say(&c, left);
	if (ms) {
		snprintf(whole, sizeof(whole), MULTI ADD EXPIRE("3", "%s", "") EXEC, ms);
		fixture_hear(&c.server, whole);
		client_say(&c, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n");
	}
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, fault);
	told.times = 0;
}

static void an_older_server_is_asked_for_the_time_first(void **state)
{
	(void)state;
	ready_with("6.0.16");
	older(":-2\r\n", "900", REDIS_FINE); /* there is no set */
	older(":-1\r\n", "900", REDIS_FINE); /* it has no time: now it has */
	older(":100\r\n", "900", REDIS_FINE);
	older(":999\r\n", "999", REDIS_FINE); /* never shorter */
	older("-NOPERM no\r\n", NULL, REDIS_NOPERM);
	assert_true(fixture_is_quiet(&c.server));
}

static void at_the_end_each_is_told(void **state)
{
	const struct redis_text key = REDIS_TEXT("t");
	struct fixture_told at_end = { .times = 0 };
	const struct redis_then then = { fixture_told, &at_end };
	struct client l;

	(void)state;
	client_open(&l, NULL);
	assert_int_equal(redis_member_add(l.redis, &key, &key, 9, &then), 0);
	client_close(&l);
	assert_int_equal(at_end.times, 1);
	assert_int_equal(at_end.fault, REDIS_CLOSED);
	ready_with("6.0.16");
	assert_int_equal(add(), 0); /* its time is being asked for */
	redis_close(c.redis);
	c.redis = NULL;
	assert_int_equal(told.times, 1);
	assert_int_equal(told.fault, REDIS_CLOSED);
}

static void where_nobody_answers_it_is_not_taken(void **state)
{
	const struct redis_text key = REDIS_TEXT("t");

	(void)state;
	ready_with("7.0.15");
	fixture_end(&c.server);
	for (int i = 0; i < 5; i++) {
		client_step(&c);
		fixture_now_ns += 200 * FIXTURE_MS;
	}
	assert_int_equal(redis_member_add(c.redis, &key, &key, 9, NULL), -EHOSTDOWN);
	fixture_serve(&c.server);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_client, close_client)
	const struct CMUnitTest tests[] = {
		WITH(member_and_time_are_one_transaction),
		WITH(what_a_part_is_refused_for_is_the_answer),
		WITH(a_slot_that_moved_takes_the_whole_along),
		WITH(lost_in_the_middle_it_is_told_once),
		WITH(odd_among_the_parts_drops_the_connection),
		WITH(an_older_server_is_asked_for_the_time_first),
		WITH(at_the_end_each_is_told),
		WITH(where_nobody_answers_it_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
