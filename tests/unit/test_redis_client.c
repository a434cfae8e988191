#include "redis_client.h"
#include "redis_client_fixture.h"

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

static void each_question_names_our_own_key(void **state)
{
	const struct redis_text key = { "a\0b", 3 }, value = REDIS_TEXT("v");

	(void)state;
	assert_int_equal(redis_get(c.redis, &key, NULL), 0);
	assert_int_equal(redis_set(c.redis, &key, &value, 1500, NULL), 0);
	assert_int_equal(redis_unlink(c.redis, &value, NULL), 0);
	assert_int_equal(redis_members(c.redis, &value, NULL), 0);
	assert_int_equal(redis_member_drop(c.redis, &value, &value, NULL), 0);
	assert_int_equal(redis_publish(c.redis, "news", &value, NULL), 0);
	client_step(&c);
	{
		static const char get[] = "*2\r\n$3\r\nGET\r\n$5\r\np:a\0b\r\n";
		static const char set[] =
			"*5\r\n$3\r\nSET\r\n$5\r\np:a\0b\r\n$1\r\nv\r\n$2\r\nPX\r\n"
			"$4\r\n1500\r\n";
		char got[sizeof(get) + sizeof(set)];

		assert_int_equal(recv(c.server.fd, got, sizeof(get) - 1, MSG_WAITALL),
				 sizeof(get) - 1);
		assert_memory_equal(got, get, sizeof(get) - 1);
		assert_int_equal(recv(c.server.fd, got, sizeof(set) - 1, MSG_WAITALL),
				 sizeof(set) - 1);
		assert_memory_equal(got, set, sizeof(set) - 1);
	}
	fixture_hear(&c.server, "*2\r\n$6\r\nUNLINK\r\n$3\r\np:v\r\n"
				"*2\r\n$8\r\nSMEMBERS\r\n$3\r\np:v\r\n"
				"*3\r\n$4\r\nSREM\r\n$3\r\np:v\r\n$1\r\nv\r\n"
				"*3\r\n$7\r\nPUBLISH\r\n$6\r\np:news\r\n$1\r\nv\r\n");
	client_say(&c, "$-1\r\n+OK\r\n:1\r\n*0\r\n:1\r\n:0\r\n");
	assert_true(fixture_is_quiet(&c.server));
}

static void answers_are_told(void **state)
{
	const struct redis_text key = REDIS_TEXT("a");
	struct fixture_told t = { .times = 0 };
	const struct redis_then then = { fixture_told, &t };
	struct redis_state s;

	(void)state;
	assert_int_equal(redis_get(c.redis, &key, &then), 0);
	assert_int_equal(redis_due_ns(c.redis), 0);
	client_step(&c);
	redis_state_get(c.redis, &s);
	assert_int_equal(s.under_way, 1);
	fixture_now_ns += 3 * FIXTURE_MS;
	client_say(&c, "$1\r\n1\r\n");
	assert_int_equal(t.times, 1);
	assert_string_equal(t.text, "1");
	redis_state_get(c.redis, &s);
	assert_int_equal(s.asked, 1);
	assert_int_equal(s.answered, 1);
	assert_int_equal(s.under_way, 0);
	assert_int_equal(s.took_ns, 3 * FIXTURE_MS);
	assert_in_range(s.took_p99_ns, 3 * FIXTURE_MS, 4 * FIXTURE_MS);
}

static void the_state_says_what_is_wrong(void **state)
{
	const struct redis_text key = REDIS_TEXT("a");
	struct redis_state s;

	(void)state;
	redis_state_get(c.redis, &s);
	assert_true(s.ready);
	assert_int_equal(s.circuit, BREAKER_CLOSED);
	assert_int_equal(s.fault, REDIS_FINE);
	assert_string_equal(s.info.version, "9");
	redis_set(c.redis, &key, &key, 1, NULL);
	client_step(&c);
	client_say(&c, "-OOM much\r\n");
	redis_state_get(c.redis, &s);
	assert_int_equal(s.fault, REDIS_OOM);
	assert_string_equal(s.text, "OOM much");
	assert_int_equal(s.refused, 1);
	fixture_now_ns += 11000 * FIXTURE_MS; /* no news any more */
	redis_state_get(c.redis, &s);
	assert_int_equal(s.fault, REDIS_FINE);
	redis_get(c.redis, &key, NULL);
	client_step(&c);
	client_say(&c, "-WRONGTYPE no\r\n");
	redis_state_get(c.redis, &s);
	assert_int_equal(s.fault, REDIS_FINE); /* it is that key's */
	fixture_hang_up(&c.server);
	client_step(&c);
	redis_state_get(c.redis, &s);
	assert_false(s.ready);
	assert_int_equal(s.fault, REDIS_LOST);
	assert_int_equal(s.drops, 1);
}

static void a_connection_that_is_suspect_is_made_anew(void **state)
{
	const struct redis_text key = REDIS_TEXT("a");

	(void)state;
	redis_suspect(c.redis, &key);
	client_step(&c);
	assert_true(fixture_was_left(&c.server));
	fixture_hang_up(&c.server);
	fixture_now_ns += 100 * FIXTURE_MS;
	client_ready(&c);
}

static void a_listener_hears_and_knows_what_it_missed(void **state)
{
	struct fixture_server listener;
	struct client l;

	(void)state;
	client_open(&l, "news");
	client_ready(&l);
	listener = l.server;
	fixture_accept(&listener);
	client_step(&l);
	fixture_hear(&listener, "*2\r\n$9\r\nSUBSCRIBE\r\n$6\r\np:news\r\n");
	assert_int_equal(l.gaps, 0);
	fixture_say(&listener, "*3\r\n$9\r\nsubscribe\r\n$6\r\np:news\r\n:1\r\n");
	client_step(&l);
	assert_int_equal(l.gaps, 1);
	fixture_say(&listener, "*3\r\n$7\r\nmessage\r\n$6\r\np:news\r\n$2\r\nk1\r\n");
	client_step(&l);
	assert_int_equal(l.heard, 1);
	fixture_hang_up(&listener);
	client_step(&l);
	fixture_now_ns += 100 * FIXTURE_MS;
	client_step(&l);
	fixture_accept(&listener);
	fixture_say(&listener, "*3\r\n$9\r\nsubscribe\r\n$6\r\np:news\r\n:1\r\n");
	client_step(&l);
	assert_int_equal(l.gaps, 2);
	fixture_hang_up(&listener);
	client_close(&l);
}

static void at_the_end_each_is_told(void **state)
{
	const struct redis_text key = REDIS_TEXT("a");
	struct fixture_told t = { .times = 0 };
	const struct redis_then then = { fixture_told, &t };
	struct client l;

	(void)state;
	client_open(&l, NULL);
	assert_int_equal(redis_get(l.redis, &key, &then), 0);
	client_close(&l);
	assert_int_equal(t.times, 1);
	assert_int_equal(t.fault, REDIS_CLOSED);
	redis_close(NULL);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_client, close_client)
	const struct CMUnitTest tests[] = {
		WITH(each_question_names_our_own_key),
		WITH(answers_are_told),
		WITH(the_state_says_what_is_wrong),
		WITH(a_connection_that_is_suspect_is_made_anew),
		cmocka_unit_test(a_listener_hears_and_knows_what_it_missed),
		cmocka_unit_test(at_the_end_each_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
