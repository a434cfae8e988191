#include "../../agent/drain/orders.c"
#include "rs_test.h"

#include <fcntl.h>
#include <sys/eventfd.h>

static void orders_are_taken_in_the_order_that_they_were_said(void **state)
{
	struct orders o;
	struct order *first;

	(void)state;
	orders_init(&o);
	for (uint64_t key = 1; key <= 3; key++)
		assert_int_equal(
			orders_put(&o, &(struct order){ .kind = ORDER_DIED, .key = key, .fd = -1 }),
			0);
	assert_true(orders_wait(&o, 0, &first));
	for (uint64_t key = 1; key <= 3; key++) {
		struct order *next = first->next;

		assert_int_equal(first->key, key);
		free(first);
		first = next;
	}
	assert_null(first);
	assert_true(orders_wait(&o, 0, &first)); /* a time that is over */
	assert_null(first);
	orders_fini(&o);
}

static void the_end_is_told_with_what_was_said_before_it(void **state)
{
	struct orders o;
	struct order *first;

	(void)state;
	orders_init(&o);
	assert_int_equal(orders_put(&o, &(struct order){ .kind = ORDER_ADD, .fd = -1 }), 0);
	orders_end(&o);
	assert_false(orders_wait(&o, UINT64_MAX, &first));
	assert_int_equal(first->kind, ORDER_ADD);
	free(first);
	orders_fini(&o);
}

static void a_descriptor_that_nobody_took_is_closed(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	struct orders o;

	(void)state;
	orders_init(&o);
	assert_int_equal(orders_put(&o, &(struct order){ .kind = ORDER_WIRE, .fd = fd }), 0);
	orders_fini(&o);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_are_taken_in_the_order_that_they_were_said),
		cmocka_unit_test(the_end_is_told_with_what_was_said_before_it),
		cmocka_unit_test(a_descriptor_that_nobody_took_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
