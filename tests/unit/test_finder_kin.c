/* The segment that a target shares with its children: found, handed on, and ended with it. */
#include "../../agent/capture/finder.c"
#include "target_process.h"

#define SKIPPED 77
#define S SCAN_SECOND_NS

static char run_dir[64];

struct scene {
	struct finder *finder;
	struct watched child;
	uint64_t now_ns;
	uint32_t found, gone;
};

static void scene_found(void *ctx, struct finder_target *found)
{
	struct scene *s = ctx;

	(void)found;
	s->found++;
}

static void scene_gone(void *ctx, const struct finder_target *gone)
{
	struct scene *s = ctx;

	(void)gone;
	s->gone++;
}

static int scene_setup(void **state)
{
	static struct scene s;
	const struct finder_sink sink = { &s, scene_found, scene_gone };

	memset(&s, 0, sizeof(s));
	s.now_ns = 100 * S;
	s.child.run_dir = run_dir;
	*state = &s;
	watched_start(&s.child);
	watched_tell(&s.child, WATCHED_SEGMENT);
	return finder_open(&s.finder, run_dir, &sink);
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;

	watched_end(&s->child);
	finder_close(s->finder);
	return 0;
}

static const struct finder_target *scene_target(struct scene *s)
{
	finder_knock(s->finder, s->child.pid, s->now_ns);
	finder_step(s->finder, s->now_ns, false);
	assert_int_equal(finder_size(s->finder), 1);
	return finder_at(s->finder, 0);
}

/* It is made at the first fork: long after the process was found. */
static void it_is_found_at_a_later_knock_and_once(void **state)
{
	struct scene *s = *state;
	struct finder_counts counts;
	uint64_t inode;

	assert_int_equal(scene_target(s)->kin.fd, -1);
	watched_tell(&s->child, WATCHED_KIN);
	assert_true(scene_target(s)->kin.fd >= 0);
	inode = scene_target(s)->kin.inode;
	assert_int_not_equal(inode, scene_target(s)->inode);
	watched_tell(&s->child, WATCHED_KIN);
	assert_int_equal(scene_target(s)->kin.inode, inode);
	finder_counts_get(s->finder, &counts);
	assert_int_equal(counts.accepted, 1);
	assert_int_equal(counts.refused[ACCEPT_TWICE], 0);
	assert_int_equal(s->found, 1);
	assert_int_equal(s->gone, 0);
}

static void it_is_found_with_its_process(void **state)
{
	struct scene *s = *state;

	watched_tell(&s->child, WATCHED_KIN);
	assert_true(scene_target(s)->kin.fd >= 0);
}

/* Another segment in the same process: another program, and what its children had is gone too. */
static void it_goes_with_the_program_that_made_it(void **state)
{
	struct scene *s = *state;
	int fd;

	watched_tell(&s->child, WATCHED_KIN);
	fd = scene_target(s)->kin.fd;
	assert_true(fcntl(fd, F_GETFD) >= 0);
	watched_tell(&s->child, WATCHED_SEGMENT);
	assert_int_not_equal(scene_target(s)->kin.inode, 0);
	assert_int_equal(s->gone, 1);
	assert_int_equal(s->found, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_found_at_a_later_knock_and_once, scene_setup,
						scene_teardown),
		cmocka_unit_test_setup_teardown(it_is_found_with_its_process, scene_setup,
						scene_teardown),
		cmocka_unit_test_setup_teardown(it_goes_with_the_program_that_made_it, scene_setup,
						scene_teardown),
	};

	snprintf(run_dir, sizeof(run_dir), "/tmp/rs_kin_%d", getpid());
	log_open("test", LOG_LEVEL_ERROR);
	if (!may_open_mappings(run_dir)) {
		printf("skipped: a mapping may not be opened here\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
