#include "remote_fixture.h"

#define ASKS_A "*2\r\n$3\r\nGET\r\n$5\r\np:v:a\r\n"

static void a_value_is_told_with_what_is_left_of_its_time(void **state)
{
	struct letter *l;
	size_t length;
	bool lost;
	void *bytes = rig_capsule("a", "hello", "s t", &length);

	(void)state;
	rig_wall_ms += 20000;
	rig_ask(9, "a");
	rig_hear(ASKS_A);
	rig_say_bytes(bytes, length);
	l = rig_back(&lost);
	assert_int_equal(l->id, 9);
	assert_int_equal(l->left_ns, 40000 * FIXTURE_MS);
	assert_memory_equal(l->value->bytes, "hello", 5);
	assert_string_equal(l->value->type, "text/plain");
	assert_string_equal(l->value->tags, "s t");
	letter_close(l);
	rig_wall_ms = RIG_WALL_MS + 60000; /* the other host's clock is ahead of ours */
	rig_ask(10, "a");
	rig_hear(ASKS_A);
	rig_say_bytes(bytes, length);
	rig_told(10, NULL);
	rig_wall_ms = RIG_WALL_MS - 60000; /* … or behind: never more than it was given */
	rig_ask(11, "a");
	rig_hear(ASKS_A);
	rig_say_bytes(bytes, length);
	l = rig_back(&lost);
	assert_int_equal(l->left_ns, 60000 * FIXTURE_MS);
	letter_close(l);
	free(bytes);
}

static void what_is_not_there_is_told_so(void **state)
{
	(void)state;
	rig_ask(1, "a");
	rig_hear(ASKS_A);
	rig_say("$-1\r\n");
	rig_told(1, NULL);
}

static void what_is_no_value_of_ours_is_a_miss_and_counted(void **state)
{
	unsigned char *bytes;
	size_t length;

	(void)state;
	bytes = rig_capsule("a", "hello", "", &length);
	bytes[length - 1] ^= 1;
	rig_ask(1, "a");
	rig_hear(ASKS_A);
	rig_say_bytes(bytes, length);
	rig_told(1, NULL);
	free(bytes);
	rig_ask(2, "a");
	rig_hear(ASKS_A);
	rig_say("$5\r\nhello\r\n");
	rig_told(2, NULL);
	rig_ask(3, "a");
	rig_hear(ASKS_A);
	rig_say("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
	rig_told(3, NULL);
	assert_int_equal(rig_state().corrupted, 3);
	assert_int_equal(rig_state().foreign, 0);
}

static void the_value_of_another_key_makes_the_connection_suspect(void **state)
{
	size_t length;
	void *bytes = rig_capsule("b", "hello", "", &length);

	(void)state;
	rig_ask(1, "a");
	rig_hear(ASKS_A);
	rig_say_bytes(bytes, length);
	rig_told(1, NULL);
	assert_int_equal(rig_state().foreign, 1);
	assert_int_equal(rig_state().corrupted, 0);
	assert_true(fixture_was_left(&c.server));
	free(bytes);
}

static void what_waits_to_be_written_is_what_is_told(void **state)
{
	(void)state;
	rig_set("a", "one", "");
	rig_hear_set("a", "one", "", 60000); /* it is under way: Redis may have it, or not yet */
	rig_ask(1, "a");
	rig_told(1, "one");
	rig_drop(DROP_KEY, "a"); /* waits for it */
	rig_ask(2, "a");
	rig_told(2, NULL);
	rig_drop(DROP_PREFIX, "b:");
	rig_ask(3, "b:1");
	rig_told(3, NULL);
	assert_true(fixture_is_quiet(&c.server));
}

static void without_redis_nothing_is_asked_and_writes_wait(void **state)
{
	(void)state;
	assert_true(atomic_load(&bridge->away)); /* until it was looked at */
	rig_run();
	assert_false(atomic_load(&bridge->away));
	fixture_hang_up(&c.server);
	rig_run();
	rig_wait();
	assert_true(atomic_load(&bridge->away));
	rig_set("a", "one", "");
	assert_int_equal(rig_state().progress.pending, 1);
	assert_false(rig_state().ready);
	assert_true(rig_state().reason[0] != '\0');
	assert_true(remote_step(remote, 1000) <= 101); /* it comes back by itself */
	rig_ask(2, "a");
	rig_told(2, "one");
}

static void what_others_change_is_told_and_what_we_do_is_not(void **state)
{
	struct drop *d;
	struct letter *l;
	size_t length;
	void *message;
	bool lost;

	(void)state;
	assert_int_equal(drop_open(&d, DROP_TAG, &(struct cache_bytes){ "t", 1 }), 0);
	assert_int_equal(drop_write(d, RIG_SENDER, &message, &length), 0);
	remote_heard(remote, message, length);
	assert_null(rig_back(&lost));
	free(message);
	assert_int_equal(drop_write(d, RIG_SENDER + 1, &message, &length), 0);
	remote_heard(remote, message, length);
	l = rig_back(&lost);
	assert_int_equal(l->kind, LETTER_DROP);
	assert_true(drop_is_same(l->drop, d));
	assert_false(lost);
	letter_close(l);
	free(message);
	drop_close(d);
	remote_heard(remote, "hello", 5);
	assert_null(rig_back(&lost));
	assert_int_equal(rig_state().heard, 1);
	assert_int_equal(rig_state().corrupted, 1);
}

static void who_may_have_missed_some_drops_all(void **state)
{
	bool lost;

	(void)state;
	remote_heard(remote, NULL, 0);
	assert_null(rig_back(&lost));
	assert_true(lost);
	assert_int_equal(rig_state().gaps, 1);
}

static void its_state_is_told(void **state)
{
	struct bridge_state s;

	(void)state;
	s = rig_state();
	assert_true(s.ready);
	assert_false(s.cluster);
	assert_string_equal(s.circuit, "closed");
	assert_string_equal(s.reason, "");
	assert_true(s.average_ms < 0);
	assert_int_equal(s.limit, 100);
	assert_int_equal(s.limit_bytes, 100000);
	what_is_not_there_is_told_so(NULL);
	s = rig_state();
	assert_true(s.average_ms >= 0 && s.p99_ms >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_value_is_told_with_what_is_left_of_its_time),
		RIG_TEST(what_is_not_there_is_told_so),
		RIG_TEST(what_is_no_value_of_ours_is_a_miss_and_counted),
		RIG_TEST(the_value_of_another_key_makes_the_connection_suspect),
		RIG_TEST(what_waits_to_be_written_is_what_is_told),
		RIG_TEST(without_redis_nothing_is_asked_and_writes_wait),
		RIG_TEST(what_others_change_is_told_and_what_we_do_is_not),
		RIG_TEST(who_may_have_missed_some_drops_all),
		RIG_TEST(its_state_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
