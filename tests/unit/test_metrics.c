#include "metrics_fixture.h"
#include "registry.h" /* white box: its lock is held by hand */

#include <errno.h>

static struct metrics_window window_of(struct fixture *f, struct metrics_scope scope)
{
	struct metrics_window window;

	assert_int_equal(metrics_window_get(f->m, &scope, &window), 0);
	return window;
}

static void counters_are_the_truth_and_records_the_detail(void **state)
{
	struct fixture f;
	struct metrics_window w;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_request(&f, 1000 * SECOND, 2 * MILLISECOND);
	fixture_request(&f, 1000 * SECOND, 4 * MILLISECOND);
	fixture_counters(&f, &f.target, 6, 5, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	w = window_of(&f, fixture_scope("shop", 0, NULL));
	assert_int_equal(w.sums.count, 5);
	assert_int_equal(w.sums.status[1], 5);
	assert_int_equal(w.sums.recorded, 2);
	assert_int_equal(w.sums.min_ns, 2 * MILLISECOND);
	assert_int_equal(w.sums.max_ns, 4 * MILLISECOND);
	assert_int_equal(w.in_flight, 1);
	w = window_of(&f, fixture_scope(NULL, 70, NULL));
	assert_int_equal(w.sums.count, 5);
	w = window_of(&f, fixture_scope(NULL, 0, "/a"));
	assert_int_equal(w.sums.count, 2);
	metrics_close(f.m);
}

static void a_request_stands_at_the_second_of_its_end(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, "/a");
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_request(&f, 1003 * SECOND - 1, MILLISECOND);
	fixture_request(&f, 1003 * SECOND, MILLISECOND);
	fixture_tick(&f, 1004 * SECOND);
	/* Seconds after that of from, up to and with that of to. */
	scope.from_ns = 1001 * SECOND;
	scope.to_ns = 1002 * SECOND;
	assert_int_equal(window_of(&f, scope).sums.count, 1);
	scope.to_ns = 1003 * SECOND;
	assert_int_equal(window_of(&f, scope).sums.count, 2);
	scope.from_ns = 1002 * SECOND;
	assert_int_equal(window_of(&f, scope).sums.count, 1);
	scope.from_ns = 1003 * SECOND;
	scope.to_ns = 1004 * SECOND;
	assert_int_equal(window_of(&f, scope).sums.count, 0);
	metrics_close(f.m);
}

static void a_fold_fills_histogram_route_and_second(void **state)
{
	uint32_t buckets[RS_HIST_SLOTS] = { 0 };
	struct drain_fold fold = {
		.path = "/f", .count = 3, .min_ns = 10000, .max_ns = 30000, .method = RS_METHOD_PUT
	};
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics_window w;
	struct metrics_row *rows;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	buckets[rs_hist_slot(10000)] = 1;
	buckets[rs_hist_slot(30000)] = 2;
	fold.buckets = buckets;
	fold.status[4] = 1;
	fold.status[1] = 1;
	fold.aborted = fold.cut_by_client = 1;
	f.sink.fold(f.sink.ctx, &f.target, &fold, 1002 * SECOND);
	fixture_counters(&f, &f.target, 3, 3, 1002 * SECOND);
	fixture_tick(&f, 1002 * SECOND);
	w = window_of(&f, fixture_scope("shop", 0, NULL));
	assert_int_equal(w.sums.count, 3);
	assert_int_equal(w.sums.folded, 3);
	assert_int_equal(w.sums.errors, 1);
	assert_int_equal(w.sums.min_ns, 10000);
	assert_int_equal(w.sums.max_ns, 30000);
	assert_int_equal(w.buckets[rs_hist_slot(30000)], 2);
	w = window_of(&f, fixture_scope("shop", 0, "/f"));
	assert_int_equal(w.sums.count, 3);
	assert_int_equal(w.sums.aborted, 1);
	assert_int_equal(metrics_routes(f.m, &scope, &rows), 1);
	assert_int_equal(rows[0].method, RS_METHOD_PUT);
	free(rows);
	metrics_close(f.m);
}

static void a_gap_counts_and_says_so(void **state)
{
	struct drain_counters delta = { .begun = 9, .requests = 9, .aborted = 2 };
	struct drain_ledger ledger = { .torn = 4 };
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics_process *rows;
	struct metrics_window w;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	delta.status[4] = 3;
	delta.status[1] = 4;
	delta.cut_by_client = 1;
	f.sink.counters(f.sink.ctx, &f.target, &delta, &ledger, 1000 * SECOND, true);
	fixture_tick(&f, 1000 * SECOND);
	w = window_of(&f, scope);
	assert_int_equal(w.sums.count, 9);
	assert_int_equal(w.sums.gap, 9);
	assert_int_equal(w.sums.errors, 4);
	assert_true(w.percentile_ns[METRICS_P50] < 0);
	assert_int_equal(metrics_process_list(f.m, &scope, &rows), 1);
	assert_int_equal(rows[0].ledger.torn, 4);
	assert_int_equal(rows[0].totals.requests, 9);
	free(rows);
	metrics_close(f.m);
}

/* Of ten failed requests in a round, so many left a record. */
static void round_of_errors(struct fixture *f, int recorded)
{
	struct drain_counters delta = { .requests = 10 };
	struct drain_ledger ledger = { .torn = 0 };

	for (int i = 0; i < recorded; i++)
		fixture_request_as(f, &f->target, 1000 * SECOND, MILLISECOND, "/a", 500, 0);
	delta.status[4] = 10;
	delta.dropped[RS_KIND_REQUEST] = 8;
	f->sink.counters(f->sink.ctx, &f->target, &delta, &ledger, 1000 * SECOND, false);
}

static void errors_are_exact_where_one_request_in_so_many_is_recorded(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	round_of_errors(&f, 2);
	round_of_errors(&f, 0); /* two records come a round later than their counts … */
	round_of_errors(&f, 4);
	round_of_errors(&f, 12); /* … and some more than there was room for */
	round_of_errors(&f, 2);
	fixture_tick(&f, 1000 * SECOND);
	assert_int_equal(window_of(&f, scope).sums.count, 50);
	assert_int_equal(window_of(&f, scope).sums.dropped, 40);
	assert_int_equal(window_of(&f, scope).sums.errors, 50);
	metrics_close(f.m);
}

static void a_held_lock_delays_and_loses_nothing(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	uint64_t generation;
	struct fixture f;
	struct metrics_window w;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	generation = metrics_generation(f.m);
	pthread_mutex_lock(&f.m->lock); /* as a question does */
	for (uint64_t s = 1000; s < 1005; s++) {
		fixture_request(&f, s * SECOND, MILLISECOND);
		fixture_counters(&f, &f.target, 1, 1, s * SECOND);
		fixture_tick(&f, s * SECOND);
	}
	assert_int_equal(metrics_generation(f.m), generation);
	pthread_mutex_unlock(&f.m->lock);
	fixture_tick(&f, 1005 * SECOND);
	w = window_of(&f, scope);
	assert_int_equal(w.sums.count, 5);
	assert_int_equal(w.sums.recorded, 5);
	assert_true(metrics_generation(f.m) > generation);
	metrics_close(f.m);
}

/* What web and main do, while the drain thread goes on. */
static void *asker(void *arg)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics *m = arg;
	struct metrics_window *window = malloc(sizeof(*window));

	for (uint64_t i = 0; i < 40 && window; i++) {
		struct metrics_process *processes = NULL;
		struct metrics_row *rows = NULL;
		struct metrics_slow *slow = NULL;

		metrics_window_get(m, &scope, window);
		metrics_process_list(m, &scope, &processes);
		metrics_routes(m, &scope, &rows);
		metrics_slowest(m, &scope, &slow);
		metrics_sample(m, (1000 + i) * SECOND);
		metrics_generation(m);
		free(processes);
		free(rows);
		free(slow);
	}
	free(window);
	return NULL;
}

/* The race detector judges this one; the sums are checked anywhere. */
static void questions_do_not_disturb_the_drain_thread(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct metrics_window w;
	struct fixture f;
	pthread_t thread;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	assert_int_equal(pthread_create(&thread, NULL, asker, f.m), 0);
	for (uint64_t i = 0; i < 4000; i++) {
		uint64_t now_ns = 1000 * SECOND + i * 5 * MILLISECOND;
		struct capture_target target;

		fixture_request(&f, now_ns, i * MILLISECOND);
		fixture_counters(&f, &f.target, 1, 1, now_ns);
		if (i % 100 == 0) {
			fixture_target(&target, 1000 + i, (int32_t)(1000 + i), "mail");
			f.sink.seen(f.sink.ctx, &target);
			fixture_counters(&f, &target, 1, 1, now_ns);
			f.sink.gone(f.sink.ctx, &target, now_ns);
		}
		fixture_tick(&f, now_ns);
	}
	pthread_join(thread, NULL);
	fixture_tick(&f, 1021 * SECOND);
	w = window_of(&f, scope);
	assert_int_equal(w.sums.count, 4000);
	assert_int_equal(w.sums.recorded, 4000);
	metrics_close(f.m);
}

static void ended_processes_leave_their_counts(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct drain_open open = { .t0_ns = 1, .path = "/a", .connection = 1 };
	struct metrics_in_flight *rows;
	struct fixture f;
	struct metrics_window w;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_counters(&f, &f.target, 4, 3, 1000 * SECOND);
	f.sink.open(f.sink.ctx, &f.target, &open, 1, 1000 * SECOND);
	fixture_tick(&f, 1000 * SECOND);
	assert_int_equal(window_of(&f, scope).in_flight, 1);
	f.sink.gone(f.sink.ctx, &f.target, 1001 * SECOND);
	fixture_tick(&f, 1001 * SECOND);
	w = window_of(&f, scope);
	assert_int_equal(w.sums.count, 3);
	assert_int_equal(w.in_flight, 0);
	assert_int_equal(metrics_open_requests(f.m, &scope, &rows), 0);
	free(rows);
	/* The same pid again is another process. */
	fixture_target(&f.target, 8, 70, "shop");
	f.sink.seen(f.sink.ctx, &f.target);
	fixture_counters(&f, &f.target, 1, 1, 1002 * SECOND);
	fixture_tick(&f, 1002 * SECOND);
	assert_int_equal(window_of(&f, scope).sums.count, 4);
	metrics_close(f.m);
}

static void an_unknown_target_is_counted_as_lost(void **state)
{
	struct capture_target stranger;
	struct metrics_losses losses;
	struct fixture f;

	(void)state;
	fixture_open(&f, 1000 * SECOND);
	fixture_target(&stranger, 99, 99, "x");
	fixture_request_as(&f, &stranger, 1000 * SECOND, 1, "/a", 200, 0);
	fixture_tick(&f, 1000 * SECOND);
	metrics_losses_get(f.m, &losses);
	assert_int_equal(losses.requests, 1);
	assert_true(losses.bytes_used <= losses.bytes_limit);
	metrics_close(f.m);
}

static void a_root_that_is_too_long_is_refused(void **state)
{
	char root[4096];
	struct fixture f;

	(void)state;
	fixture_open(&f, SECOND);
	memset(root, 'r', sizeof(root) - 1);
	root[sizeof(root) - 1] = '\0';
	assert_int_equal(metrics_root_set(f.m, root), -ENAMETOOLONG);
	assert_int_equal(metrics_root_set(f.m, "/tmp"), 0);
	metrics_close(f.m);
	metrics_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_are_the_truth_and_records_the_detail),
		cmocka_unit_test(a_request_stands_at_the_second_of_its_end),
		cmocka_unit_test(a_fold_fills_histogram_route_and_second),
		cmocka_unit_test(a_gap_counts_and_says_so),
		cmocka_unit_test(errors_are_exact_where_one_request_in_so_many_is_recorded),
		cmocka_unit_test(a_held_lock_delays_and_loses_nothing),
		cmocka_unit_test(questions_do_not_disturb_the_drain_thread),
		cmocka_unit_test(ended_processes_leave_their_counts),
		cmocka_unit_test(an_unknown_target_is_counted_as_lost),
		cmocka_unit_test(a_root_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
