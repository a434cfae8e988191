#include "turn.h"

#include "rs_test.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START (1000 * SECOND) /* the begin of a window */

static void before_the_first_is_due_none_is_late(void **state)
{
	struct turn t = { 0 };

	(void)state;
	assert_int_equal(turn_late_ns(&t, START), 0);
	turn_begin(&t, START);
	assert_int_equal(turn_late_ns(&t, START + SECOND), 0);
}

static void a_turn_is_as_late_as_it_comes_after_its_time(void **state)
{
	struct turn t = { 0 };

	(void)state;
	turn_due(&t, START + SECOND);
	turn_begin(&t, START + SECOND + 7 * MS);
	turn_due(&t, START + 2 * SECOND);
	assert_int_equal(turn_late_ns(&t, START + SECOND + 8 * MS), 7 * MS);
	turn_begin(&t, START + SECOND + 500 * MS); /* something woke it early */
	turn_due(&t, START + 3 * SECOND);
	turn_begin(&t, START + 3 * SECOND + 2 * MS); /* the most is told, not the last */
	turn_due(&t, START + 4 * SECOND);
	assert_int_equal(turn_late_ns(&t, START + 3 * SECOND + 2 * MS), 7 * MS);
}

static void one_that_does_not_come_is_later_and_later(void **state)
{
	struct turn t = { 0 };

	(void)state;
	turn_due(&t, START);
	assert_int_equal(turn_late_ns(&t, START + 4 * SECOND), 4 * SECOND);
	assert_int_equal(turn_late_ns(&t, START + 400 * SECOND), 400 * SECOND);
}

/* A turn each second, on time: how late it is said to be after so many. */
static uint64_t after_seconds(struct turn *t, uint64_t *now_ns, uint64_t seconds)
{
	for (uint64_t i = 0; i < seconds; i++) {
		turn_due(t, *now_ns += SECOND);
		turn_begin(t, *now_ns);
	}
	return turn_late_ns(t, *now_ns);
}

static void it_is_told_for_ten_seconds_at_least_and_forgotten_after_twenty(void **state)
{
	/* at the begin, in the middle and at the end of a window */
	static const uint64_t at_s[] = { 0, 5, 9 };

	(void)state;
	for (size_t i = 0; i < sizeof(at_s) / sizeof(at_s[0]); i++) {
		uint64_t now_ns = START + at_s[i] * SECOND;
		struct turn t = { 0 };

		turn_due(&t, now_ns - 3 * SECOND);
		turn_begin(&t, now_ns);
		assert_int_equal(after_seconds(&t, &now_ns, 10), 3 * SECOND);
		assert_int_equal(after_seconds(&t, &now_ns, 10), 0);
	}
}

static void windows_without_a_turn_leave_nothing_of_those_before(void **state)
{
	struct turn t = { 0 };

	(void)state;
	turn_due(&t, START);
	turn_begin(&t, START + 3 * SECOND);
	turn_due(&t, START + 100 * SECOND);
	turn_begin(&t, START + 100 * SECOND + MS);
	turn_due(&t, START + 101 * SECOND);
	assert_int_equal(turn_late_ns(&t, START + 100 * SECOND + MS), MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_the_first_is_due_none_is_late),
		cmocka_unit_test(a_turn_is_as_late_as_it_comes_after_its_time),
		cmocka_unit_test(one_that_does_not_come_is_later_and_later),
		cmocka_unit_test(it_is_told_for_ten_seconds_at_least_and_forgotten_after_twenty),
		cmocka_unit_test(windows_without_a_turn_leave_nothing_of_those_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
