#include "remote_fixture.h"

#define SCANS                                                                                      \
	"*6\r\n$4\r\nSCAN\r\n$1\r\n0\r\n$5\r\nMATCH\r\n$5\r\np:v:*"                                \
	"\r\n$5\r\nCOUNT\r\n$3\r\n500\r\n"
#define LOOKS(key) "*4\r\n$8\r\nGETRANGE\r\n$5\r\np:v:" key "\r\n$1\r\n0\r\n$4\r\n2384\r\n"
#define UNLINKS(key) "*2\r\n$6\r\nUNLINK\r\n$5\r\np:v:" key "\r\n"

/* The set of the tag is not there, in a Redis that may have given it up. */
static void comb(void)
{
	rig_drop(DROP_TAG, "t");
	rig_hear_published(DROP_TAG, "t");
	rig_hear("*2\r\n$8\r\nSMEMBERS\r\n$5\r\np:t:t\r\n");
	rig_say(":0\r\n*0\r\n");
	rig_hear(RIG_ASKS_MEMORY);
	rig_say("$45\r\nmaxmemory:9\r\nmaxmemory_policy:allkeys-lru\r\n\r\n\r\n");
	rig_hear(SCANS);
}

static void say_value(const char *key, const char *tags)
{
	size_t length;
	void *bytes = rig_capsule(key, "hello", tags, &length);

	rig_say_bytes(bytes, length);
	free(bytes);
}

static void ends(void)
{
	rig_hear_published(DROP_TAG, "t");
	rig_say(":0\r\n");
	assert_true(fixture_is_quiet(&c.server));
	assert_int_equal(rig_state().progress.pending, 0);
}

static void values_say_themselves_which_tags_they_have(void **state)
{
	(void)state;
	comb();
	rig_say("*2\r\n$1\r\n0\r\n*3\r\n$5\r\np:v:a\r\n$5\r\np:t:a\r\n$5\r\np:v:b\r\n");
	rig_hear(LOOKS("a") LOOKS("b"));
	say_value("a", "s t");
	say_value("b", "tt");
	rig_hear(UNLINKS("a"));
	rig_say(":1\r\n");
	ends();
	assert_int_equal(rig_state().removed, 1);
}

static void what_is_no_value_of_ours_stays(void **state)
{
	(void)state;
	comb();
	rig_say("*2\r\n$1\r\n0\r\n*3\r\n$5\r\np:v:a\r\n$5\r\np:v:b\r\n$5\r\np:v:c\r\n");
	rig_hear(LOOKS("a") LOOKS("b") LOOKS("c"));
	rig_say("$0\r\n\r\n$1\r\nt\r\n-WRONGTYPE no\r\n");
	ends();
	assert_int_equal(rig_state().lost_drops, 0);
}

static void a_fault_begins_it_again(void **state)
{
	(void)state;
	comb();
	rig_say("*2\r\n$1\r\n0\r\n*1\r\n$5\r\np:v:a\r\n");
	rig_hear(LOOKS("a"));
	rig_say("-MISCONF no disk\r\n");
	assert_true(fixture_is_quiet(&c.server));
	assert_int_equal(rig_state().progress.pending, 1);
	rig_wait();
	rig_hear_published(DROP_TAG, "t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(values_say_themselves_which_tags_they_have),
		RIG_TEST(what_is_no_value_of_ours_stays),
		RIG_TEST(a_fault_begins_it_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
