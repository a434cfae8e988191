#include "machine.h"

#include "tree_fixture.h"

#include <math.h>

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-6;
}

static void what_is_absent_is_unknown(void **state)
{
	struct machine machine = { 0 };
	struct metrics_system out;
	struct tree tree;

	(void)state;
	tree_make(&tree);
	machine_read(&machine, tree.root, &out);
	assert_true(near(out.memory_used_percent, METRICS_UNKNOWN));
	assert_true(near(out.cpu_percent, METRICS_UNKNOWN));
	assert_true(near(out.load1, METRICS_UNKNOWN));
	assert_true(near(out.pressure_cpu, METRICS_UNKNOWN));
	assert_true(near(out.pressure_memory, METRICS_UNKNOWN));
	assert_true(near(out.pressure_io, METRICS_UNKNOWN));
	tree_remove(&tree, "");
}

static void the_second_look_tells_cpu(void **state)
{
	struct machine machine = { 0 };
	struct metrics_system out;
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/meminfo",
		 "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 250 kB\n");
	tree_put(&tree, "/proc/loadavg", "1.25 0.5 0.1 1/99 4242\n");
	tree_put(&tree, "/proc/pressure/cpu", "some avg10=3.50 avg60=1.00 avg300=0.1 total=1\n");
	tree_put(&tree, "/proc/stat", "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1\ncpu1 1\nintr 5\n");
	machine_read(&machine, tree.root, &out);
	assert_true(near(out.memory_used_percent, 75));
	assert_true(near(out.load1, 1.25));
	assert_true(near(out.pressure_cpu, 3.5));
	assert_true(near(out.pressure_io, METRICS_UNKNOWN));
	assert_true(near(out.cpu_percent, METRICS_UNKNOWN));
	assert_int_equal(machine.cpus, 2);
	tree_put(&tree, "/proc/stat", "cpu  120 5 55 860 60 0 0 0 0 0\ncpu0 1\ncpu1 1\nintr 5\n");
	machine_read(&machine, tree.root, &out);
	assert_true(near(out.cpu_percent, 30));
	tree_remove(&tree, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_absent_is_unknown),
		cmocka_unit_test(the_second_look_tells_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
