#include "threads.h"

#include "metrics_fixture.h"
#include "registry.h"
#include "tree_fixture.h"

#include <errno.h>

static void the_busiest_come_first_and_the_rest_is_left_out(void **state)
{
	struct procfs_thread threads[METRICS_THREADS + 9] = { 0 };
	struct procfs_threads seen = { .seen = threads, .count = METRICS_THREADS + 9 };
	struct threads t = { 0 };

	(void)state;
	for (uint32_t i = 0; i < seen.count; i++) {
		threads[i] = (struct procfs_thread){ .tid = (int32_t)(100 + i), .name = "pool" };
		threads[i].run_ns = (i * 7 % seen.count + 1) * 10 * MILLISECOND;
	}
	threads_take(&t, &seen, 5 * SECOND);
	assert_int_equal(t.count, METRICS_THREADS);
	for (int i = 0; i < t.count; i++)
		assert_true(t.rows[i].core_percent < 0); /* seen once */
	for (uint32_t i = 0; i < seen.count; i++)
		threads[i].looks = 1;
	threads[3].run_ns = threads[3].before_ns = 90 * SECOND; /* busy long ago */
	threads[3].wait_ns = 4 * SECOND;
	threads_take(&t, &seen, 7 * SECOND);
	assert_int_equal(t.count, METRICS_THREADS);
	for (int i = 0; i < t.count; i++) {
		assert_true(i == 0 || t.rows[i].core_percent < t.rows[i - 1].core_percent);
		assert_int_not_equal(t.rows[i].tid, 103);
	}
	/* 10 ms times all of them in two seconds */
	assert_true(t.rows[0].core_percent == (double)seen.count / 2);
	assert_string_equal(t.rows[0].name, "pool");
	seen.seen += 3;
	seen.count = 2;
	threads_take(&t, &seen, 8 * SECOND);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.rows[1].tid, 103);
	assert_true(t.rows[1].cpu_s == 90 && t.rows[1].run_queue_s == 4);
	assert_true(t.rows[1].core_percent == 0);
}

static void they_are_told_of_a_process_that_lives(void **state)
{
	struct metrics_thread rows[METRICS_THREADS];
	struct fixture f;
	struct tree tree;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	f.m->registry.processes->busiest = (struct threads){
		.count = 2, .rows = { { .tid = 71, .cpu_s = 2 }, { .tid = 72, .user_s = -1 } }
	};
	tree_make(&tree);
	tree_put(&tree, "/proc/70/task/71/stat",
		 "71 (a b) S 1 1 1 0 -1 4194304 9 0 0 0 30 10 0 0 20 0 1 0 100 0 0\n");
	assert_int_equal(metrics_root_set(f.m, tree.root), 0);
	assert_int_equal(metrics_threads(f.m, 70, rows), 2);
	assert_int_equal(rows[0].tid, 71);
	assert_true(rows[0].user_s == 1.5 && rows[0].system_s == 0.5);
	assert_true(rows[1].user_s < 0); /* it has ended meanwhile */
	tree_remove(&tree, "");
	assert_int_equal(metrics_threads(f.m, 71, rows), -ENOENT);
	f.sink.gone(f.sink.ctx, &f.target, 1001 * SECOND);
	fixture_tick(&f, 1001 * SECOND);
	assert_int_equal(metrics_threads(f.m, 70, rows), -ENOENT);
	metrics_close(f.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_busiest_come_first_and_the_rest_is_left_out),
		cmocka_unit_test(they_are_told_of_a_process_that_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
