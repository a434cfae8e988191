#include "remote_fixture.h"

#define SCANS(n, pattern)                                                                          \
	"*6\r\n$4\r\nSCAN\r\n$1\r\n0\r\n$5\r\nMATCH\r\n$" n "\r\np:v:" pattern                     \
	"\r\n$5\r\nCOUNT\r\n$3\r\n500\r\n"
#define UNLINKS(n, key) "*2\r\n$6\r\nUNLINK\r\n$" n "\r\np:v:" key "\r\n"

#define TAKES_OUT(key) "*3\r\n$4\r\nSREM\r\n$5\r\np:t:t\r\n$1\r\n" key "\r\n"

/* It is over: what is published once more is answered. */
static void ends(enum drop_kind kind, const char *text)
{
	rig_hear_published(kind, text);
	rig_say(":0\r\n");
	assert_true(fixture_is_quiet(&c.server));
	assert_int_equal(rig_state().progress.pending, 0);
	assert_int_equal(rig_state().progress.bytes, 0);
}

static void a_prefix_is_literal(void **state)
{
	(void)state;
	rig_drop(DROP_PREFIX, "a*[?\\");
	rig_hear_published(DROP_PREFIX, "a*[?\\");
	rig_hear(SCANS("14", "a\\*\\[\\?\\\\*"));
	rig_say(":0\r\n*2\r\n$1\r\n0\r\n*2\r\n$10\r\np:v:a*[?\\1\r\n$6\r\np:v:ab\r\n");
	rig_hear(UNLINKS("10", "a*[?\\1")); /* the other is none, whatever the server thinks */
	rig_say(":1\r\n");
	ends(DROP_PREFIX, "a*[?\\");
	assert_int_equal(rig_state().removed, 1);
}

static void a_pattern_reaches_values_alone(void **state)
{
	(void)state;
	rig_drop(DROP_PATTERN, "*");
	rig_hear_published(DROP_PATTERN, "*");
	rig_hear(SCANS("5", "*"));
	rig_say(":0\r\n*2\r\n$1\r\n0\r\n*4\r\n$5\r\np:v:a\r\n$5\r\np:t:a\r\n$4\r\np:v:\r\n$5\r\nq:"
		"v:a\r\n");
	rig_hear(UNLINKS("5", "a"));
	rig_say(":1\r\n");
	ends(DROP_PATTERN, "*");
}

static void a_tag_takes_its_keys_out_of_its_set_and_then_their_values(void **state)
{
	(void)state;
	rig_drop(DROP_TAG, "t");
	rig_hear_published(DROP_TAG, "t");
	rig_hear("*2\r\n$8\r\nSMEMBERS\r\n$5\r\np:t:t\r\n");
	rig_say(":0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
	rig_hear(TAKES_OUT("a") TAKES_OUT("b"));
	assert_true(fixture_is_quiet(&c.server)); /* what is written anew by now is in it again */
	rig_say(":1\r\n:1\r\n");
	rig_hear(UNLINKS("5", "a") UNLINKS("5", "b"));
	rig_say(":1\r\n:0\r\n");
	rig_keeps_all();
	ends(DROP_TAG, "t");
	assert_int_equal(rig_state().removed, 1);
}

/* The next look into the set does not find it: its value must not stay for that. */
static void what_may_be_out_of_the_set_goes_by_its_key(void **state)
{
	(void)state;
	rig_drop(DROP_TAG, "t");
	rig_hear_published(DROP_TAG, "t");
	rig_hear("*2\r\n$8\r\nSMEMBERS\r\n$5\r\np:t:t\r\n");
	rig_say(":0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
	rig_hear(TAKES_OUT("a") TAKES_OUT("b"));
	rig_say(":1\r\n-MISCONF no disk\r\n");
	rig_hear(UNLINKS("5", "a"));
	rig_set("a", "new", ""); /* it is written anew by that */
	rig_say("-MISCONF no disk\r\n");
	assert_true(fixture_is_quiet(&c.server));
	assert_int_equal(rig_state().progress.pending, 3);
	rig_wait();
	rig_hear_published(DROP_TAG, "t");
	rig_hear("*2\r\n$8\r\nSMEMBERS\r\n$5\r\np:t:t\r\n");
	rig_say(":0\r\n*0\r\n");
	rig_keeps_all();
	rig_hear_published(DROP_TAG, "t");
	rig_say(":0\r\n");
	rig_hear(UNLINKS("5", "b"));
	rig_hear_set("a", "new", "", 60000 - 101);
}

static void what_comes_later_waits_for_it(void **state)
{
	(void)state;
	rig_drop(DROP_PREFIX, "a");
	rig_hear_published(DROP_PREFIX, "a");
	rig_hear(SCANS("6", "a*"));
	rig_set("a", "new", "");
	assert_true(fixture_is_quiet(&c.server));
	rig_set("b", "new", ""); /* which it does not take */
	rig_hear_set("b", "new", "", 60000);
	rig_say(":0\r\n*2\r\n$1\r\n0\r\n*0\r\n+OK\r\n");
	rig_hear_published(DROP_PREFIX, "a");
	rig_hear_published(DROP_KEY, "b");
	rig_say(":0\r\n");
	rig_hear_set("a", "new", "", 60000);
}

static void by_a_tag_everything_waits(void **state)
{
	(void)state;
	rig_drop(DROP_TAG, "t");
	rig_hear_published(DROP_TAG, "t");
	rig_hear("*2\r\n$8\r\nSMEMBERS\r\n$5\r\np:t:t\r\n");
	rig_set("b", "new", "");
	assert_true(fixture_is_quiet(&c.server));
	rig_say(":0\r\n*0\r\n");
	rig_keeps_all();
	rig_hear_published(DROP_TAG, "t");
	rig_say(":0\r\n");
	rig_hear_set("b", "new", "", 60000);
}

static void it_waits_for_what_is_under_way(void **state)
{
	(void)state;
	rig_set("a", "old", "");
	rig_hear_set("a", "old", "", 60000);
	rig_drop(DROP_PREFIX, "a");
	assert_true(fixture_is_quiet(&c.server));
	rig_say("+OK\r\n");
	rig_hear_published(DROP_KEY, "a");
	rig_say(":0\r\n");
	rig_hear_published(DROP_PREFIX, "a");
	rig_hear(SCANS("6", "a*"));
}

static void what_fails_begins_again_from_the_start(void **state)
{
	(void)state;
	rig_drop(DROP_PREFIX, "a");
	rig_hear_published(DROP_PREFIX, "a");
	rig_hear(SCANS("6", "a*"));
	rig_say(":0\r\n*2\r\n$1\r\n0\r\n*1\r\n$5\r\np:v:a\r\n");
	rig_hear(UNLINKS("5", "a"));
	rig_say("-LOADING Redis is loading the dataset in memory\r\n");
	fixture_now_ns += 100 * FIXTURE_MS; /* the client asks again what passes by itself */
	rig_run();
	rig_hear(UNLINKS("5", "a"));
	rig_say("-MISCONF no disk\r\n");
	assert_true(fixture_is_quiet(&c.server));
	assert_int_equal(rig_state().progress.pending, 1);
	rig_wait();
	rig_hear_published(DROP_PREFIX, "a");
	rig_hear(SCANS("6", "a*"));
}

static void what_is_refused_is_given_up_and_counted(void **state)
{
	(void)state;
	rig_drop(DROP_TAG, "t");
	rig_hear_published(DROP_TAG, "t");
	rig_hear("*2\r\n$8\r\nSMEMBERS\r\n$5\r\np:t:t\r\n");
	rig_say(":0\r\n-WRONGTYPE no\r\n");
	assert_true(fixture_is_quiet(&c.server));
	assert_int_equal(rig_state().progress.pending, 0);
	assert_int_equal(rig_state().lost_drops, 1);
}

static void a_lost_connection_is_no_end(void **state)
{
	(void)state;
	rig_drop(DROP_PREFIX, "a");
	rig_hear_published(DROP_PREFIX, "a");
	rig_hear(SCANS("6", "a*"));
	fixture_hang_up(&c.server);
	rig_run();
	assert_int_equal(rig_state().progress.pending, 1);
	fixture_now_ns += 200 * FIXTURE_MS;
	client_ready(&c);
	rig_wait();
	rig_hear_published(DROP_PREFIX, "a");
	rig_hear(SCANS("6", "a*"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_prefix_is_literal),
		RIG_TEST(a_pattern_reaches_values_alone),
		RIG_TEST(a_tag_takes_its_keys_out_of_its_set_and_then_their_values),
		RIG_TEST(what_may_be_out_of_the_set_goes_by_its_key),
		RIG_TEST(what_comes_later_waits_for_it),
		RIG_TEST(by_a_tag_everything_waits),
		RIG_TEST(it_waits_for_what_is_under_way),
		RIG_TEST(what_fails_begins_again_from_the_start),
		RIG_TEST(what_is_refused_is_given_up_and_counted),
		RIG_TEST(a_lost_connection_is_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
