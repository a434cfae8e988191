#include "cgroup.h"

#include "tree_fixture.h"

#include <errno.h>
#include <math.h>

#define V1_MOUNTS                                                                                  \
	"32 31 0:29 / /cg/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"                         \
	"35 31 0:32 / /cg/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
#define V2_MOUNT "41 31 0:38 / /cg/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
#define NO_LIMIT "9223372036854771712\n"

static struct cgroup_limits read_limits(const struct tree *tree)
{
	struct cgroup_mounts mounts;
	struct cgroup_limits out;

	assert_int_equal(cgroup_mounts_read(tree->root, &mounts), 0);
	assert_int_equal(cgroup_limits_read(tree->root, &mounts, 9, &out), 0);
	return out;
}

static void v1_walks_up_to_the_nearest_limit(void **state)
{
	struct cgroup_limits out;
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/self/mountinfo", V1_MOUNTS);
	tree_put(&tree, "/proc/9/cgroup", "4:memory:/a/b\n1:cpu,cpuacct:/a\n0::/\n");
	tree_put(&tree, "/cg/memory/a/b/memory.limit_in_bytes", NO_LIMIT);
	tree_put(&tree, "/cg/memory/a/b/memory.usage_in_bytes", "700\n");
	tree_put(&tree, "/cg/memory/a/memory.limit_in_bytes", "1000\n");
	tree_put(&tree, "/cg/memory/a/memory.usage_in_bytes", "900\n");
	tree_put(&tree, "/cg/memory/a/memory.stat",
		 "inactive_file 1\ntotal_cache 7\ntotal_inactive_file 200\n");
	tree_put(&tree, "/cg/memory/memory.limit_in_bytes", "100000\n");
	tree_put(&tree, "/cg/memory/memory.usage_in_bytes", "900\n");
	tree_put(&tree, "/cg/cpu,cpuacct/a/cpu.cfs_quota_us", "150000\n");
	tree_put(&tree, "/cg/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	tree_put(&tree, "/cg/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
	tree_put(&tree, "/cg/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	out = read_limits(&tree);
	assert_int_equal(out.memory_limit, 1000);
	assert_int_equal(out.memory_used, 700);
	assert_true(fabs(out.cpus - 1.5) < 1e-9);
	tree_remove(&tree, "");
}

static void v2_takes_the_smallest_quota_on_the_way(void **state)
{
	struct cgroup_limits out;
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/self/mountinfo", "30 1 0:2 / /cg rw - cgroup2 cgroup2 rw\n");
	tree_put(&tree, "/proc/9/cgroup", "0::/s.slice/x.service\n");
	tree_put(&tree, "/cg/s.slice/x.service/memory.max", "max\n");
	tree_put(&tree, "/cg/s.slice/x.service/cpu.max", "max 100000\n");
	tree_put(&tree, "/cg/s.slice/memory.max", "4096000\n");
	tree_put(&tree, "/cg/s.slice/memory.current", "2048000\n");
	tree_put(&tree, "/cg/s.slice/memory.stat", "anon 5\ninactive_file 48000\n");
	tree_put(&tree, "/cg/s.slice/cpu.max", "50000 100000\n");
	out = read_limits(&tree);
	assert_int_equal(out.memory_limit, 4096000);
	assert_int_equal(out.memory_used, 2000000);
	assert_true(fabs(out.cpus - 0.5) < 1e-9);
	tree_remove(&tree, "");
}

static void hybrid_takes_what_is_nearest_of_both(void **state)
{
	struct cgroup_limits out;
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/self/mountinfo", V1_MOUNTS V2_MOUNT);
	tree_put(&tree, "/proc/9/cgroup", "4:memory:/a\n1:cpu,cpuacct:/\n0::/u\n");
	tree_put(&tree, "/cg/memory/a/memory.limit_in_bytes", "1000\n");
	tree_put(&tree, "/cg/memory/a/memory.usage_in_bytes", "300\n");
	tree_put(&tree, "/cg/unified/u/memory.max", "5000\n");
	tree_put(&tree, "/cg/unified/u/memory.current", "4000\n");
	tree_put(&tree, "/cg/unified/u/cpu.max", "300000 100000\n");
	out = read_limits(&tree);
	assert_int_equal(out.memory_limit, 5000);
	assert_int_equal(out.memory_used, 4000);
	assert_true(fabs(out.cpus - 3) < 1e-9);
	tree_remove(&tree, "");
}

static void the_group_of_the_quota_tells_its_throttling(void **state)
{
	static const char *const stats[] = {
		"nr_periods 70\nnr_throttled 7\nthrottled_time 9000000\nnr_bursts 0\n",
		"usage_usec 5\nnr_periods 80\nnr_throttled 9\nthrottled_usec 11000\n"
	};
	struct cgroup_throttle v1, v2;
	struct cgroup_limits limits;
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/self/mountinfo", V1_MOUNTS V2_MOUNT);
	tree_put(&tree, "/proc/9/cgroup", "1:cpu,cpuacct:/a/b\n0::/u/x\n");
	tree_put(&tree, "/cg/cpu,cpuacct/a/cpu.cfs_quota_us", "150000\n");
	tree_put(&tree, "/cg/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	tree_put(&tree, "/cg/cpu,cpuacct/a/b/cpu.stat", stats[1]); /* of no quota */
	tree_put(&tree, "/cg/cpu,cpuacct/a/cpu.stat", stats[0]);
	limits = read_limits(&tree);
	assert_string_equal(limits.quota_folder, "/cg/cpu,cpuacct/a");
	cgroup_throttle_read(tree.root, &limits, &v1);
	assert_true(v1.group && v1.periods == 70 && v1.throttled == 7);
	assert_int_equal(v1.throttled_ns, 9000000);
	/* A smaller one, of v2. */
	tree_put(&tree, "/cg/unified/u/cpu.max", "50000 100000\n");
	tree_put(&tree, "/cg/unified/u/cpu.stat", stats[1]);
	limits = read_limits(&tree);
	cgroup_throttle_read(tree.root, &limits, &v2);
	assert_true(v2.group && v2.group != v1.group && v2.periods == 80 && v2.throttled == 9);
	assert_int_equal(v2.throttled_ns, 11000000);
	tree_put(&tree, "/cg/unified/u/cpu.stat", "usage_usec 5\n");
	cgroup_throttle_read(tree.root, &limits, &v2);
	assert_int_equal(v2.group, 0);
	limits.quota_folder[0] = '\0';
	cgroup_throttle_read(tree.root, &limits, &v2);
	assert_int_equal(v2.group, 0);
	tree_remove(&tree, "");
}

static void a_mount_of_a_part_is_walked_from_there(void **state)
{
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/self/mountinfo",
		 "35 31 0:32 /docker/c1 /cg/memory rw - cgroup cgroup rw,memory\n");
	tree_put(&tree, "/proc/9/cgroup", "4:memory:/docker/c1/sub\n");
	tree_put(&tree, "/cg/memory/memory.limit_in_bytes", "2000\n");
	tree_put(&tree, "/cg/memory/sub/memory.limit_in_bytes", NO_LIMIT);
	assert_int_equal(read_limits(&tree).memory_limit, 2000);
	/* A path outside of our view: the mount's own limit stands. */
	tree_put(&tree, "/proc/9/cgroup", "4:memory:/../other\n");
	assert_int_equal(read_limits(&tree).memory_limit, 2000);
	tree_remove(&tree, "");
}

static void without_controllers_there_is_no_limit(void **state)
{
	struct cgroup_mounts mounts;
	struct cgroup_limits out;
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/self/mountinfo", V2_MOUNT);
	tree_put(&tree, "/proc/9/cgroup", "0::/\n");
	out = read_limits(&tree);
	assert_true(out.memory_limit == CGROUP_NONE && out.cpus < 0);
	assert_int_equal(cgroup_mounts_read(tree.root, &mounts), 0);
	assert_int_equal(cgroup_limits_read(tree.root, &mounts, 10, &out), -ESRCH);
	tree_remove(&tree, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_walks_up_to_the_nearest_limit),
		cmocka_unit_test(v2_takes_the_smallest_quota_on_the_way),
		cmocka_unit_test(hybrid_takes_what_is_nearest_of_both),
		cmocka_unit_test(the_group_of_the_quota_tells_its_throttling),
		cmocka_unit_test(a_mount_of_a_part_is_walked_from_there),
		cmocka_unit_test(without_controllers_there_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
