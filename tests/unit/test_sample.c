#include "registry.h"
#include "sample_fixture.h"

static void cpu_is_a_difference_over_what_may_be_used(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	metrics_sample(f.m, 1000 * SECOND);
	p = process_of(&f, scope);
	assert_true(p.cpu_percent < 0 && p.cpu_level == METRICS_LEVEL_UNKNOWN);
	assert_int_equal(p.threads, 4);
	put_process(&tree, 30, 90, "1200000000 3000000 9\n");
	metrics_sample(f.m, 1001 * SECOND);
	assert_int_equal(f.m->sampled_s, 1000); /* before, nobody looked */
	p = process_of(&f, scope);
	/* 800 ms in one second on two allowed processors of four, a quarter of it in user mode */
	assert_true(near(p.core_percent, 80));
	assert_true(near(p.cpu_percent, 40));
	assert_true(near(p.user_ms, 200) && near(p.system_ms, 600));
	assert_true(near(p.user_s, 0.3) && near(p.system_s, 0.9) && near(p.run_queue_s, 0.003));
	assert_true(near(p.run_queue_ms, 2));
	assert_int_equal(p.cpu_level, METRICS_OK);
	/* A quota of half a processor. */
	tree_put(&tree, "/cg/a/cpu.max", "50000 100000\n");
	tree_put(&tree, "/cg/a/cpu.stat", "nr_periods 50\nnr_throttled 5\nthrottled_usec 500\n");
	for (uint64_t s = 1002; s <= 1011; s++)
		metrics_sample(f.m, s * SECOND);
	scope.from_ns = 1000 * SECOND;
	p = process_of(&f, scope);
	assert_true(near(p.cpu_percent, 800.0 / 11 / 10 / 0.5));
	assert_true(p.throttled_percent < 0); /* seen once */
	tree_put(&tree, "/cg/a/cpu.stat", "nr_periods 60\nnr_throttled 9\nthrottled_usec 2500\n");
	metrics_sample(f.m, 1012 * SECOND);
	p = process_of(&f, scope);
	assert_true(near(p.throttled_percent, 40) && near(p.throttled_ms, 2));
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void memory_is_measured_against_the_nearest_limit(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	metrics_sample(f.m, 1000 * SECOND);
	p = process_of(&f, scope);
	assert_string_equal(p.memory_limit_by, "machine");
	assert_true(near(p.memory_percent, 0.02));
	assert_true(near(p.rss, 200 * 1024));
	metrics_close(f.m);

	tree_put(&tree, "/proc/70/limits", "Max address space  1024000 unlimited bytes\n");
	fixture_open(&f, 1000 * SECOND);
	assert_int_equal(metrics_root_set(f.m, tree.root), 0);
	fixture_tick(&f, 1000 * SECOND);
	metrics_sample(f.m, 1000 * SECOND);
	p = process_of(&f, scope);
	assert_string_equal(p.memory_limit_by, "rlimit");
	assert_true(near(p.memory_percent, 90));
	assert_int_equal(p.memory_level, METRICS_CRITICAL);
	metrics_close(f.m);

	tree_put(&tree, "/cg/a/memory.max", "400000\n");
	tree_put(&tree, "/cg/a/memory.current", "390000\n");
	fixture_open(&f, 1000 * SECOND);
	assert_int_equal(metrics_root_set(f.m, tree.root), 0);
	fixture_tick(&f, 1000 * SECOND);
	metrics_sample(f.m, 1000 * SECOND);
	p = process_of(&f, scope);
	assert_string_equal(p.memory_limit_by, "cgroup");
	assert_true(near(p.memory_limit, 400000));
	assert_int_equal(p.memory_level, METRICS_DUMP);
	metrics_close(f.m);

	/* Resident, but charged elsewhere: this group's limit does not bound it. */
	tree_put(&tree, "/proc/70/limits", "Max address space  unlimited unlimited bytes\n");
	tree_put(&tree, "/cg/a/memory.max", "150000\n");
	tree_put(&tree, "/cg/a/memory.current", "15000\n");
	fixture_open(&f, 1000 * SECOND);
	assert_int_equal(metrics_root_set(f.m, tree.root), 0);
	fixture_tick(&f, 1000 * SECOND);
	metrics_sample(f.m, 1000 * SECOND);
	p = process_of(&f, scope);
	assert_string_equal(p.memory_limit_by, "cgroup");
	assert_true(near(p.memory_percent, 10));
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void heap_is_unknown_where_the_allocator_is_not_seen(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct drain_counters delta = { .allocated_bytes = 90000, .freed_bytes = 40000 };
	struct drain_ledger ledger = { .torn = 0 };
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	metrics_sample(f.m, 1000 * SECOND);
	p = process_of(&f, scope);
	assert_true(p.heap_live < 0 && p.external < 0);
	f.sink.gone(f.sink.ctx, &f.target, 1000 * SECOND);
	f.target.key = 8;
	f.target.allocator = RS_ALLOCATOR_SEEN;
	f.sink.seen(f.sink.ctx, &f.target);
	f.sink.counters(f.sink.ctx, &f.target, &delta, &ledger, 1001 * SECOND, false);
	fixture_tick(&f, 1001 * SECOND);
	metrics_sample(f.m, 1001 * SECOND);
	scope.from_ns = 1001 * SECOND;
	{
		struct metrics_process *rows;
		int n = metrics_process_list(f.m, &scope, &rows);

		for (int i = 0; i < n; i++) {
			if (rows[i].alive)
				p = rows[i];
		}
		free(rows);
	}
	assert_true(near(p.heap_live, 50000));
	assert_true(near(p.external, 100 * 1024 - 50000));
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void another_process_under_the_pid_is_left_out(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	tree_put(&tree, "/proc/70/stat",
		 "70 (other) S 1 1 1 0 -1 0 100 0 3 0 9 9 0 0 20 0 4 0 701 0 0\n");
	metrics_sample(f.m, 1000 * SECOND);
	assert_true(process_of(&f, scope).rss < 0);
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void the_brokers_readings_are_taken(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_reading reading = { 150000, 90000, 1000, METRICS_UNKNOWN, false };
	struct metrics_process p;
	struct metrics_system system;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	metrics_reading_put(f.m, 7, &reading);
	metrics_sample(f.m, 1000 * SECOND);
	reading.read_bytes = 5000;
	metrics_reading_put(f.m, 7, &reading);
	metrics_sample(f.m, 1002 * SECOND);
	p = process_of(&f, scope);
	assert_true(near(p.pss, 150000));
	assert_true(near(p.read_per_s, 2000));
	assert_true(p.write_per_s < 0);
	assert_int_equal(p.ledger.unseen, 0);
	reading.rings = true;
	metrics_reading_put(f.m, 7, &reading);
	p = process_of(&f, scope);
	assert_int_equal(p.ledger.unseen, RS_UNSEEN_IO_URING);
	metrics_system_get(f.m, &system);
	assert_true(near(system.memory_used_percent, 50));
	assert_true(system.pressure_io < 0);
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void what_it_used_after_the_last_look_is_told_by_its_end(void **state)
{
	const struct metrics_end end = { .run_ns = 1600000000, .user_ns = 30, .system_ns = 10 };
	const struct metrics_end less = { .run_ns = 5, .user_ns = 5 };
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	metrics_sample(f.m, 1000 * SECOND);
	metrics_end_put(f.m, 7, &end, 1000 * SECOND + SECOND / 4);
	p = process_of(&f, scope);
	assert_true(near(p.user_s, 1.2) && near(p.system_s, 0.4));
	assert_true(near(p.rss, 200 * 1024)); /* as last seen */
	metrics_end_put(f.m, 7, &less, 1001 * SECOND);
	p = process_of(&f, scope);
	assert_true(near(p.user_s + p.system_s, 1.6)); /* it never goes back */
	metrics_close(f.m);
	tree_remove(&tree, "");
}

/* A worker that lives a second: seen half way, with some of its requests. */
static void begin_in_the_window(struct tree *tree, struct fixture *f)
{
	make(tree, f);
	f->m->registry.processes->news.target.started_ms = f->m->wall_offset_ms + 999500;
	fixture_counters(f, &f->target, 100, 100, 1000 * SECOND);
	fixture_tick(f, 1000 * SECOND);
	metrics_sample(f->m, 1000 * SECOND);
	fixture_counters(f, &f->target, 600, 600, 1000 * SECOND + SECOND / 2);
	fixture_tick(f, 1000 * SECOND + SECOND / 2);
}

static void what_it_did_is_counted_while_its_cpu_time_was_measured(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	begin_in_the_window(&tree, &f);
	f.sink.gone(f.sink.ctx, &f.target, 1000 * SECOND + SECOND / 2);
	fixture_tick(&f, 1001 * SECOND);
	scope.from_ns = 990 * SECOND;
	p = process_of(&f, scope);
	assert_true(near(p.user_ms + p.system_ms, 400));
	assert_int_equal(p.window_requests, 100); /* of the 600 after it the time is not known */
	scope.from_ns = 1000 * SECOND;
	assert_true(process_of(&f, scope).user_ms < 0);
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void a_life_that_ended_is_measured_from_its_beginning_to_its_end(void **state)
{
	const struct metrics_end end = { .run_ns = 900000000, .user_ns = 1, .system_ns = 2 };
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	begin_in_the_window(&tree, &f);
	metrics_end_put(f.m, 7, &end, 1000 * SECOND + SECOND / 2);
	/* What its last requests left behind is drained after that. */
	fixture_counters(&f, &f.target, 40, 40, 1000 * SECOND + SECOND / 2);
	f.sink.gone(f.sink.ctx, &f.target, 1000 * SECOND + SECOND / 2);
	fixture_tick(&f, 1001 * SECOND);
	scope.from_ns = 990 * SECOND;
	p = process_of(&f, scope);
	assert_true(near(p.user_ms + p.system_ms, 900));
	assert_int_equal(p.window_requests, 740);
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void an_end_waits_for_its_process_a_while(void **state)
{
	const struct metrics_end end = { .run_ns = 50000000, .user_ns = 1 };
	struct metrics_scope scope = fixture_scope(NULL, 80, NULL);
	struct capture_target late;
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	metrics_end_put(f.m, 8, &end, 1000 * SECOND);
	metrics_end_put(f.m, 9, &end, 1000 * SECOND); /* nobody's */
	fixture_target(&late, 8, 80, "brief");
	f.sink.seen(f.sink.ctx, &late);
	fixture_tick(&f, 1001 * SECOND);
	metrics_sample(f.m, 1001 * SECOND);
	p = process_of(&f, scope);
	assert_true(near(p.user_s, 0.05) && p.rss < 0);
	for (int i = 0; i < 5; i++)
		metrics_sample(f.m, (uint64_t)(1002 + i) * SECOND);
	for (int i = 0; i < 1000; i++) /* more than there is room for */
		metrics_end_put(f.m, 9, &end, 1010 * SECOND);
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void strain_is_of_the_window_and_its_end_has_the_last(void **state)
{
	struct strain strain = { .reads = 4,
				 .read_ns = 8000000,
				 .segments = 10,
				 .looks = 1,
				 .trips_us = 300,
				 .shortest_us = 300,
				 .arrivals = 2,
				 .arrival_ns = 1000000,
				 .longest_us = 900,
				 .known = STRAIN_TCP | STRAIN_DISK | STRAIN_ARRIVAL };
	struct metrics_end end = { .run_ns = 1600000000,
				   .user_ns = 30,
				   .system_ns = 10,
				   .major_faults = 1000,
				   .read_bytes = 70000,
				   .write_bytes = UINT64_MAX };
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	metrics_sample(f.m, 1000 * SECOND);
	metrics_sample(f.m, 1001 * SECOND);
	p = process_of(&f, scope);
	assert_true(p.strain.reads < 0 && p.strain.segments < 0 && p.strain.shortest_ms < 0);
	metrics_strain_put(f.m, 7, &strain);
	strain.shortest_us = 0; /* nobody looked since */
	strain.longest_us = 3;
	metrics_strain_put(f.m, 7, &strain);
	metrics_sample(f.m, 1002 * SECOND);
	metrics_sample(f.m, 1003 * SECOND);
	p = process_of(&f, scope);
	assert_true(near(p.strain.reads, 4) && near(p.strain.read_ms, 8));
	assert_true(near(p.strain.segments, 10) && near(p.strain.shortest_ms, 0.3));
	assert_true(near(p.strain.arrival_ms, 1) && near(p.strain.longest_ms, 0.9));
	assert_int_equal(p.strain_known, STRAIN_TCP | STRAIN_DISK | STRAIN_ARRIVAL);
	scope.from_ns = 1002 * SECOND;
	p = process_of(&f, scope);
	assert_true(near(p.strain.reads, 0) && p.strain.shortest_ms < 0);
	assert_true(near(p.strain.arrivals, 0) && p.strain.longest_ms < 0);
	assert_true(near(p.whole.reads, 4));
	end.strain = strain;
	end.strain.reads = 9;
	metrics_end_put(f.m, 7, &end, 1003 * SECOND + SECOND / 4);
	p = process_of(&f, scope);
	assert_true(near(p.strain.reads, 5) && near(p.whole.major_faults, 1000));
	assert_true(near(p.whole.read_bytes, 70000) && p.whole.write_bytes < 0);
	metrics_strain_put(f.m, 8, &strain); /* nobody's */
	metrics_close(f.m);
	tree_remove(&tree, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strain_is_of_the_window_and_its_end_has_the_last),
		cmocka_unit_test(cpu_is_a_difference_over_what_may_be_used),
		cmocka_unit_test(what_it_used_after_the_last_look_is_told_by_its_end),
		cmocka_unit_test(what_it_did_is_counted_while_its_cpu_time_was_measured),
		cmocka_unit_test(a_life_that_ended_is_measured_from_its_beginning_to_its_end),
		cmocka_unit_test(an_end_waits_for_its_process_a_while),
		cmocka_unit_test(memory_is_measured_against_the_nearest_limit),
		cmocka_unit_test(heap_is_unknown_where_the_allocator_is_not_seen),
		cmocka_unit_test(another_process_under_the_pid_is_left_out),
		cmocka_unit_test(the_brokers_readings_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
