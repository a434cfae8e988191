#include "registry.h"
#include "sample_fixture.h"

static void waits_are_unknown_until_they_are_told_and_never_go_back(void **state)
{
	const struct cause_waits first = {
		.ns = { [CAUSE_LOCK] = 1000000, [CAUSE_RUN_QUEUE] = 7000000 }
	};
	const struct cause_waits second = {
		.ns = { [CAUSE_LOCK] = 5000000, [CAUSE_RUN_QUEUE] = 6000000 }
	};
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	metrics_sample(f.m, 1000 * SECOND);
	metrics_sample(f.m, 1001 * SECOND);
	p = process_of(&f, scope);
	assert_true(p.waits_ms[CAUSE_LOCK] < 0);
	metrics_waits_put(f.m, 7, &first);
	metrics_sample(f.m, 1002 * SECOND);
	metrics_waits_put(f.m, 7, &second);
	metrics_sample(f.m, 1003 * SECOND);
	scope.from_ns = 1002 * SECOND;
	p = process_of(&f, scope);
	assert_true(near(p.waits_ms[CAUSE_LOCK], 4) && near(p.waits_ms[CAUSE_RUN_QUEUE], 0));
	assert_true(near(p.waits_ms[CAUSE_DISK], 0) && !p.waits_sampled);
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void told(struct fixture *f, uint64_t lock_ns, bool sampled, uint64_t second)
{
	const struct cause_waits waits = { .ns = { [CAUSE_LOCK] = lock_ns }, .sampled = sampled };

	metrics_waits_put(f->m, 7, &waits);
	metrics_sample(f->m, second * SECOND);
}

/* Each watch counts from 0: what was told before it stays. */
static void waits_of_several_watches_add_up_and_say_what_was_estimated(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	told(&f, 50000000, true, 1000);
	told(&f, 90000000, true, 1001);
	told(&f, 91000000, false, 1002); /* attached: each wait now */
	told(&f, 92000000, false, 1003);
	told(&f, 3000000, false, 1004); /* its probe was loaded again */
	scope.from_ns = 1000 * SECOND;
	p = process_of(&f, scope);
	assert_true(near(p.waits_ms[CAUSE_LOCK], 40 + 92 + 3) && p.waits_sampled);
	scope.from_ns = 1002 * SECOND;
	p = process_of(&f, scope);
	assert_true(near(p.waits_ms[CAUSE_LOCK], 1 + 3) && !p.waits_sampled);
	told(&f, 7000000, true, 1005); /* detached */
	p = process_of(&f, scope);
	assert_true(near(p.waits_ms[CAUSE_LOCK], 1 + 3 + 7) && p.waits_sampled);
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void told_of_disks(struct fixture *f, uint64_t disk_ns, bool sampled, uint64_t second)
{
	const struct cause_waits waits = { .ns = { [CAUSE_DISK] = disk_ns }, .sampled = sampled };

	metrics_waits_put(f->m, 7, &waits);
	metrics_sample(f->m, second * SECOND);
}

static void what_disks_cost_is_no_estimate(void **state)
{
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	scope.from_ns = 1000 * SECOND;
	told_of_disks(&f, 50000000, true, 1000);
	told_of_disks(&f, 90000000, true, 1001);
	p = process_of(&f, scope);
	assert_true(near(p.waits_ms[CAUSE_DISK], 40) && p.io_wait_percent < 0);
	told_of_disks(&f, 20000000, false, 1002); /* attached: each wait now */
	p = process_of(&f, scope);
	assert_true(near(p.waits_ms[CAUSE_DISK], 60) && near(p.io_wait_percent, 1));
	told_of_disks(&f, 30000000, true, 1003);
	p = process_of(&f, scope);
	assert_true(p.io_wait_percent < 0);
	metrics_close(f.m);
	tree_remove(&tree, "");
}

static void what_a_runtime_tells_is_in_the_next_sample(void **state)
{
	const struct metrics_end end = { .run_ns = 50000000, .user_ns = 1 };
	struct runtime_state told = { .why = RUNTIME_ATTACHED, .collections = true };
	struct metrics_scope scope = fixture_scope(NULL, PID, NULL);
	struct metrics_process p;
	struct fixture f;
	struct tree tree;

	(void)state;
	make(&tree, &f);
	metrics_sample(f.m, 1000 * SECOND);
	told.collected = (struct runtime_sums){ 2, 0, 9 * MILLISECOND, 7 * MILLISECOND };
	metrics_runtime_put(f.m, 7, &told);
	told.collected = (struct runtime_sums){ 3, 0, 10 * MILLISECOND, 1 * MILLISECOND };
	metrics_runtime_put(f.m, 7, &told);
	metrics_sample(f.m, 1001 * SECOND);
	told.collected = (struct runtime_sums){ 4, 0, 12 * MILLISECOND, 2 * MILLISECOND };
	metrics_runtime_put(f.m, 7, &told);
	metrics_sample(f.m, 1002 * SECOND);
	scope.from_ns = 1000 * SECOND;
	p = process_of(&f, scope);
	assert_true(near(p.collected.count, 4) && near(p.collected.ms, 12));
	assert_true(near(p.collected.max_ms, 7)); /* of two before one sample the longer */
	scope.from_ns = 1001 * SECOND;
	p = process_of(&f, scope);
	assert_true(near(p.collected.count, 1) && near(p.collected.max_ms, 2));
	told.collected = (struct runtime_sums){ 6, 0, 15 * MILLISECOND, 3 * MILLISECOND };
	metrics_runtime_put(f.m, 7, &told);
	metrics_end_put(f.m, 7, &end, 1002 * SECOND + 1000);
	p = process_of(&f, scope);
	assert_true(near(p.collected.count, 3) && near(p.collected.max_ms, 3));
	metrics_close(f.m);
	tree_remove(&tree, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_are_unknown_until_they_are_told_and_never_go_back),
		cmocka_unit_test(waits_of_several_watches_add_up_and_say_what_was_estimated),
		cmocka_unit_test(what_disks_cost_is_no_estimate),
		cmocka_unit_test(what_a_runtime_tells_is_in_the_next_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
