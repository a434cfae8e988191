#include "../../tools/ringside/check_kernel.c" /* white box: one check at a time */
#include "tree_fixture.h"

static struct tree tree;
static struct checks checks;

static int test_setup(void **state)
{
	(void)state;
	tree_make(&tree);
	memset(&checks, 0, sizeof(checks));
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	tree_remove(&tree, "");
	return 0;
}

static const struct check *test_last(void)
{
	assert_true(checks.count > 0);
	return &checks.items[checks.count - 1];
}

static void old_kernel_and_foreign_machine_are_told(void **state)
{
	static const struct {
		const char *release, *machine;
		enum check_level level;
	} kernels[] = {
		{ "6.1.0-18-amd64", "x86_64", CHECK_OK }, { "5.9", "aarch64", CHECK_OK },
		{ "5.8.18", "x86_64", CHECK_WARN },       { "4.19.0", "x86_64", CHECK_WARN },
		{ "odd", "x86_64", CHECK_WARN },          { "6.1.0", "riscv64", CHECK_BAD },
	};
	struct utsname name;

	(void)state;
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		snprintf(name.release, sizeof(name.release), "%s", kernels[i].release);
		snprintf(name.machine, sizeof(name.machine), "%s", kernels[i].machine);
		kernel_check_version(&checks, &name);
		assert_int_equal(test_last()->level, kernels[i].level);
	}
}

static void clock_that_the_kernel_left_is_told(void **state)
{
	(void)state;
	tree_put(&tree, KERNEL_CLOCK, "hpet\n");
	kernel_check_clock(&checks, tree.root);
	assert_int_equal(test_last()->level, kernel_has_invariant_tsc() ? CHECK_WARN : CHECK_OK);
	assert_non_null(strstr(test_last()->found, "hpet"));
	tree_put(&tree, KERNEL_CLOCK, "tsc\n");
	kernel_check_clock(&checks, tree.root);
	assert_int_equal(test_last()->level, CHECK_OK);
}

static void missing_pressure_is_told_by_its_file(void **state)
{
	(void)state;
	tree_put(&tree, "/proc/pressure/cpu", "some avg10=0.00\n");
	tree_put(&tree, "/proc/pressure/memory", "some avg10=0.00\n");
	kernel_check_pressure(&checks, tree.root);
	assert_int_equal(test_last()->level, CHECK_WARN);
	assert_non_null(strstr(test_last()->found, "/proc/pressure/io"));
	tree_put(&tree, "/proc/pressure/io", "some avg10=0.00\n");
	kernel_check_pressure(&checks, tree.root);
	assert_int_equal(test_last()->level, CHECK_OK);
}

static void cgroups_of_both_versions_are_told_apart(void **state)
{
	(void)state;
	kernel_check_cgroup(&checks, tree.root);
	assert_int_equal(test_last()->level, CHECK_WARN);
	tree_put(&tree, "/proc/self/mountinfo",
		 "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n");
	kernel_check_cgroup(&checks, tree.root);
	assert_string_equal(test_last()->found, "version 2");
	tree_put(&tree, "/proc/self/mountinfo",
		 "30 20 0:26 / /sys/fs/cgroup/u rw - cgroup2 cgroup2 rw\n"
		 "31 20 0:27 / /sys/fs/cgroup/m rw - cgroup cgroup rw,memory\n");
	kernel_check_cgroup(&checks, tree.root);
	assert_string_equal(test_last()->found, "version 2 and version 1");
}

static void schedstat_without_numbers_is_told(void **state)
{
	(void)state;
	tree_put(&tree, "/proc/self/schedstat", "0 0 0\n");
	kernel_check_schedstat(&checks, tree.root);
	assert_int_equal(test_last()->level, CHECK_WARN);
	tree_put(&tree, "/proc/self/schedstat", "1234 5 6\n");
	kernel_check_schedstat(&checks, tree.root);
	assert_int_equal(test_last()->level, CHECK_OK);
}

static void yama_is_shown_and_never_blamed(void **state)
{
	(void)state;
	kernel_check_yama(&checks, tree.root);
	assert_string_equal(test_last()->found, "not there");
	tree_put(&tree, KERNEL_YAMA, "3\n");
	kernel_check_yama(&checks, tree.root);
	assert_int_equal(test_last()->level, CHECK_OK);
	assert_non_null(strstr(test_last()->found, "ptrace_scope 3"));
}

static void hidden_processes_are_told(void **state)
{
	static const struct {
		const char *mounts;
		enum check_level level;
	} cases[] = {
		{ "20 1 0:5 / /proc rw,nosuid - proc proc rw\n", CHECK_OK },
		{ "20 1 0:5 / /proc rw - proc proc rw,hidepid=0\n", CHECK_OK },
		{ "20 1 0:5 / /proc rw - proc proc rw,hidepid=off,gid=4\n", CHECK_OK },
		{ "20 1 0:5 / /proc rw - proc proc rw,gid=4,hidepid=invisible\n", CHECK_WARN },
		{ "20 1 0:5 / /other rw - proc proc rw,hidepid=2\n", CHECK_OK },
		{ "19 1 0:4 / / rw - ext4 a rw\n20 1 0:5 / /proc rw - proc proc rw,hidepid=2\n",
		  CHECK_WARN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tree_put(&tree, "/proc/self/mountinfo", cases[i].mounts);
		kernel_check_hidepid(&checks, tree.root);
		assert_int_equal(test_last()->level, cases[i].level);
	}
	assert_non_null(strstr(test_last()->found, "hidepid=2"));
}

static void refused_advice_is_an_error_of_the_trial(void **state)
{
	(void)state;
	assert_int_equal(kernel_try_advice(MADV_WIPEONFORK), 0);
	assert_int_equal(kernel_try_advice(0x7fff), -EINVAL);
	assert_int_equal(kernel_try_memfd(), 0);
}

static void probes_in_runtimes_are_tried_as_the_agent_uses_them(void **state)
{
	int result = attempt_probes();

	(void)state;
	kernel_check_pauses(&checks);
	assert_string_equal(test_last()->name, "ebpf");
	assert_int_equal(test_last()->level, result || !returns_are_safe() ? CHECK_WARN : CHECK_OK);
	assert_non_null(strstr(test_last()->found, result ? "refused" : "loads"));
}

static void every_check_is_made_once(void **state)
{
	static const char *const names[] = { "kernel",    "privileges", "ebpf",     "memory",
					     "populate",  "clock",      "pressure", "cgroup",
					     "schedstat", "yama",       "hidepid",  "memlock" };
	size_t told = 0;

	(void)state;
	check_kernel(&checks, "");
	for (unsigned int i = 0; i < checks.count; i++) {
		if (i == 0 || strcmp(checks.items[i].name, checks.items[i - 1].name) != 0)
			assert_string_equal(checks.items[i].name, names[told++]);
		else
			assert_string_equal(checks.items[i].name, "ebpf"); /* a line for each set */
	}
	assert_int_equal(told, sizeof(names) / sizeof(names[0]));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, test_teardown)
	const struct CMUnitTest tests[] = {
		TEST(old_kernel_and_foreign_machine_are_told),
		TEST(clock_that_the_kernel_left_is_told),
		TEST(missing_pressure_is_told_by_its_file),
		TEST(cgroups_of_both_versions_are_told_apart),
		TEST(schedstat_without_numbers_is_told),
		TEST(yama_is_shown_and_never_blamed),
		TEST(hidden_processes_are_told),
		TEST(refused_advice_is_an_error_of_the_trial),
		TEST(probes_in_runtimes_are_tried_as_the_agent_uses_them),
		TEST(every_check_is_made_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
