#include "proxy_rig.h"

static void fill(void)
{
	rig_open("rule match=/l* name=leads ttl=60s rule match=* ttl=60s");
	rig_exchange(RIG_GET("/l/1"), RIG_OK("Surrogate-Key: a b\r\nContent-Length: 1\r\n", "1"));
	rig_exchange(RIG_GET("/l/2"), RIG_OK("Cache-Tag: b,c\r\nContent-Length: 1\r\n", "2"));
	rig_exchange(RIG_GET("/x"), RIG_OK("Content-Length: 1\r\n", "x"));
}

/* How many went. */
static uint64_t purge(enum drop_kind kind, const char *what)
{
	const struct cache_bytes bytes = { what, strlen(what) };
	uint64_t count;

	assert_int_equal(proxy_purge(rig.p, kind, &bytes, what), 0);
	rig_settle();
	assert_int_equal(proxy_purged(rig.p, what, &count), 0);
	proxy_leave(rig.p, what);
	return count;
}

static void entries_go_by_pattern_prefix_tag_and_key(void **state)
{
	struct cache_counts c;

	(void)state;
	fill();
	assert_int_equal(purge(DROP_TAG, "a"), 1);
	assert_int_equal(purge(DROP_TAG, "a"), 0);
	assert_int_equal(purge(DROP_PREFIX, "leads:h/l/"), 1);
	assert_int_equal(purge(DROP_KEY, "proxy:h/y?"), 0);
	assert_int_equal(purge(DROP_KEY, "proxy:h/x?"), 1);
	assert_int_equal(purge(DROP_PATTERN, "*"), 0);
	assert_int_equal(rig_counts().purged, 3);
	proxy_cache_counts_get(rig.p, &c);
	assert_int_equal(c.items, 0);
}

/* By whatever headers it was asked for; the ? may be left out where nothing follows it. */
static void a_key_takes_all_that_is_kept_of_an_address(void **state)
{
	static const char vary[] = RIG_OK("Vary: A\r\nContent-Length: 1\r\n", "x");
	static const char plain[] = RIG_OK("Content-Length: 1\r\n", "x");
	static const char *const keys[] = { "r:h/a?", "r:h/a" };

	(void)state;
	rig_open("rule match=* name=r headers=T ttl=60s");
	for (int i = 0; i < 2; i++) {
		rig_exchange("GET /a HTTP/1.1\r\nHost: h\r\nT: 1\r\nA: 1\r\n\r\n", vary);
		rig_exchange("GET /a HTTP/1.1\r\nHost: h\r\nT: 1\r\nA: 2\r\n\r\n", vary);
		rig_exchange("GET /a HTTP/1.1\r\nHost: h\r\nT: 2\r\n\r\n", plain);
		rig_exchange(RIG_GET("/a?b"), plain);
		rig_exchange(RIG_GET("/ab"), plain);
		assert_int_equal(purge(DROP_KEY, "r:h/"), 0);
		assert_int_equal(purge(DROP_KEY, keys[i]), 4); /* one says by what it varies */
		assert_int_equal(purge(DROP_KEY, keys[i]), 0);
		assert_int_equal(purge(DROP_KEY, "r:h/a?b"), 1);
		assert_int_equal(purge(DROP_PREFIX, "r:"), 1);
	}
}

static void a_pattern_leaves_what_it_does_not_fit(void **state)
{
	(void)state;
	fill();
	assert_int_equal(purge(DROP_PATTERN, ""), 0); /* which is none */
	assert_int_equal(purge(DROP_PATTERN, "leads:*"), 2);
	assert_int_equal(purge(DROP_PATTERN, "*"), 1);
}

static void all_of_one_who_asks_are_told_together(void **state)
{
	const struct cache_bytes tags[] = { { "a", 1 }, { "c", 1 } };
	int me, other;
	uint64_t count;

	(void)state;
	fill();
	for (int i = 0; i < 2; i++)
		assert_int_equal(proxy_purge(rig.p, DROP_TAG, &tags[i], &me), 0);
	assert_int_equal(proxy_purged(rig.p, &me, &count), -EAGAIN); /* nobody turned its loop */
	assert_int_equal(proxy_purged(rig.p, &other, &count), 0);
	assert_int_equal(count, 0);
	rig_settle();
	assert_int_equal(proxy_purged(rig.p, &me, &count), 0);
	assert_int_equal(count, 2);
	proxy_leave(rig.p, &me);
	assert_int_equal(proxy_purged(rig.p, &me, &count), 0);
	assert_int_equal(count, 0);
}

static void whoever_leaves_or_does_not_ask_gets_it_done(void **state)
{
	const struct cache_bytes all = { "*", 1 }, tag = { "a", 1 };
	int me;

	(void)state;
	fill();
	assert_int_equal(proxy_purge(rig.p, DROP_TAG, &tag, NULL), 0);
	rig_settle();
	assert_int_equal(rig_counts().purged, 1);
	assert_int_equal(proxy_purge(rig.p, DROP_PATTERN, &all, &me), 0);
	proxy_leave(rig.p, &me);
	rig_settle();
	assert_int_equal(rig_counts().purged, 3);
	/* one that nobody comes to, and one that nobody asked for, are freed with the proxy */
	assert_int_equal(proxy_purge(rig.p, DROP_PATTERN, &all, &me), 0);
	rig_settle();
	assert_int_equal(proxy_purge(rig.p, DROP_PATTERN, &all, &me), 0);
}

/* By the proxy's own thread, as it is in an agent. */
static void another_thread_takes_them_as_they_come(void **state)
{
	static char keys[1000];
	const struct cache_bytes key = { "proxy:h/x?", 10 };
	uint64_t count = 0;

	(void)state;
	fill();
	assert_int_equal(proxy_run(rig.p), 0);
	for (size_t i = 0; i < sizeof(keys); i++)
		assert_int_equal(proxy_purge(rig.p, DROP_KEY, &key, &keys[i]), 0);
	for (size_t i = 0; i < sizeof(keys); i++) {
		uint64_t one;

		while (proxy_purged(rig.p, &keys[i], &one))
			usleep(1000);
		count += one;
		assert_int_equal(one, i == 0); /* the oldest first */
		proxy_leave(rig.p, &keys[i]);
	}
	assert_int_equal(count, 1);
}

static void what_is_on_its_way_is_not_kept(void **state)
{
	int client, up;

	(void)state;
	rig_open("rule match=* ttl=60s");
	client = rig_connect();
	rig_say(client, RIG_GET("/a"));
	up = rig_accept();
	assert_int_equal(purge(DROP_PATTERN, "*"), 0);
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
		RIG_TEST(a_key_takes_all_that_is_kept_of_an_address),
		RIG_TEST(a_pattern_leaves_what_it_does_not_fit),
		RIG_TEST(all_of_one_who_asks_are_told_together),
		RIG_TEST(whoever_leaves_or_does_not_ask_gets_it_done),
		RIG_TEST(another_thread_takes_them_as_they_come),
		RIG_TEST(what_is_on_its_way_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
