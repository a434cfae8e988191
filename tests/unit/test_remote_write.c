#include "remote_fixture.h"

#define UNLINKS_A "*2\r\n$6\r\nUNLINK\r\n$5\r\np:v:a\r\n"

static void a_value_goes_there_for_the_rest_of_its_time_and_is_told_of(void **state)
{
	(void)state;
	rig_set("a", "one", "");
	rig_hear_set("a", "one", "", 60000);
	assert_true(fixture_is_quiet(&c.server)); /* nobody is told before it is there */
	assert_int_equal(rig_state().written, 0);
	rig_say("+OK\r\n");
	rig_hear_published(DROP_KEY, "a");
	assert_int_equal(rig_state().progress.pending, 1);
	rig_say(":1\r\n");
	assert_int_equal(rig_state().progress.pending, 0);
	assert_int_equal(rig_state().progress.bytes, 0);
	assert_int_equal(rig_state().written, 1);
	assert_int_equal(rig_state().published, 1);
	assert_true(fixture_is_quiet(&c.server));
}

static void a_removal_goes_there_and_is_told_of(void **state)
{
	(void)state;
	rig_drop(DROP_KEY, "a");
	rig_hear(UNLINKS_A);
	rig_say(":0\r\n");
	rig_hear_published(DROP_KEY, "a");
	rig_say(":0\r\n");
	assert_int_equal(rig_state().progress.pending, 0);
	assert_int_equal(rig_state().removed, 1);
}

static void a_key_is_in_the_sets_of_its_tags_before_its_value_is_there(void **state)
{
	(void)state;
	rig_set("a", "one", "s t");
	rig_hear_member("s", "a", 60001);
	rig_hear_member("t", "a", 60001);
	rig_say(RIG_MEMBER);
	assert_true(fixture_is_quiet(&c.server));
	rig_say(RIG_MEMBER);
	rig_hear_set("a", "one", "s t", 60000);
	rig_say("+OK\r\n");
	/* once more: who took out a tag in between took it out of the set */
	rig_hear_member("s", "a", 60001);
	rig_hear_member("t", "a", 60001);
	assert_true(fixture_is_quiet(&c.server));
	rig_say(RIG_MEMBER RIG_MEMBER);
	rig_hear_published(DROP_KEY, "a");
	rig_say(":0\r\n");
	assert_int_equal(rig_state().progress.pending, 0);
}

static void a_tag_that_fails_is_tried_again_with_all_of_it(void **state)
{
	(void)state;
	rig_set("a", "one", "s");
	rig_hear_member("s", "a", 60001);
	rig_say(RIG_NO_MEMBER);
	assert_true(fixture_is_quiet(&c.server));
	assert_int_equal(rig_state().progress.pending, 1);
	rig_wait();
	rig_hear_member("s", "a", 60001 - 101);
}

static void one_that_fails_behind_the_value_too(void **state)
{
	(void)state;
	rig_set("a", "one", "s");
	rig_hear_member("s", "a", 60001);
	rig_say(RIG_MEMBER);
	rig_hear_set("a", "one", "s", 60000);
	rig_say("+OK\r\n");
	rig_hear_member("s", "a", 60001);
	rig_say(RIG_NO_MEMBER);
	assert_true(fixture_is_quiet(&c.server)); /* nobody is told of it yet */
	rig_wait();
	rig_hear_member("s", "a", 60001 - 101);
	rig_say(RIG_MEMBER);
	rig_hear_set("a", "one", "s", 60000 - 101);
}

static void what_is_taken_out_while_it_is_under_way_is_not_written(void **state)
{
	(void)state;
	rig_set("a", "one", "s");
	rig_hear_member("s", "a", 60001);
	rig_drop(DROP_TAG, "s");
	rig_ask(1, "a");
	rig_told(1, NULL);
	rig_say(RIG_MEMBER);
	rig_hear(UNLINKS_A);
}

/* One at a time of each key, and of those that wait the newest alone. */
static void of_one_key_the_newest_is_written_last_and_those_between_never(void **state)
{
	(void)state;
	rig_set("a", "one", "");
	rig_hear_set("a", "one", "", 60000);
	rig_set("a", "two", "");
	rig_set("a", "three", "");
	assert_true(fixture_is_quiet(&c.server));
	rig_say("+OK\r\n");
	rig_hear_published(DROP_KEY, "a");
	rig_say(":0\r\n");
	rig_hear_set("a", "three", "", 60000);
	rig_say("+OK\r\n");
	rig_hear_published(DROP_KEY, "a");
	rig_say(":0\r\n");
	assert_int_equal(rig_state().progress.pending, 0);
	assert_int_equal(rig_state().written, 2);
}

static void what_is_refused_leaves_nothing_older_there(void **state)
{
	(void)state;
	rig_set("a", "one", "");
	rig_hear_set("a", "one", "", 60000);
	rig_say("-OOM command not allowed when used memory > 'maxmemory'.\r\n");
	rig_hear(UNLINKS_A);
	rig_say(":1\r\n");
	rig_hear_published(DROP_KEY, "a");
	rig_say(":0\r\n");
	assert_int_equal(rig_state().lost_sets, 1);
	assert_int_equal(rig_state().progress.pending, 0);
	rig_drop(DROP_KEY, "a");
	rig_hear(UNLINKS_A);
	rig_say("-NOPERM this user has no permissions\r\n");
	assert_int_equal(rig_state().lost_drops, 1);
	assert_int_equal(rig_state().progress.pending, 0);
}

static void what_fails_for_now_waits_and_goes_with_less_of_its_time(void **state)
{
	(void)state;
	rig_set("a", "one", "");
	rig_hear_set("a", "one", "", 60000);
	rig_say("-READONLY You can't write against a read only replica.\r\n");
	assert_true(fixture_is_quiet(&c.server));
	assert_int_equal(rig_state().lost_sets, 0);
	rig_wait();
	rig_hear_set("a", "one", "", 60000 - 101);
	fixture_hang_up(&c.server); /* nobody knows whether it is there */
	rig_run();
	assert_int_equal(rig_state().progress.pending, 1);
	rig_set("a", "two", ""); /* while it is away */
	fixture_now_ns += 200 * FIXTURE_MS;
	client_ready(&c);
	rig_wait();
	rig_hear_set("a", "two", "", 60000 - 301);
}

static void whose_time_is_over_is_gone_there_too(void **state)
{
	(void)state;
	rig_set("a", "one", "");
	rig_hear_set("a", "one", "", 60000);
	rig_say("-READONLY no\r\n");
	fixture_now_ns += 59900 * FIXTURE_MS;
	rig_wait();
	rig_hear(UNLINKS_A);
}

static void not_all_is_written_at_once(void **state)
{
	char key[16];

	(void)state;
	for (int i = 0; i < 70; i++) {
		struct letter *l;

		snprintf(key, sizeof(key), "k%d", i);
		l = letter_open(LETTER_DROP, &(struct cache_bytes){ NULL, 0 });
		assert_int_equal(
			drop_open(&l->drop, DROP_KEY, &(struct cache_bytes){ key, strlen(key) }),
			0);
		assert_int_equal(bridge_put(&bridge->there, l), 0);
	}
	rig_run();
	assert_int_equal(remote->writing, 64);
	assert_int_equal(rig_state().progress.pending, 70);
}

/* What is under way when it ends is told, and asks nobody any more. */
static void it_ends_with_writes_under_way(void **state)
{
	(void)state;
	rig_set("a", "one", "s t");
	rig_set("b", "one", "");
	rig_drop(DROP_PREFIX, "c");
	assert_int_equal(remote->writing, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_value_goes_there_for_the_rest_of_its_time_and_is_told_of),
		RIG_TEST(a_removal_goes_there_and_is_told_of),
		RIG_TEST(a_key_is_in_the_sets_of_its_tags_before_its_value_is_there),
		RIG_TEST(a_tag_that_fails_is_tried_again_with_all_of_it),
		RIG_TEST(one_that_fails_behind_the_value_too),
		RIG_TEST(what_is_taken_out_while_it_is_under_way_is_not_written),
		RIG_TEST(of_one_key_the_newest_is_written_last_and_those_between_never),
		RIG_TEST(what_is_refused_leaves_nothing_older_there),
		RIG_TEST(what_fails_for_now_waits_and_goes_with_less_of_its_time),
		RIG_TEST(whose_time_is_over_is_gone_there_too),
		RIG_TEST(not_all_is_written_at_once),
		RIG_TEST(it_ends_with_writes_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
