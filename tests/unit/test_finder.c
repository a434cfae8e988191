#include "../../agent/capture/finder.c" /* white box: when the next look is due */
#include "alone.h"
#include "target_process.h"

#define SKIPPED 77
#define S SCAN_SECOND_NS

static char run_dir[64];

/* A finder, what it told, and one child. */
struct scene {
	struct finder *finder;
	struct watched child;
	uint64_t now_ns, key; /* of the last one found */
	uint32_t found, gone;
	uint64_t gone_key;
};

static void scene_found(void *ctx, struct finder_target *found)
{
	struct scene *s = ctx;

	s->found++;
	s->key = found->target.key;
}

static void scene_gone(void *ctx, const struct finder_target *gone)
{
	struct scene *s = ctx;

	s->gone++;
	s->gone_key = gone->target.key;
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
	return finder_open(&s.finder, run_dir, &sink);
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;

	watched_end(&s->child);
	finder_close(s->finder);
	return 0;
}

static void scene_step(struct scene *s, uint64_t later_ns)
{
	s->now_ns += later_ns;
	finder_step(s->finder, s->now_ns, false);
}

/* What is known of the child; a pid of 0 where nothing is. */
static struct scan_entry *scene_entry(const struct scene *s)
{
	static struct scan_entry none;
	struct scan_entry *entry = scan_find(s->finder->scan, s->child.pid);

	return entry ? entry : &none;
}

/* The only target; a key of 0 where there is none. */
static const struct finder_target *scene_target(const struct scene *s)
{
	static const struct finder_target none;
	const struct finder_target *t = finder_at(s->finder, 0);

	return t ? t : &none;
}

static void a_process_with_a_segment_is_found_and_its_end_told(void **state)
{
	struct scene *s = *state;
	const struct finder_target *t;
	pid_t pid = s->child.pid;

	watched_tell(&s->child, WATCHED_SEGMENT);
	scene_step(s, 0);
	assert_int_equal(s->found, 1);
	assert_int_equal(finder_size(s->finder), 1);
	t = scene_target(s);
	assert_int_equal(t->target.pid, s->child.pid);
	assert_true(t->target.key != 0);
	assert_int_equal(fcntl(t->fd, F_GET_SEALS), CAPTURE_SEALS);
	assert_null(finder_at(s->finder, 1));
	scene_step(s, 10 * S); /* it is found once */
	assert_int_equal(s->found, 1);
	watched_end(&s->child);
	scene_step(s, 0); /* told by the pidfd: no round is due */
	assert_int_equal(s->gone, 1);
	assert_int_equal(s->gone_key, s->key);
	assert_int_equal(finder_size(s->finder), 0);
	assert_null(scan_find(s->finder->scan, pid));
}

static void a_process_without_one_is_looked_at_ever_more_rarely(void **state)
{
	struct scene *s = *state;
	static const uint64_t waits[] = { 1, 2, 4 };

	scene_step(s, 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(scene_entry(s)->look_ns, s->now_ns + waits[i] * S);
		s->now_ns += waits[i] * S;
		finder_step(s->finder, s->now_ns, false);
	}
	watched_tell(&s->child, WATCHED_SEGMENT);
	scene_step(s, 7 * S);
	assert_int_equal(s->found, 0);
	scene_step(s, 1 * S); /* without any wake-up, the scan finds it in the end */
	assert_int_equal(s->found, 1);
}

static void a_wake_up_is_followed_at_once(void **state)
{
	struct scene *s = *state;

	scene_step(s, 0);
	watched_tell(&s->child, WATCHED_SEGMENT);
	finder_knock(s->finder, s->child.pid, s->now_ns + 1);
	assert_true(finder_due_ns(s->finder) <= s->now_ns + 1); /* other processes begin too */
	scene_step(s, 1);
	assert_int_equal(s->found, 1);
}

static void another_name_starts_the_looks_anew(void **state)
{
	struct scene *s = *state;

	scene_step(s, 0);
	scene_step(s, 1 * S);
	assert_int_equal(scene_entry(s)->looks, 2);
	watched_tell(&s->child, WATCHED_NAME);
	scene_step(s, 1 * S);
	assert_string_equal(scene_entry(s)->comm, "renamed");
	assert_int_equal(scene_entry(s)->looks, 1);
	assert_int_equal(scene_entry(s)->look_ns, s->now_ns + S);
}

/* While the kernel tells of execs, a known process is not read again but when it is told. */
static void who_is_told_reads_known_processes_no_more(void **state)
{
	struct scene *s = *state;

	scene_step(s, 0);
	watched_tell(&s->child, WATCHED_NAME);
	s->now_ns += 11 * S;
	finder_step(s->finder, s->now_ns, true);
	assert_string_not_equal(scene_entry(s)->comm, "renamed");
	assert_int_equal(s->finder->round_ns, s->now_ns + FINDER_TOLD_ROUND_NS);
	scene_step(s, 10 * S); /* not told any more: the next round reads it */
	assert_string_equal(scene_entry(s)->comm, "renamed");
	assert_int_equal(s->finder->round_ns, s->now_ns + FINDER_ROUND_NS);
}

static void an_exec_ends_a_target_that_has_no_segment_then(void **state)
{
	struct scene *s = *state;

	watched_tell(&s->child, WATCHED_SEGMENT);
	scene_step(s, 0);
	assert_int_equal(s->found, 1);
	watched_tell(&s->child, WATCHED_EXEC);
	finder_exec(s->finder, s->child.pid, s->now_ns);
	assert_true(finder_due_ns(s->finder) <= s->now_ns + FINDER_EARLY_NS);
	scene_step(s, FINDER_EARLY_NS);
	assert_int_equal(s->gone, 1);
	assert_int_equal(scene_entry(s)->key, 0);
	watched_end(&s->child);
	scene_step(s, S);
	assert_int_equal(s->gone, 1); /* told once */
}

static void an_exec_that_nobody_told_is_seen_by_the_next_round(void **state)
{
	struct scene *s = *state;

	watched_tell(&s->child, WATCHED_SEGMENT);
	scene_step(s, 0);
	watched_tell(&s->child, WATCHED_EXEC);
	scene_step(s, S);
	assert_int_equal(s->gone, 1);
}

static void another_segment_is_another_target(void **state)
{
	struct scene *s = *state;
	uint64_t first;

	watched_tell(&s->child, WATCHED_SEGMENT);
	scene_step(s, 0);
	first = s->key;
	watched_tell(&s->child, WATCHED_SEGMENT);
	finder_knock(s->finder, s->child.pid, s->now_ns);
	scene_step(s, 0);
	assert_int_equal(s->gone_key, first);
	assert_int_equal(s->found, 2);
	assert_int_not_equal(s->key, first);
	assert_int_equal(finder_size(s->finder), 1);
}

static void a_child_of_a_fork_is_looked_at_when_it_is_a_second_old(void **state)
{
	const struct finder_target *found;
	struct scene *s = *state;

	scene_step(s, 0);
	finder_exit(s->finder, s->child.pid); /* unknown again, as a new child is */
	finder_fork(s->finder, s->child.pid, 4711, s->now_ns);
	assert_int_equal(scene_entry(s)->look_ns, s->now_ns + S);
	watched_tell(&s->child, WATCHED_SEGMENT);
	scene_step(s, S - 1);
	assert_int_equal(s->found, 0);
	scene_step(s, 1);
	assert_int_equal(s->found, 1);
	/* as the kernel told it: a daemon's has ended by then, and another is its parent */
	found = finder_at(s->finder, 0);
	assert_int_equal(found ? found->target.parent : 0, 4711);
}

static void an_unwritten_header_is_looked_at_soon_but_not_forever(void **state)
{
	struct scene *s = *state;
	uint64_t wait_ns = 2 * FINDER_EARLY_NS;

	watched_tell(&s->child, WATCHED_EARLY);
	scene_step(s, 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(scene_entry(s)->look_ns, s->now_ns + wait_ns);
		assert_true(finder_due_ns(s->finder) <= s->now_ns + wait_ns);
		scene_step(s, wait_ns);
		if (wait_ns < 640 * UINT64_C(1000000))
			wait_ns *= 2;
	}
	assert_int_equal(s->found, 0);
	watched_tell(&s->child, WATCHED_MAGIC);
	scene_step(s, wait_ns);
	assert_int_equal(s->found, 1);
}

static void a_refused_segment_is_counted_once(void **state)
{
	struct scene *s = *state;
	struct finder_counts counts;

	watched_tell(&s->child, WATCHED_WRONG);
	for (int i = 0; i < 5; i++)
		scene_step(s, 4 * S);
	finder_counts_get(s->finder, &counts);
	assert_int_equal(counts.refused[ACCEPT_ABI], 1);
	assert_int_equal(counts.accepted, 0);
	watched_tell(&s->child, WATCHED_SEGMENT);
	finder_knock(s->finder, s->child.pid, s->now_ns);
	scene_step(s, 0);
	finder_counts_get(s->finder, &counts);
	assert_int_equal(counts.accepted, 1);
	assert_int_equal(counts.targets, 1);
}

static void who_knocked_and_died_is_counted_unseen(void **state)
{
	struct scene *s = *state;
	struct finder_counts counts;
	pid_t pid = s->child.pid;

	scene_step(s, 0);
	finder_knock(s->finder, pid, s->now_ns);
	watched_end(&s->child);
	scene_step(s, 0);
	finder_counts_get(s->finder, &counts);
	assert_int_equal(counts.unseen, 1);
	assert_null(scan_find(s->finder->scan, pid));
	finder_knock(s->finder, pid, s->now_ns);
	finder_exit(s->finder, pid); /* the kernel may say so first */
	finder_exit(s->finder, pid);
	finder_counts_get(s->finder, &counts);
	assert_int_equal(counts.unseen, 2);
}

static void a_process_that_ended_is_forgotten(void **state)
{
	struct scene *s = *state;
	pid_t pid = s->child.pid;
	struct finder_counts counts;

	scene_step(s, 0);
	assert_int_equal(scene_entry(s)->pid, pid);
	watched_end(&s->child);
	scene_step(s, S);
	assert_null(scan_find(s->finder->scan, pid));
	finder_counts_get(s->finder, &counts);
	assert_int_equal(counts.unseen, 0); /* it never knocked */
}

static void the_end_of_a_target_is_believed_of_its_pidfd_alone(void **state)
{
	struct scene *s = *state;

	watched_tell(&s->child, WATCHED_SEGMENT);
	scene_step(s, 0);
	finder_exit(s->finder, s->child.pid); /* only its first thread, perhaps */
	scene_step(s, S);
	assert_int_equal(s->gone, 0);
	assert_int_equal(finder_size(s->finder), 1);
}

/* Its maps are empty then, and yet it lives. */
static void a_target_whose_first_thread_ended_stays_and_is_left_alone(void **state)
{
	struct scene *s = *state;
	struct proc_stat stat = { .state = 'S' };

	watched_tell(&s->child, WATCHED_SEGMENT);
	scene_step(s, 0);
	watched_tell(&s->child, WATCHED_LEADER);
	for (int i = 0; i < 10000 && stat.state != 'Z'; i++) {
		usleep(1000);
		assert_int_equal(proc_stat_read(s->child.pid, &stat), 0);
	}
	assert_int_equal(stat.state, 'Z');
	finder_knock(s->finder, s->child.pid, s->now_ns);
	scene_step(s, 0);
	assert_int_equal(s->gone, 0);
	assert_true(finder_due_ns(s->finder) > s->now_ns); /* no look is due again and again */
	watched_tell(&s->child, WATCHED_END);
	assert_int_equal(waitpid(s->child.pid, NULL, 0), s->child.pid);
	s->child.pid = 0;
	scene_step(s, 0);
	assert_int_equal(s->gone, 1);
}

static void a_segment_is_watched_for_one_process_alone(void **state)
{
	struct scene *s = *state;
	struct watched twin = { .run_dir = run_dir };
	struct finder_counts counts;
	struct rs_header h;

	/* the twin is forked by the child's own code: it maps the child's segment, as a fork that
	 * ignored MADV_DONTFORK would */
	watched_segment(&s->child, false, RS_ABI_VERSION); /* in this process, for both of them */
	watched_start(&twin);
	h = capture_header(run_dir, (uint32_t)twin.pid);
	memcpy(s->child.header, &h, sizeof(h));
	scene_step(s, 0);
	assert_int_equal(s->found, 1);
	assert_int_equal(scene_target(s)->target.pid, twin.pid);
	finder_knock(s->finder, getpid(), s->now_ns);
	scene_step(s, 0);
	finder_counts_get(s->finder, &counts);
	assert_int_equal(counts.refused[ACCEPT_READER], 1); /* no shim is mapped here */
	assert_int_equal(counts.refused[ACCEPT_PID], 0);
	h.pid = (uint32_t)getpid();
	memcpy(s->child.header, &h, sizeof(h));
	finder_knock(s->finder, getpid(), s->now_ns);
	scene_step(s, 0);
	finder_counts_get(s->finder, &counts);
	assert_int_equal(s->found, 1);
	assert_int_equal(counts.refused[ACCEPT_TWICE], 1);
	munmap(s->child.header, RS_START_BYTES);
	watched_end(&twin);
}

static void processes_with_the_shim_and_no_segment_are_counted(void **state)
{
	char folder[] = "/tmp/rs_finder_XXXXXX", path[64];
	struct watched bare = { .run_dir = run_dir, .shim = path };
	struct scene *s = *state;
	struct finder_counts counts;
	uint32_t before;
	int fd;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/libringside.so", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 4096), 0);
	close(fd);
	watched_start(&bare);
	scene_step(s, 0);
	finder_counts_get(s->finder, &counts);
	before = counts.bare;
	watched_tell(&bare, WATCHED_SHIM);
	finder_knock(s->finder, bare.pid, s->now_ns);
	scene_step(s, 0);
	assert_true(scan_find(s->finder->scan, bare.pid)->shim);
	finder_counts_get(s->finder, &counts);
	assert_int_equal(counts.bare, before + 1);
	watched_tell(&bare, WATCHED_SEGMENT);
	finder_knock(s->finder, bare.pid, s->now_ns);
	scene_step(s, 0);
	assert_false(scan_find(s->finder->scan, bare.pid)->shim);
	watched_end(&bare);
	unlink(path);
	rmdir(folder);
}

static void many_targets_end_in_one_step_or_two(void **state)
{
	enum { MANY = FINDER_EVENTS + 5 };
	struct watched many[MANY];
	struct scene *s = *state;

	for (int i = 0; i < MANY; i++) {
		many[i] = (struct watched){ .run_dir = run_dir };
		watched_start(&many[i]);
		watched_tell(&many[i], WATCHED_SEGMENT);
	}
	for (int i = 0; i < 3 && s->found < MANY; i++) /* its wake-ups may come behind the step */
		scene_step(s, 0);
	assert_int_equal(s->found, MANY);
	for (int i = 0; i < MANY; i++)
		watched_end(&many[i]);
	scene_step(s, 0);
	scene_step(s, 0);
	assert_int_equal(s->gone, MANY);
	assert_int_equal(finder_size(s->finder), 0);
}

static void it_opens_and_closes_without_a_step(void **state)
{
	const struct finder_sink sink = { 0 };
	char long_dir[200];
	struct finder *f;

	(void)state;
	assert_int_equal(finder_open(&f, run_dir, &sink), 0);
	assert_true(finder_fd(f) >= 0);
	assert_int_equal(finder_due_ns(f), 0); /* the first look around is due at once */
	finder_close(f);
	finder_close(NULL);
	memset(long_dir, 'x', sizeof(long_dir) - 1);
	long_dir[sizeof(long_dir) - 1] = '\0';
	assert_int_equal(finder_open(&f, long_dir, &sink), -ENAMETOOLONG);
	assert_null(f);
}

#define SCENE(fact) cmocka_unit_test_setup_teardown(fact, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_process_with_a_segment_is_found_and_its_end_told),
		SCENE(a_process_without_one_is_looked_at_ever_more_rarely),
		SCENE(a_wake_up_is_followed_at_once),
		SCENE(another_name_starts_the_looks_anew),
		SCENE(who_is_told_reads_known_processes_no_more),
		SCENE(an_exec_ends_a_target_that_has_no_segment_then),
		SCENE(an_exec_that_nobody_told_is_seen_by_the_next_round),
		SCENE(another_segment_is_another_target),
		SCENE(a_child_of_a_fork_is_looked_at_when_it_is_a_second_old),
		SCENE(an_unwritten_header_is_looked_at_soon_but_not_forever),
		SCENE(a_refused_segment_is_counted_once),
		SCENE(who_knocked_and_died_is_counted_unseen),
		SCENE(a_process_that_ended_is_forgotten),
		SCENE(the_end_of_a_target_is_believed_of_its_pidfd_alone),
		SCENE(a_target_whose_first_thread_ended_stays_and_is_left_alone),
		SCENE(a_segment_is_watched_for_one_process_alone),
		SCENE(processes_with_the_shim_and_no_segment_are_counted),
		SCENE(many_targets_end_in_one_step_or_two),
		cmocka_unit_test(it_opens_and_closes_without_a_step),
	};

	signal(SIGPIPE, SIG_IGN);
	snprintf(run_dir, sizeof(run_dir), "/run/rs-finder-%d", getpid());
	alone_on_its_machine();
	log_open("test", LOG_LEVEL_ERROR);
	if (!may_open_mappings(run_dir)) {
		printf("skipped: /proc/PID/map_files needs CAP_CHECKPOINT_RESTORE\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
