#include "past.h"
#include "store_fixture.h"

#include <stdlib.h>

/* Seconds of the fixture's boot are those of the wall clock. */
static struct folder f;
static struct past *past;
static struct past_error error;

static void append(enum series_step step, uint32_t from_s, uint32_t until_s)
{
	struct archive a;
	struct block b = { 0 };

	assert_int_equal(archive_open(&a, f.fd, step, store_boot), 0);
	store_block(&b, archive_names(&a), step, from_s, until_s);
	assert_int_equal(archive_append(&a, &b), 0);
	block_fini(&b);
	archive_close(&a);
}

static int asked(int64_t from_s, int64_t to_s, int64_t now_s)
{
	const struct past_ask ask = { .folder = f.path,
				      .from_ms = from_s * 1000,
				      .to_ms = to_s * 1000,
				      .now_ms = now_s * 1000 };

	past_close(past);
	return past_open(&past, &ask, &error);
}

static int setup(void **state)
{
	(void)state;
	folder_open(&f);
	append(SERIES_FINE, 100000, 100030);
	append(SERIES_FINE, 100030, 100050);
	append(SERIES_COARSE, 100000, 100100);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	past_close(past);
	past = NULL;
	folder_close(&f);
	return 0;
}

/* How many requests have come when so many seconds were fed. */
static uint64_t fed(uint32_t seconds)
{
	const struct metrics_scope scope = { .service = "shop" };
	struct metrics_window *window = malloc(sizeof(*window));
	struct fixture x;
	uint64_t count;

	assert_non_null(window);
	fixture_open(&x, 5000 * SECOND);
	for (uint32_t i = 0; i < seconds; i++) {
		const struct replay_time when = { i, 5000 + i };

		assert_int_equal(past_feed(past, x.m, &when), 0);
		fixture_tick(&x, (5001 + i) * SECOND);
	}
	count = metrics_window_get(x.m, &scope, window) ? 0 : window->sums.count;
	metrics_close(x.m);
	free(window);
	return count;
}

static void what_was_recorded_comes_in_its_second(void **state)
{
	struct past_span span;

	(void)state;
	assert_int_equal(asked(99990, 100040, 100060), 0);
	past_span(past, &span);
	assert_int_equal(span.step_s, 1);
	assert_int_equal(span.begin_ms, INT64_C(100000000));
	assert_int_equal(span.slots, 40);
	assert_int_equal(span.series, 1);
	assert_true(span.lasts_s >= 40 && span.lasts_s < 45);
	assert_int_equal(fed(25), 25);
	assert_int_equal(asked(99990, 100040, 100060), 0);
	assert_int_equal(fed(span.lasts_s), 40);
}

static void of_what_is_long_ago_tens_are_taken_and_come_when_they_are_over(void **state)
{
	struct past_span span;

	(void)state;
	assert_int_equal(asked(99990, 100100, 105000), 0);
	past_span(past, &span);
	assert_int_equal(span.step_s, 10);
	assert_int_equal(span.slots, 10);
	assert_int_equal(fed(9), 0);
	assert_int_equal(asked(99990, 100100, 105000), 0);
	assert_int_equal(fed(20), 2);
}

static void nothing_is_touched_beside_who_writes(void **state)
{
	int fd = openat(f.fd, "1s-0000000002.history", O_WRONLY | O_APPEND | O_CLOEXEC);
	struct stat before, after;

	(void)state;
	assert_int_equal(write(fd, "RBLK and a part", 15), 15);
	close(fd);
	fd = openat(f.fd, "1s-0000000001.history.next", O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	close(fd);
	assert_int_equal(fstatat(f.fd, "1s-0000000002.history", &before, 0), 0);
	assert_int_equal(asked(99990, 100060, 100060), 0);
	assert_int_equal(fed(60), 50);
	assert_int_equal(fstatat(f.fd, "1s-0000000002.history", &after, 0), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(fstatat(f.fd, "1s-0000000001.history.next", &after, 0), 0);
}

static void where_nothing_was_recorded_it_is_said(void **state)
{
	(void)state;
	assert_int_equal(asked(90000, 90060, 100060), -ENODATA);
	assert_non_null(strstr(error.text, "no request was recorded in that time"));
	assert_null(past);
	strcat(f.path, "/none");
	assert_int_equal(asked(90000, 90060, 100060), -ENOENT);
	assert_non_null(strstr(error.text, "/none: No such file"));
	*strrchr(f.path, '/') = '\0';
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_recorded_comes_in_its_second),
		TEST(of_what_is_long_ago_tens_are_taken_and_come_when_they_are_over),
		TEST(nothing_is_touched_beside_who_writes),
		TEST(where_nothing_was_recorded_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
