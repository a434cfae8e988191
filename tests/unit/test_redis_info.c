#include "redis_info.h"
#include "rs_test.h"

#include <stdlib.h>
#include <string.h>

static struct redis_info info(const char *text)
{
	struct redis_info i = { .loading = false };

	redis_info_read(&i, text, strlen(text));
	return i;
}

static void lines_are_read(void **state)
{
	struct redis_info i = info("# Server\r\nredis_version:7.0.15\r\nrole:slave\r\nloading:1\r\n"
				   "aof_enabled:1\r\ncluster_enabled:1\r\n");

	(void)state;
	assert_string_equal(i.version, "7.0.15");
	assert_true(i.replica && i.loading && i.aof && i.cluster);
	i = info("redis_version:1234567890123456789012345678901234567890\r\nrole:master\r\n"
		 "loading:0\r\naof_enabled:0\r\ncluster_enabled:0\nxloading:1\r\nloading:11\r\n");
	assert_false(i.replica || i.loading || i.aof || i.cluster);
	assert_int_equal(strlen(i.version), REDIS_INFO_VERSION - 1);
	assert_string_equal(info("").version, "");
	assert_true(info("loading:1").loading); /* the last line may have no end */
}

/* Without a limit nothing is given up, whatever the policy, and with one by some policy. */
static void who_gives_up_keys_is_known(void **state)
{
	struct redis_info none = info("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n");
	struct redis_info keeps =
		info("maxmemory:100\r\nmaxmemory_human:0B\r\nmaxmemory_policy:noeviction\r\n");
	struct redis_info evicts = info("maxmemory:100\r\nmaxmemory_policy:volatile-ttl\r\n");
	struct redis_info unsaid = info("maxmemory:100\r\n"), nothing = info("");

	(void)state;
	assert_false(redis_info_evicts(&none));
	assert_false(redis_info_evicts(&keeps));
	assert_true(redis_info_evicts(&evicts));
	assert_true(redis_info_evicts(&unsaid));
	assert_false(redis_info_evicts(&nothing));
}

static enum redis_persistence persistence(const char *answer, bool aof)
{
	struct redis_info i = { .aof = aof };
	struct redis_wire *wire;
	struct redis_value *v;

	assert_int_equal(redis_wire_open(&wire, 4096), 0);
	assert_int_equal(redis_wire_feed(wire, answer, strlen(answer)), 0);
	assert_int_equal(redis_wire_next(wire, &v), 1);
	redis_info_save(&i, v);
	redis_value_free(v);
	redis_wire_close(wire);
	return redis_info_persistence(&i);
}

static void persistence_is_what_is_configured(void **state)
{
	(void)state;
	assert_int_equal(persistence("*2\r\n$4\r\nsave\r\n$6\r\n3600 1\r\n", false), REDIS_RDB);
	assert_int_equal(persistence("*2\r\n$4\r\nsave\r\n$0\r\n\r\n", false), REDIS_NONE);
	assert_int_equal(persistence("*2\r\n$4\r\nsave\r\n$0\r\n\r\n", true), REDIS_AOF);
	assert_int_equal(persistence("*0\r\n", false), REDIS_UNKNOWN);
	assert_int_equal(persistence("*2\r\n:1\r\n:2\r\n", false), REDIS_UNKNOWN);
	assert_string_equal(redis_persistence_name(REDIS_UNKNOWN), "unknown");
	assert_string_equal(redis_persistence_name(REDIS_NONE), "none");
	assert_string_equal(redis_persistence_name(REDIS_RDB), "rdb");
	assert_string_equal(redis_persistence_name(REDIS_AOF), "aof");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(who_gives_up_keys_is_known),
		cmocka_unit_test(persistence_is_what_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
