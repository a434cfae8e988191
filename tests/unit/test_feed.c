#include "feed.h"

#include "rs_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 65536

static struct feed f;
static struct feed_reader r;
static char out[ROOM + 1];

static int setup(void **state)
{
	(void)state;
	feed_init(&f, 0xabc);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	feed_reader_fini(&r);
	feed_fini(&f);
	return 0;
}

static void put(enum feed_kind kind, const char *data)
{
	assert_int_equal(feed_put(&f, kind, data, strlen(data)), 0);
}

static const char *read_all(void)
{
	size_t n = feed_read(&r, out, ROOM, 0);

	out[n] = '\0';
	return out;
}

static void an_event_has_its_id_its_kind_and_its_data(void **state)
{
	(void)state;
	feed_reader_init(&r, &f, FEED_ALL, NULL);
	put(FEED_ALERT, "{1}");
	put(FEED_METRICS, "{2}");
	assert_string_equal(read_all(), "id: abc-1\nevent: alert\ndata: {1}\n\n"
					"id: abc-2\nevent: metrics\ndata: {2}\n\n");
	assert_string_equal(read_all(), "");
}

static void who_begins_gets_what_comes(void **state)
{
	(void)state;
	put(FEED_ALERT, "{old}");
	feed_reader_init(&r, &f, FEED_ALL, NULL);
	assert_string_equal(read_all(), "");
	put(FEED_ALERT, "{new}");
	assert_non_null(strstr(read_all(), "{new}"));
}

static void who_comes_back_gets_what_it_has_not_seen(void **state)
{
	(void)state;
	put(FEED_ALERT, "{1}");
	put(FEED_ALERT, "{2}");
	put(FEED_ALERT, "{3}");
	feed_reader_init(&r, &f, FEED_ALL, "abc-1");
	assert_string_equal(read_all(), "id: abc-2\nevent: alert\ndata: {2}\n\n"
					"id: abc-3\nevent: alert\ndata: {3}\n\n");
}

static void an_id_that_nobody_knows_is_told(void **state)
{
	static const char *const ids[] = { "abd-1", "abc-9", "abc-", "abc-1x", "abc-0", "", "x" };

	(void)state;
	put(FEED_ALERT, "{1}");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		feed_reader_init(&r, &f, FEED_ALL, ids[i]);
		assert_string_equal(read_all(), "event: lost\ndata: {\"events\":null}\n\n");
		assert_string_equal(read_all(), "");
	}
}

static void of_kinds_that_nobody_asked_for_nothing_is_told(void **state)
{
	(void)state;
	feed_reader_init(&r, &f, FEED_ALERT, NULL);
	put(FEED_METRICS, "{1}");
	put(FEED_ALERT, "{2}");
	put(FEED_METRICS, "{3}");
	assert_string_equal(read_all(), "id: abc-2\nevent: alert\ndata: {2}\n\n");
}

static void an_event_is_read_in_pieces_and_ends_whole_though_it_is_gone(void **state)
{
	char whole[256] = "";
	size_t used = 5;

	(void)state;
	feed_reader_init(&r, &f, FEED_ALERT, NULL);
	put(FEED_ALERT, "{first}");
	assert_int_equal(feed_read(&r, whole, 5, 0), 5);
	for (unsigned int i = 0; i < FEED_EVENTS; i++)
		put(FEED_METRICS, "{}");
	while (feed_read(&r, whole + used, 1, 0) == 1)
		used++;
	assert_string_equal(whole, "id: abc-1\nevent: alert\ndata: {first}\n\n");
}

static void who_is_too_slow_is_told_how_many_it_missed(void **state)
{
	(void)state;
	feed_reader_init(&r, &f, FEED_ALL, NULL);
	for (unsigned int i = 0; i < FEED_EVENTS + 7; i++)
		put(FEED_METRICS, "{}");
	assert_int_equal(f.next - f.first, FEED_EVENTS);
	assert_ptr_equal(strstr(read_all(), "event: lost\ndata: {\"events\":7}\n\nid: abc-8\n"),
			 out);
	assert_int_equal(f.lost, 7);
	assert_null(strstr(out + 1, "event: lost"));
}

static void what_it_did_not_ask_for_it_did_not_miss(void **state)
{
	(void)state;
	put(FEED_ALERT, "{0}");
	feed_reader_init(&r, &f, FEED_ALERT, NULL);
	put(FEED_ALERT, "{1}");
	put(FEED_ALERT, "{2}");
	for (unsigned int i = 0; i < FEED_EVENTS; i++)
		put(FEED_METRICS, "{}");
	assert_string_equal(read_all(), "event: lost\ndata: {\"events\":2}\n\n");
	for (unsigned int i = 0; i < FEED_EVENTS + 7; i++)
		put(FEED_METRICS, "{}");
	assert_string_equal(read_all(), "");
}

static void who_comes_back_too_late_is_told(void **state)
{
	(void)state;
	put(FEED_ALERT, "{1}");
	for (unsigned int i = 0; i < FEED_EVENTS + 4; i++)
		put(FEED_METRICS, "{}");
	feed_reader_init(&r, &f, FEED_ALL, "abc-1");
	assert_ptr_equal(strstr(read_all(), "event: lost\ndata: {\"events\":4}\n\nid: abc-6\n"),
			 out);
	feed_reader_fini(&r);
	feed_reader_init(&r, &f, FEED_ALERT, "abc-1");
	assert_string_equal(read_all(), "event: lost\ndata: {\"events\":null}\n\n");
}

static void what_found_no_room_anywhere_is_told_in_its_place(void **state)
{
	(void)state;
	feed_reader_init(&r, &f, FEED_ALL, NULL);
	feed_skip(&f, FEED_ALERT, 2);
	put(FEED_ALERT, "{3}");
	assert_string_equal(read_all(), "event: lost\ndata: {\"events\":2}\n\n"
					"id: abc-3\nevent: alert\ndata: {3}\n\n");
}

static void large_events_leave_room_for_fewer(void **state)
{
	static char data[FEED_BYTES / 4 + 1];

	(void)state;
	memset(data, 'x', sizeof(data) - 1);
	for (int i = 0; i < 6; i++)
		put(FEED_METRICS, data);
	assert_true(f.bytes <= FEED_BYTES);
	assert_int_equal(f.next - f.first, 3);
}

static void silence_is_broken_by_a_comment(void **state)
{
	(void)state;
	feed_reader_init(&r, &f, FEED_ALL, NULL);
	assert_int_equal(feed_read(&r, out, ROOM, FEED_BEAT_NS - 1), 0);
	assert_int_equal(feed_read(&r, out, ROOM, FEED_BEAT_NS), 4);
	assert_memory_equal(out, ": \n\n", 4);
	assert_int_equal(feed_read(&r, out, ROOM, FEED_BEAT_NS + 1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_has_its_id_its_kind_and_its_data),
		TEST(who_begins_gets_what_comes),
		TEST(who_comes_back_gets_what_it_has_not_seen),
		TEST(an_id_that_nobody_knows_is_told),
		TEST(of_kinds_that_nobody_asked_for_nothing_is_told),
		TEST(an_event_is_read_in_pieces_and_ends_whole_though_it_is_gone),
		TEST(who_is_too_slow_is_told_how_many_it_missed),
		TEST(what_it_did_not_ask_for_it_did_not_miss),
		TEST(who_comes_back_too_late_is_told),
		TEST(what_found_no_room_anywhere_is_told_in_its_place),
		TEST(large_events_leave_room_for_fewer),
		TEST(silence_is_broken_by_a_comment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
