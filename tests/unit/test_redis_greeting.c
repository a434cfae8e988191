#include "redis_greeting.h"
#include "redis_rig.h"

static void it_asks_what_the_server_is(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	rig_connect(&r);
	assert_int_equal(r.link.state, REDIS_LINK_GREETING);
	fixture_hear(&r.server, FIXTURE_ASKS_INFO);
	rig_say(&r, FIXTURE_CLUSTER);
	assert_int_equal(r.link.state, REDIS_LINK_GREETING); /* not all is answered */
	rig_say(&r, FIXTURE_SAVE);
	assert_int_equal(r.link.state, REDIS_LINK_READY);
	assert_int_equal(r.turned, 1);
	assert_true(r.link.info.cluster);
	assert_int_equal(redis_info_persistence(&r.link.info), REDIS_NONE);
	rig_close(&r);
}

static void password_and_database_come_first(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	r.who = (struct redis_url){ .user = "me", .password = "pw", .db = 3 };
	rig_connect(&r);
	fixture_hear(&r.server, "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\npw\r\n"
				"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n" FIXTURE_ASKS_INFO);
	rig_say(&r, "+OK\r\n+OK\r\n" FIXTURE_INFO FIXTURE_SAVE);
	assert_int_equal(r.link.state, REDIS_LINK_READY);
	rig_close(&r);
}

static void a_password_alone_is_the_default_users(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	r.who = (struct redis_url){ .password = "pw" };
	rig_connect(&r);
	fixture_hear(&r.server, "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n");
	rig_close(&r);
}

static void refused(const char *said, enum redis_fault fault, const char *text)
{
	struct rig r;

	rig_open(&r, NULL);
	r.who = (struct redis_url){ .password = "pw", .db = 3 };
	rig_connect(&r);
	rig_say(&r, said);
	assert_int_equal(r.link.state, REDIS_LINK_DOWN);
	assert_int_equal(r.link.fault, fault);
	assert_string_equal(r.link.text, text);
	assert_true(fixture_was_left(&r.server));
	rig_close(&r);
}

static void what_is_refused_ends_it(void **state)
{
	(void)state;
	refused("-WRONGPASS no\033\r\n", REDIS_NOAUTH, "WRONGPASS no?");
	refused("+OK\r\n-ERR DB index\r\n", REDIS_ERROR, "ERR DB index");
	refused("+OK\r\n+OK\r\n-NOAUTH need\r\n", REDIS_NOAUTH, "NOAUTH need");
	refused("+OK\r\n+OK\r\n$9\r\nloading:1\r\n", REDIS_LOADING, "LOADING");
	/* of a later answer too: the first reason stays */
	refused("-WRONGPASS no\r\n-NOAUTH a\r\n-NOAUTH b\r\n-NOAUTH c\r\n", REDIS_NOAUTH,
		"WRONGPASS no");
}

static void who_may_not_ask_for_it_does_not_know(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	rig_connect(&r);
	rig_say(&r, "-NOPERM a\r\n-NOPERM b\r\n");
	assert_int_equal(r.link.state, REDIS_LINK_READY);
	assert_int_equal(redis_info_persistence(&r.link.info), REDIS_UNKNOWN);
	rig_close(&r);
}

static void a_listener_asks_for_its_channel_alone(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, "p:news");
	r.who.db = 3;
	rig_connect(&r);
	fixture_hear(&r.server, "*2\r\n$9\r\nSUBSCRIBE\r\n$6\r\np:news\r\n");
	assert_true(fixture_is_quiet(&r.server));
	rig_say(&r, "*3\r\n$9\r\nsubscribe\r\n$6\r\np:news\r\n:1\r\n");
	assert_int_equal(r.link.state, REDIS_LINK_READY);
	rig_say(&r, "*3\r\n$7\r\nmessage\r\n$6\r\np:news\r\n$2\r\nk1\r\n");
	assert_int_equal(r.pushed, 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_asks_what_the_server_is),
		cmocka_unit_test(password_and_database_come_first),
		cmocka_unit_test(a_password_alone_is_the_default_users),
		cmocka_unit_test(what_is_refused_ends_it),
		cmocka_unit_test(who_may_not_ask_for_it_does_not_know),
		cmocka_unit_test(a_listener_asks_for_its_channel_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
