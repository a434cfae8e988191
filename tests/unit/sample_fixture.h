/*
 * sample_fixture - one process in a tree of /proc of our own, as metrics_sample reads it.
 */
#ifndef TESTS_SAMPLE_FIXTURE_H
#define TESTS_SAMPLE_FIXTURE_H

#include "metrics_fixture.h"
#include "tree_fixture.h"

#include <math.h>
#include <ringside/segment.h>

#define PID 70
#define START "700" /* fixture_open: key 7 × 100 */

static inline bool near(double a, double b)
{
	return fabs(a - b) < 1e-6 * (1 + fabs(b));
}

static inline void put_process(const struct tree *tree, unsigned int user, unsigned int system,
			       const char *schedstat)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "70 (shop) S 1 1 1 0 -1 0 100 0 3 0 %u %u 0 0 20 0 4 0 " START " 0 0\n", user,
		 system);
	tree_put(tree, "/proc/70/stat", text);
	tree_put(tree, "/proc/70/task/70/schedstat", schedstat);
}

static inline void put_machine(const struct tree *tree)
{
	tree_put(tree, "/proc/self/mountinfo", "30 1 0:2 / /cg rw - cgroup2 cgroup2 rw\n");
	tree_put(tree, "/proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 500000 kB\n");
	tree_put(tree, "/proc/stat", "cpu  1 0 1 8 0 0 0 0 0 0\ncpu0 1\ncpu1 1\ncpu2 1\ncpu3 1\n");
	tree_put(tree, "/proc/70/status",
		 "VmSize:\t900 kB\nVmRSS:\t200 kB\nRssAnon:\t100 kB\nVmData:\t300 kB\n"
		 "Cpus_allowed_list:\t0-1\n");
	tree_put(tree, "/proc/70/limits", "Max address space  unlimited unlimited bytes\n");
	tree_put(tree, "/proc/70/cgroup", "0::/a\n");
}

static inline void make(struct tree *tree, struct fixture *f)
{
	tree_make(tree);
	put_machine(tree);
	put_process(tree, 10, 30, "400000000 1000000 5\n");
	fixture_open(f, 1000 * SECOND);
	assert_int_equal(metrics_root_set(f->m, tree->root), 0);
	fixture_tick(f, 1000 * SECOND);
}

static inline struct metrics_process process_of(struct fixture *f, struct metrics_scope scope)
{
	struct metrics_process *rows, row;

	assert_int_equal(metrics_process_list(f->m, &scope, &rows), 1);
	row = rows[0];
	free(rows);
	return row;
}

#endif
