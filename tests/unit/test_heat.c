#include "heat.h"
#include "rs_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct heat *h;
static struct cache_bytes top[HEAT_TOP];

static int set_up(void **state)
{
	static const uint64_t key[2] = { 1, 2 };

	(void)state;
	return heat_open(&h, key);
}

static int tear_down(void **state)
{
	(void)state;
	heat_close(h);
	return 0;
}

static void ask(const char *text, int times)
{
	const struct cache_bytes key = { text, strlen(text) };

	for (int i = 0; i < times; i++)
		heat_asked(h, &key);
}

static uint32_t hottest(const char *prefix, uint32_t most)
{
	return heat_top(h, &(struct cache_bytes){ prefix, strlen(prefix) }, top, most);
}

static void assert_at(uint32_t i, const char *text)
{
	assert_int_equal(top[i].length, strlen(text));
	assert_memory_equal(top[i].at, text, strlen(text));
}

static void the_hottest_comes_first(void **state)
{
	(void)state;
	assert_int_equal(hottest("", 10), 0);
	ask("u:1", 3);
	ask("u:2", 5);
	ask("v:1", 9);
	ask("u:3", 1);
	assert_int_equal(hottest("u:", 2), 2);
	assert_at(0, "u:2");
	assert_at(1, "u:1");
	assert_int_equal(hottest("", 10), 4);
	assert_at(0, "v:1");
	assert_int_equal(hottest("u:1:", 10), 0);
}

/* Many that are asked for once do not push out what is asked for often. */
static void a_scan_leaves_what_is_hot(void **state)
{
	char text[24];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "hot:%d", i);
		ask(text, 1000);
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "cold:%d", i);
		ask(text, 1);
	}
	assert_int_equal(hottest("hot:", 100), 20);
	assert_int_equal(hottest("", 20), 20);
	for (uint32_t i = 0; i < 20; i++)
		assert_memory_equal(top[i].at, "hot:", 4);
}

static void what_was_hot_cools(void **state)
{
	(void)state;
	ask("a", 20000);
	ask("b", HEAT_ASKS - 20000); /* halves them, before the last is counted */
	ask("c", 15000);
	assert_int_equal(hottest("", 3), 3);
	assert_at(0, "b");
	assert_at(1, "c");
	assert_at(2, "a");
}

static void a_long_key_is_not_watched(void **state)
{
	static char longest[HEAT_KEY + 2];

	(void)state;
	memset(longest, 'k', HEAT_KEY + 1);
	ask(longest, 5);
	assert_int_equal(hottest("", 3), 0);
	longest[HEAT_KEY] = '\0';
	ask(longest, 5);
	assert_int_equal(hottest("", 3), 1);
}

#define HEAT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HEAT_TEST(the_hottest_comes_first),
		HEAT_TEST(a_scan_leaves_what_is_hot),
		HEAT_TEST(what_was_hot_cools),
		HEAT_TEST(a_long_key_is_not_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
