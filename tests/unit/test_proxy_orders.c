#include "proxy_rig.h"

static void fill(void)
{
	rig_open("rule match=/l* name=leads ttl=60s rule match=* ttl=60s");
	rig_exchange(RIG_GET("/l/1"), RIG_OK("Surrogate-Key: a b\r\nContent-Length: 1\r\n", "1"));
	rig_exchange(RIG_GET("/l/2"), RIG_OK("Cache-Tag: b,c\r\nContent-Length: 1\r\n", "2"));
	rig_exchange(RIG_GET("/x"), RIG_OK("Content-Length: 1\r\n", "x"));
}

/* By the proxy's own thread, as it is in an agent. */
static uint64_t purge(enum proxy_purge kind, const char *what)
{
	const struct cache_bytes bytes = { what, strlen(what) };
	uint64_t count;

	assert_int_equal(proxy_purge(rig.p, kind, &bytes, &count), 0);
	return count;
}

static void entries_go_by_pattern_prefix_tag_and_key(void **state)
{
	struct cache_counts c;

	(void)state;
	fill();
	assert_int_equal(proxy_run(rig.p), 0);
	assert_int_equal(purge(PROXY_PURGE_TAG, "a"), 1);
	assert_int_equal(purge(PROXY_PURGE_TAG, "a"), 0);
	assert_int_equal(purge(PROXY_PURGE_PREFIX, "leads:h/l/"), 1);
	assert_int_equal(purge(PROXY_PURGE_KEY, "proxy:h/y?"), 0);
	assert_int_equal(purge(PROXY_PURGE_KEY, "proxy:h/x?"), 1);
	assert_int_equal(purge(PROXY_PURGE_PATTERN, "*"), 0);
	assert_int_equal(rig_counts().purged, 3);
	proxy_cache_counts_get(rig.p, &c);
	assert_int_equal(c.items, 0);
}

static void a_pattern_leaves_what_it_does_not_fit(void **state)
{
	(void)state;
	fill();
	assert_int_equal(proxy_run(rig.p), 0);
	assert_int_equal(purge(PROXY_PURGE_PATTERN, "leads:*"), 2);
	assert_int_equal(purge(PROXY_PURGE_PATTERN, "*"), 1);
}

static void what_is_no_pattern_is_refused(void **state)
{
	const struct cache_bytes none = { "", 0 };
	uint64_t count;

	(void)state;
	fill();
	assert_int_equal(proxy_purge(rig.p, PROXY_PURGE_PATTERN, &none, &count), -EINVAL);
}

static void one_that_is_late_is_done_all_the_same(void **state)
{
	const struct cache_bytes all = { "*", 1 };
	uint64_t count;

	(void)state;
	fill(); /* nobody turns its loop */
	assert_int_equal(proxy_purge(rig.p, PROXY_PURGE_PATTERN, &all, &count), -ETIMEDOUT);
	assert_int_equal(count, 0);
	rig_settle();
	assert_int_equal(rig_counts().purged, 3);
	/* one that nobody comes to is freed with the proxy */
	assert_int_equal(proxy_purge(rig.p, PROXY_PURGE_PATTERN, &all, &count), -ETIMEDOUT);
}

static void what_is_on_its_way_is_not_kept(void **state)
{
	const struct cache_bytes all = { "*", 1 };
	int client, up;
	uint64_t count;

	(void)state;
	rig_open("rule match=* ttl=60s");
	client = rig_connect();
	rig_say(client, RIG_GET("/a"));
	up = rig_accept();
	assert_int_equal(proxy_purge(rig.p, PROXY_PURGE_PATTERN, &all, &count), -ETIMEDOUT);
	rig_settle();
	rig_say(up, RIG_OK("Content-Length: 1\r\n", "x"));
	assert_has(rig_read(client), "X-Cache: MISS\r\n\r\nx");
	close(client);
	close(up);
	assert_int_equal(rig_counts().stored, 0);
	assert_has(rig_exchange(RIG_GET("/a"), RIG_OK("Content-Length: 1\r\n", "y")), "MISS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(entries_go_by_pattern_prefix_tag_and_key),
		RIG_TEST(a_pattern_leaves_what_it_does_not_fit),
		RIG_TEST(what_is_no_pattern_is_refused),
		RIG_TEST(one_that_is_late_is_done_all_the_same),
		RIG_TEST(what_is_on_its_way_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
