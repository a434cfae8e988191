/* What becomes of processes without a segment that somebody attached. */
#include "../../agent/capture/finder.c" /* white box: nobody but our own children is looked at */
#include "target_process.h"

#include <stdio.h>

#define S SCAN_SECOND_NS

static char folder[32], file[64];

struct scene {
	struct finder *finder;
	struct attach *attach;
	struct watched child;
	uint64_t now_ns;
	uint32_t found, gone;
	struct capture_target last;
};

static void scene_found(void *ctx, struct finder_target *found)
{
	struct scene *s = ctx;

	s->found++;
	s->last = found->target;
}

static void scene_gone(void *ctx, const struct finder_target *gone)
{
	struct scene *s = ctx;

	(void)gone;
	s->gone++;
}

static void scene_names(const struct scene *s, pid_t pid)
{
	FILE *out = fopen(file, "w");
	struct proc_stat stat;
	char line[ATTACH_LINE];

	(void)s;
	assert_non_null(out);
	if (pid) {
		assert_int_equal(proc_stat_read(pid, &stat), 0);
		attach_line(pid, stat.start_ticks, line);
		fputs(line, out);
	}
	fclose(out);
}

static int scene_setup(void **state)
{
	static struct scene s;
	const struct finder_sink sink = { &s, scene_found, scene_gone };

	memset(&s, 0, sizeof(s));
	strcpy(folder, "/tmp/finder.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/" ATTACH_FILE, folder);
	s.now_ns = 100 * S;
	s.child.run_dir = folder;
	*state = &s;
	watched_start(&s.child);
	if (attach_open(&s.attach, folder, NULL))
		return -1;
	if (finder_open(&s.finder, folder, &sink))
		return -1;
	finder_attach_set(s.finder, s.attach);
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;

	finder_close(s->finder);
	attach_close(s->attach);
	watched_end(&s->child);
	unlink(file);
	return rmdir(folder);
}

static void scene_change(struct scene *s)
{
	s->now_ns += S;
	if (attach_changed(s->attach))
		finder_attach_again(s->finder, s->now_ns);
	finder_step(s->finder, s->now_ns, false);
}

static void who_is_named_is_found_and_let_go(void **state)
{
	struct scene *s = *state;

	scene_change(s);
	assert_int_equal(s->found, 0);
	scene_names(s, s->child.pid);
	scene_change(s);
	assert_int_equal(s->found, 1);
	assert_int_equal(s->last.pid, s->child.pid);
	assert_true(s->last.bare);
	assert_int_equal(s->last.named, TARGET_NAMED_PROGRAM);
	scene_change(s); /* nothing new */
	assert_int_equal(s->found, 1);
	scene_names(s, 0);
	scene_change(s);
	assert_int_equal(s->gone, 1);
	assert_int_equal(finder_size(s->finder), 0);
	scene_change(s);
	assert_int_equal(s->found, 1);
}

static void a_segment_takes_the_place_of_the_attachment(void **state)
{
	struct scene *s = *state;

	if (geteuid() != 0)
		rs_skip("map_files needs root");
	scene_names(s, s->child.pid);
	scene_change(s);
	assert_int_equal(s->found, 1);
	watched_tell(&s->child, WATCHED_SEGMENT);
	finder_knock(s->finder, s->child.pid, s->now_ns);
	scene_change(s);
	assert_int_equal(s->found, 2);
	assert_int_equal(s->gone, 1);
	assert_false(s->last.bare);
	assert_int_equal(finder_size(s->finder), 1);
}

static void it_stays_attached_over_an_exec_by_its_new_name(void **state)
{
	struct scene *s = *state;

	scene_names(s, s->child.pid);
	scene_change(s);
	watched_tell(&s->child, WATCHED_EXEC);
	finder_exec(s->finder, s->child.pid, s->now_ns);
	scene_change(s);
	assert_int_equal(s->found, 2);
	assert_int_equal(s->gone, 1);
	assert_non_null(strstr(s->last.exe, "sleep") ? s->last.exe
						     : strstr(s->last.exe, "busybox"));
	assert_int_equal(s->last.pid, s->child.pid);
}

static void a_child_is_attached_with_its_parent_and_let_go_with_it(void **state)
{
	struct scene *s = *state;
	pid_t own = getpid();

	scene_names(s, own); /* ours is the parent */
	scene_change(s);
	scene_change(s); /* it may have been looked at before its parent was */
	finder_fork(s->finder, s->child.pid, getpid(), s->now_ns);
	scene_change(s);
	scene_change(s);
	assert_int_equal(s->found, 2);
	assert_int_equal(finder_size(s->finder), 2);
	scene_names(s, 0);
	scene_change(s);
	assert_int_equal(s->gone, 2);
}

/* As a young child of somebody who is not watched: the next round is seconds away. */
static void who_is_named_before_a_round_saw_it_is_found_at_once(void **state)
{
	struct scene *s = *state;

	finder_step(s->finder, s->now_ns, true);
	scan_drop(s->finder->scan, s->child.pid);
	s->now_ns += S / 1000;
	scene_names(s, s->child.pid);
	assert_true(attach_changed(s->attach));
	finder_attach_again(s->finder, s->now_ns);
	assert_true(finder_due_ns(s->finder) <= s->now_ns);
	finder_step(s->finder, s->now_ns, true);
	assert_int_equal(s->found, 1);
}

int main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		SCENE(who_is_named_is_found_and_let_go),
		SCENE(who_is_named_before_a_round_saw_it_is_found_at_once),
		SCENE(a_segment_takes_the_place_of_the_attachment),
		SCENE(it_stays_attached_over_an_exec_by_its_new_name),
		SCENE(a_child_is_attached_with_its_parent_and_let_go_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
