#include "metrics_fixture.h"
#include "timeline.h"

#include <errno.h>
#include <stdio.h>

static uint8_t blob[METRICS_SAVE_BYTES];

static uint64_t count_of(struct metrics *m, const char *service, int32_t pid, const char *route)
{
	struct metrics_scope scope = fixture_scope(service, pid, route);
	struct metrics_window w;

	assert_int_equal(metrics_window_get(m, &scope, &w), 0);
	return w.sums.count;
}

static void fill(struct fixture *f)
{
	fixture_open(f, 10000 * SECOND);
	for (uint64_t s = 10000; s < 10100; s++) {
		fixture_request(f, s * SECOND, MILLISECOND);
		fixture_counters(f, &f->target, 1, 1, s * SECOND);
		fixture_tick(f, s * SECOND);
	}
	fixture_counters(f, &f->target, 3, 0, 10099 * SECOND);
	fixture_tick(f, 10099 * SECOND);
}

static void live_slots_survive_a_restart(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, 70, NULL);
	struct fixture f, after;
	struct metrics_window w;
	size_t size;

	(void)state;
	fill(&f);
	size = metrics_save(f.m, blob, sizeof(blob));
	assert_true(size > 0 && size < 20000);
	metrics_close(f.m);

	assert_int_equal(metrics_open(&after.m, &fixture_limits, 10105 * SECOND), 0);
	assert_int_equal(metrics_restore(after.m, blob, size, 10105 * SECOND), 0);
	metrics_sink(after.m, &after.sink);
	assert_int_equal(count_of(after.m, "shop", 0, NULL), 100);
	assert_int_equal(count_of(after.m, "shop", 0, "/a"), 100);
	/* The same pid and start time: its series goes on, under a new key. */
	fixture_target(&after.target, 700, 70, "shop");
	after.target.start_ticks = 7 * 100;
	after.sink.seen(after.sink.ctx, &after.target);
	fixture_counters(&after, &after.target, 5, 6, 10105 * SECOND);
	fixture_tick(&after, 10105 * SECOND);
	assert_int_equal(metrics_window_get(after.m, &scope, &w), 0);
	assert_int_equal(w.sums.count, 106);
	assert_int_equal(w.sums.recorded, 100);
	assert_int_equal(w.sums.min_ns, MILLISECOND);
	assert_int_equal(w.in_flight, 2);
	assert_int_equal(w.span_s, 106);
	scope.from_ns = 10049 * SECOND;
	scope.to_ns = 10099 * SECOND;
	assert_int_equal(metrics_window_get(after.m, &scope, &w), 0);
	assert_int_equal(w.sums.count, 50);
	metrics_close(after.m);
}

static void statements_are_still_such_after_a_restart(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	const struct timeline_span span = { 10000, 10010, 1 };
	uint32_t version = 3; /* of an agent that knew of none */
	struct metrics_row *rows;
	struct metrics_sums sums;
	struct fixture f, after;
	struct timeline t;
	size_t size;

	(void)state;
	fixture_open(&f, 10000 * SECOND);
	fixture_request(&f, 10001 * SECOND, MILLISECOND);
	fixture_statement(&f, 10001 * SECOND, "SELECT a");
	fixture_tick(&f, 10001 * SECOND);
	size = metrics_save(f.m, blob, sizeof(blob));
	metrics_close(f.m);
	assert_int_equal(metrics_open(&after.m, &fixture_limits, 10005 * SECOND), 0);
	assert_int_equal(metrics_restore(after.m, blob, size, 10005 * SECOND), 0);
	scope.statements = true;
	assert_int_equal(timeline_open(&t, &span, TIMELINE_SUMS), 0);
	assert_int_equal(metrics_timeline(after.m, &scope, &t), 0);
	timeline_sum(&t, &sums, NULL);
	assert_int_equal(sums.count, 1);
	timeline_fini(&t);
	metrics_sink(after.m, &after.sink); /* and it goes on in the same series */
	fixture_target(&after.target, 7, 70, "shop");
	after.sink.seen(after.sink.ctx, &after.target);
	fixture_statement(&after, 10005 * SECOND, "SELECT a");
	fixture_tick(&after, 10005 * SECOND);
	scope.route = "SELECT a";
	assert_int_equal(metrics_routes(after.m, &scope, &rows), 1);
	assert_int_equal(rows[0].sums.count, 2);
	free(rows);
	metrics_close(after.m);
	memcpy(blob + sizeof(uint64_t), &version, sizeof(version));
	assert_int_equal(metrics_open(&after.m, &fixture_limits, 10005 * SECOND), 0);
	assert_int_equal(metrics_restore(after.m, blob, size, 10005 * SECOND), 0);
	metrics_close(after.m);
	version = 5;
	memcpy(blob + sizeof(uint64_t), &version, sizeof(version));
	assert_int_equal(metrics_open(&after.m, &fixture_limits, 10005 * SECOND), 0);
	assert_int_equal(metrics_restore(after.m, blob, size, 10005 * SECOND), -EPROTO);
	metrics_close(after.m);
}

static void environments_of_one_name_stay_apart(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct capture_target staging;
	struct fixture f, after;
	struct metrics_row *rows;
	size_t size;

	(void)state;
	fixture_open(&f, 9999 * SECOND); /* its own has no environment */
	fixture_target(&staging, 8, 80, "shop");
	strcpy(staging.environment, "staging");
	f.sink.seen(f.sink.ctx, &staging);
	fixture_request_as(&f, &staging, 10000 * SECOND, MILLISECOND, "/a", 200, 0);
	fixture_counters(&f, &staging, 1, 1, 10000 * SECOND);
	fixture_tick(&f, 10000 * SECOND);
	size = metrics_save(f.m, blob, sizeof(blob));
	metrics_close(f.m);
	assert_int_equal(metrics_open(&after.m, &fixture_limits, 10001 * SECOND), 0);
	assert_int_equal(metrics_restore(after.m, blob, size, 10001 * SECOND), 0);
	assert_int_equal(metrics_services(after.m, &scope, &rows), 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rows[i].sums.count, rows[i].environment[0] ? 1 : 0);
	free(rows);
	scope.pid = 80;
	assert_int_equal(metrics_processes(after.m, &scope, &rows), 1);
	assert_string_equal(rows[0].environment, "staging");
	free(rows);
	scope = fixture_scope("shop", 0, "/a");
	assert_int_equal(metrics_routes(after.m, &scope, &rows), 1);
	assert_string_equal(rows[0].environment, "staging");
	free(rows);
	metrics_close(after.m);
}

static void a_pid_taken_by_another_process_starts_anew(void **state)
{
	struct metrics_scope scope = { .pid = 71 };
	struct fixture f, after;
	struct metrics_window w;
	size_t size;

	(void)state;
	fill(&f);
	size = metrics_save(f.m, blob, sizeof(blob));
	metrics_close(f.m);
	assert_int_equal(metrics_open(&after.m, &fixture_limits, 10105 * SECOND), 0);
	assert_int_equal(metrics_restore(after.m, blob, size, 10105 * SECOND), 0);
	metrics_sink(after.m, &after.sink);
	fixture_target(&after.target, 701, 71, "shop");
	after.sink.seen(after.sink.ctx, &after.target);
	fixture_counters(&after, &after.target, 1, 1, 10105 * SECOND);
	fixture_tick(&after, 10105 * SECOND);
	assert_int_equal(metrics_window_get(after.m, &scope, &w), 0);
	assert_int_equal(w.sums.count, 1);
	metrics_close(after.m);
}

static void foreign_blobs_are_refused(void **state)
{
	struct fixture f, after;
	size_t size;

	(void)state;
	fill(&f);
	size = metrics_save(f.m, blob, sizeof(blob));
	metrics_close(f.m);
	assert_int_equal(metrics_open(&after.m, &fixture_limits, 10105 * SECOND), 0);
	assert_int_equal(metrics_restore(after.m, blob, 10, 10105 * SECOND), -EBADMSG);
	assert_int_equal(metrics_restore(after.m, blob, size - 1, 10105 * SECOND), -EBADMSG);
	/* CLOCK_MONOTONIC is behind the save: the machine was started again. */
	assert_int_equal(metrics_restore(after.m, blob, size, 50 * SECOND), -ESTALE);
	blob[30] ^= 1; /* the boot id */
	assert_int_equal(metrics_restore(after.m, blob, size, 10105 * SECOND), -ESTALE);
	blob[30] ^= 1;
	blob[8] ^= 2; /* the version */
	assert_int_equal(metrics_restore(after.m, blob, size, 10105 * SECOND), -EPROTO);
	blob[8] ^= 2;
	blob[0] ^= 1;
	assert_int_equal(metrics_restore(after.m, blob, size, 10105 * SECOND), -EBADMSG);
	blob[0] ^= 1;
	assert_int_equal(metrics_restore(after.m, blob, size, 10105 * SECOND), 0);
	metrics_close(after.m);
}

static void any_flipped_byte_is_survived(void **state)
{
	struct fixture f;
	size_t size;

	(void)state;
	fill(&f);
	size = metrics_save(f.m, blob, sizeof(blob));
	metrics_close(f.m);
	for (size_t i = 0; i < size; i += 3) {
		struct metrics *m;
		int ret;

		blob[i] ^= 0x5a;
		assert_int_equal(metrics_open(&m, &fixture_limits, 10105 * SECOND), 0);
		ret = metrics_restore(m, blob, size, 10105 * SECOND);
		assert_true(ret == 0 || ret == -EBADMSG || ret == -EPROTO || ret == -ESTALE);
		metrics_close(m);
		blob[i] ^= 0x5a;
	}
}

static void a_small_buffer_takes_the_newest(void **state)
{
	struct metrics_scope scope = fixture_scope("shop", 0, NULL);
	struct fixture f;
	struct metrics *m;
	struct metrics_window w;
	size_t all, size;

	(void)state;
	fill(&f);
	all = metrics_save(f.m, blob, sizeof(blob));
	size = metrics_save(f.m, blob, all * 2 / 3);
	assert_true(size > 0 && size <= all * 2 / 3);
	assert_int_equal(metrics_open(&m, &fixture_limits, 10105 * SECOND), 0);
	assert_int_equal(metrics_restore(m, blob, size, 10105 * SECOND), 0);
	scope.from_ns = 10090 * SECOND;
	scope.to_ns = 10099 * SECOND;
	assert_int_equal(metrics_window_get(m, &scope, &w), 0);
	assert_int_equal(w.sums.count, 9);
	metrics_close(m);
	assert_int_equal(metrics_save(f.m, blob, 100), 0);
	/* What is saved grows again, a step each time. */
	for (int i = 0; i < 6; i++)
		size = metrics_save(f.m, blob, sizeof(blob));
	assert_int_equal(size, all);
	metrics_close(f.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_slots_survive_a_restart),
		cmocka_unit_test(statements_are_still_such_after_a_restart),
		cmocka_unit_test(environments_of_one_name_stay_apart),
		cmocka_unit_test(a_pid_taken_by_another_process_starts_anew),
		cmocka_unit_test(foreign_blobs_are_refused),
		cmocka_unit_test(any_flipped_byte_is_survived),
		cmocka_unit_test(a_small_buffer_takes_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
