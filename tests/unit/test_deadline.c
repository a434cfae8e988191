#include "deadline.h"

#include "rs_test.h"

#include <limits.h>

#define MS UINT64_C(1000000)

static void whoever_came_first_is_due_first(void **state)
{
	struct deadline_queue q = { .span_ns = 100 };
	struct deadline a = { 0 }, b = { 0 }, c = { 0 };

	(void)state;
	deadline_put(&q, &a, 1);
	deadline_put(&q, &b, 2);
	deadline_put(&q, &c, 3);
	assert_null(deadline_take(&q, 100));
	assert_ptr_equal(deadline_take(&q, 102), &a);
	assert_ptr_equal(deadline_take(&q, 102), &b);
	assert_null(deadline_take(&q, 102));
	assert_ptr_equal(deadline_take(&q, 103), &c);
	assert_null(deadline_take(&q, UINT64_MAX));
	assert_null(q.first);
	assert_null(q.last);
}

static void one_in_the_middle_leaves_the_rest_in_order(void **state)
{
	struct deadline_queue q = { .span_ns = 1 };
	struct deadline d[4] = { { 0 } };

	(void)state;
	for (int i = 0; i < 4; i++)
		deadline_put(&q, &d[i], 0);
	deadline_drop(&d[1]);
	deadline_drop(&d[1]); /* in none: nothing happens */
	deadline_drop(&d[3]);
	assert_ptr_equal(q.last, &d[2]);
	assert_ptr_equal(deadline_take(&q, 5), &d[0]);
	assert_ptr_equal(deadline_take(&q, 5), &d[2]);
	assert_null(deadline_take(&q, 5));
	assert_null(d[1].queue);
}

static void put_again_it_is_due_anew_in_its_new_queue(void **state)
{
	struct deadline_queue slow = { .span_ns = 1000 }, fast = { .span_ns = 10 };
	struct deadline a = { 0 }, b = { 0 };

	(void)state;
	deadline_put(&slow, &a, 0);
	deadline_put(&slow, &b, 0);
	deadline_put(&fast, &a, 5);
	assert_ptr_equal(slow.first, &b);
	assert_null(b.before);
	assert_ptr_equal(deadline_take(&fast, 15), &a);
	deadline_put(&slow, &b, 500);
	assert_null(deadline_take(&slow, 1499));
	assert_ptr_equal(deadline_take(&slow, 1500), &b);
}

static void the_wait_is_rounded_up_and_the_least_of_all(void **state)
{
	struct deadline_queue q = { .span_ns = 10 * MS };
	struct deadline a = { 0 };

	(void)state;
	assert_int_equal(deadline_wait_ms(&q, 0, -1), -1);
	assert_int_equal(deadline_wait_ms(&q, 0, 7), 7);
	deadline_put(&q, &a, 0);
	assert_int_equal(deadline_wait_ms(&q, 0, -1), 10);
	assert_int_equal(deadline_wait_ms(&q, 1, -1), 10);
	assert_int_equal(deadline_wait_ms(&q, 9 * MS + 1, -1), 1);
	assert_int_equal(deadline_wait_ms(&q, 0, 3), 3);
	assert_int_equal(deadline_wait_ms(&q, 0, 30), 10);
	assert_int_equal(deadline_wait_ms(&q, 0, 0), 0);
	assert_int_equal(deadline_wait_ms(&q, 10 * MS, -1), 0);
	assert_int_equal(deadline_wait_ms(&q, UINT64_MAX, 5), 0);
	deadline_drop(&a);
	q.span_ns = UINT64_MAX / 2;
	deadline_put(&q, &a, 0);
	assert_int_equal(deadline_wait_ms(&q, 0, -1), INT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_came_first_is_due_first),
		cmocka_unit_test(one_in_the_middle_leaves_the_rest_in_order),
		cmocka_unit_test(put_again_it_is_due_anew_in_its_new_queue),
		cmocka_unit_test(the_wait_is_rounded_up_and_the_least_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
