#include "view.h"

#include "rs_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 20000

static void the_last_one_frees_it(void **state)
{
	const struct view_ask ask = { .sums = true, .window_s = 300, .service = "shop" };
	struct view *v = view_open(&ask);

	(void)state;
	assert_non_null(v);
	assert_ptr_equal(view_get(v), v);
	view_put(v);
	assert_string_equal(v->ask.service, "shop"); /* of a view that is there still */
	view_put(v);
	view_put(NULL);
}

static void what_is_asked_is_all_that_tells_views_apart(void **state)
{
	const struct view_ask one = { true, 300, "shop", "/a" };
	struct view_ask other = one;

	(void)state;
	assert_true(view_is_same(&one, &other));
	other.sums = false;
	assert_false(view_is_same(&one, &other));
	other = one;
	other.window_s = 60;
	assert_false(view_is_same(&one, &other));
	other = one;
	other.service[0] = 'S';
	assert_false(view_is_same(&one, &other));
	other = one;
	other.route[1] = 'b';
	assert_false(view_is_same(&one, &other));
}

static void *view_reader(void *ctx)
{
	struct view *v = ctx;

	for (int i = 0; i < ROUNDS; i++) {
		struct view *own = view_get(v);

		if (own->ask.window_s != 300)
			return ctx;
		view_put(own);
	}
	view_put(v);
	return NULL;
}

/* Under the address sanitizer a view freed too early is found, one not freed by its leaks. */
static void threads_share_one(void **state)
{
	const struct view_ask ask = { .window_s = 300 };
	struct view *v = view_open(&ask);
	pthread_t threads[4];
	void *wrong[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, view_reader, view_get(v)), 0);
	view_put(v);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &wrong[i]);
		assert_null(wrong[i]);
	}
}

static void rows_stand_by_requests_then_by_name(void **state)
{
	const struct merge_scope any = { NULL, NULL };
	const struct view_ask ask = { .sums = true };
	static const char *const names[] = { "b", "c", "a" };
	static const uint64_t counts[] = { 1, 5, 1 };
	struct view *v = view_open(&ask);
	struct merge m;

	(void)state;
	merge_init(&m, &any);
	for (uint32_t i = 0; i < 3; i++) {
		struct parcel_label label = { .second = 0 };

		memcpy(label.service, names[i], 1);
		assert_int_equal(merge_pair_add(&m, 0, &label), 0);
		m.services[i].pile.words[0] = counts[i]; /* count is the first of the sums */
	}
	assert_int_equal(view_rows(v, &m), 0);
	assert_int_equal(v->row_count, 3);
	assert_string_equal(v->rows[0].service, "c");
	assert_string_equal(v->rows[1].service, "a");
	assert_string_equal(v->rows[2].service, "b");
	assert_int_equal(v->rows[0].sums.count, 5);
	assert_int_equal(v->total.sums.count, 7);
	merge_fini(&m);
	view_put(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_one_frees_it),
		cmocka_unit_test(what_is_asked_is_all_that_tells_views_apart),
		cmocka_unit_test(threads_share_one),
		cmocka_unit_test(rows_stand_by_requests_then_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
