#include "wipe.h"

#include "courier.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int links[2];
static char patterns[8][CHANNEL_VALUE];
static int count;

static int setup(void **state)
{
	(void)state;
	count = 0;
	return courier_link(links);
}

static int teardown(void **state)
{
	(void)state;
	close(links[0]);
	close(links[1]);
	return 0;
}

static int64_t clear(void *ctx, const char *pattern)
{
	assert_true(count < 8);
	strcpy(patterns[count++], pattern);
	return *(int64_t *)ctx;
}

static void each_order_is_done_once_and_answered(void **state)
{
	struct wipe_order order = { .kind = 2, .sum = 3, .sequence = 4, .at_ms = 5 };
	struct courier_word word;
	int64_t result = 7;

	(void)state;
	strcpy(order.pattern, "a:*");
	assert_int_equal(wipe_order(links[0], &order), 0);
	strcpy(order.pattern, "b:*");
	order.sequence = 6;
	assert_int_equal(wipe_order(links[0], &order), 0);
	wipe_serve(links[1], clear, &result);
	wipe_serve(links[1], clear, &result);
	assert_int_equal(count, 2);
	assert_string_equal(patterns[0], "a:*");
	assert_string_equal(patterns[1], "b:*");
	assert_int_equal(courier_hear(links[0], &word), 1);
	assert_int_equal(word.outcome, COURIER_ARRIVED);
	assert_int_equal(word.kind, 2);
	assert_int_equal(word.sum, 3);
	assert_int_equal(word.sequence, 4);
	assert_int_equal(word.at_ms, 5);
	assert_int_equal(word.pid, 0);
	assert_string_equal(word.text, "7 entries cleared");
	assert_int_equal(courier_hear(links[0], &word), 1);
	assert_int_equal(word.sequence, 6);
	assert_int_equal(courier_hear(links[0], &word), -EAGAIN);
}

static void what_cannot_be_done_says_why(void **state)
{
	struct wipe_order order = { .kind = 0 };
	struct courier_word word;
	int64_t result = -ENOMEM;

	(void)state;
	memset(order.pattern, 'x', sizeof(order.pattern)); /* without an end */
	assert_int_equal(wipe_order(links[0], &order), 0);
	assert_int_equal(send(links[0], "?", 1, 0), 1);
	wipe_serve(links[1], clear, &result);
	assert_int_equal(count, 1);
	assert_int_equal(strlen(patterns[0]), CHANNEL_VALUE - 1);
	assert_int_equal(courier_hear(links[0], &word), 1);
	assert_int_equal(word.outcome, COURIER_REFUSED);
	assert_string_equal(word.text, "not done: Cannot allocate memory");
}

static void who_is_behind_is_not_waited_for(void **state)
{
	struct wipe_order order = { .kind = 0 };
	int ret = 0;

	(void)state;
	for (int i = 0; i < 100000 && !ret; i++)
		ret = wipe_order(links[0], &order);
	assert_int_equal(ret, -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_order_is_done_once_and_answered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_done_says_why, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_behind_is_not_waited_for, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
