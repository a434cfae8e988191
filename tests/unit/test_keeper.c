#include "../../agent/capture/attempt.c" /* where a function of this program stands */
#include "../../agent/capture/keeper.c"  /* white box: the child, and what is late */
#include "blocked_process.h"
#include "moment.h"
#include "rs_test.h"

#include <dirent.h>
#include <sys/resource.h>

static struct probe_filter *filter;
static struct pauses *pauses; /* NULL: refused here */
static struct keeper *keeper;
static int self;

/* The descriptors that the child holds. */
static uint32_t child_holds(void)
{
	char path[32];
	struct dirent *entry;
	uint32_t count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", keeper->child);
	folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder)))
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

/* It closes what it was given behind its answer, and what is ours behind its start. */
static void comes_to_hold(uint32_t wanted)
{
	for (int i = 0; i < 5000 && child_holds() != wanted; i++)
		usleep(1000);
	assert_int_equal(child_holds(), wanted);
}

static int setup(void **state)
{
	struct uprobes_maker maker;

	(void)state;
	if (!pauses)
		return 0;
	pauses_forget(pauses, getpid());
	if (keeper_open(&keeper) || keeper_start(keeper))
		return -1;
	keeper_maker(keeper, &maker);
	uprobes_maker_set(&maker);
	comes_to_hold(1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	uprobes_maker_set(NULL);
	keeper_close(keeper);
	keeper = NULL;
	return 0;
}

static int attach(struct pauses_links *links)
{
	struct sites sites = { .count = 2 };

	for (uint32_t i = 0; i < sites.count; i++) {
		sites.at[i].offset = attempt_place(i ? attempt_end : attempt_begin);
		sites.at[i].cookie = PAUSE_COOKIE_COUNTS;
		sites.at[i].role = i ? SITES_END : SITES_BEGIN;
	}
	return pauses_attach(pauses, self, &sites, links);
}

/* Is it seen that this runs? */
static bool seen(void)
{
	struct pause_row row;

	pauses_forget(pauses, getpid());
	attempt_begin();
	attempt_end();
	return pauses_read(pauses, getpid(), &row) == 0 && row.sums[PAUSE_COLLECTION].count == 1;
}

/* As the broker does, until all is gone that is to go. */
static void calm(void)
{
	for (int i = 0; i < 5000 && (keeper_waits(keeper) || keeper->closing_count); i++) {
		keeper_hold(keeper, false);
		usleep(1000);
	}
	assert_false(keeper_waits(keeper));
	assert_int_equal(keeper->closing_count, 0);
}

static void a_link_is_there_while_its_descriptor_is_open(void **state)
{
	struct pauses_links links;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	assert_int_equal(child_holds(), 1);
	assert_int_equal(attach(&links), 0);
	assert_true(seen());
	assert_int_equal(child_holds(), 5); /* two links, and their ends */
	pauses_detach(&links);
	assert_false(seen());
	assert_int_equal(child_holds(), 1);
}

static void many_links_go_one_by_one(void **state)
{
	struct pauses_links links[20];

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	for (int i = 0; i < 20; i++)
		assert_int_equal(attach(&links[i]), 0);
	for (int i = 0; i < 20; i++) {
		assert_true(seen());
		pauses_detach(&links[(i * 7) % 20]);
	}
	assert_false(seen());
	assert_int_equal(child_holds(), 1);
}

static void they_end_with_the_keeper(void **state)
{
	struct pauses_links links;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	assert_int_equal(attach(&links), 0);
	keeper_close(keeper);
	keeper = NULL;
	assert_false(seen());
	for (int i = 0; i < PAUSES_LINKS; i++)
		if (links.fds[i] >= 0)
			close(links.fds[i]);
}

static void what_is_refused_leaves_nothing(void **state)
{
	const uint64_t offset = UINT64_C(1) << 60; /* behind the end of any file */
	struct uprobes u = { .program = self, .file = self, .offsets = &offset, .count = 1 };
	int next = dup(self);

	(void)state;
	close(next);
	if (!pauses)
		rs_skip("bpf() is refused here");
	assert_int_equal(uprobes_attach(&u), -EINVAL); /* it is no program */
	u.count = SITES + 1;
	assert_int_equal(uprobes_attach(&u), -E2BIG);
	u.file = -1;
	u.count = 1;
	assert_int_equal(uprobes_attach(&u), -EBADF);
	assert_int_equal(dup(self), next);
	close(next);
	/* It closes its end behind its answer. */
	comes_to_hold(1);
}

static void who_keeps_the_kernel_waiting_stalls_the_child_alone(void **state)
{
	struct pauses_links links;
	struct blocked b;
	uint64_t began_ns;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	b = blocked_start(); /* it maps this program too */
	if (!b.pid)
		rs_skip("FUSE cannot be mounted");
	began_ns = moment_monotonic_ns();
	assert_int_equal(attach(&links), -ETIMEDOUT);
	assert_in_range(moment_monotonic_ns() - began_ns, UINT64_C(900000000),
			UINT64_C(2000000000));
	assert_true(keeper_waits(keeper));
	began_ns = moment_monotonic_ns();
	assert_int_equal(attach(&links), -ETIMEDOUT);
	assert_true(moment_monotonic_ns() - began_ns < UINT64_C(100000000));
	blocked_end(&b);
	calm(); /* the late one was let go */
	assert_int_equal(child_holds(), 1);
	assert_int_equal(attach(&links), 0);
	assert_true(seen());
	assert_int_equal(child_holds(), 5);
	pauses_detach(&links);
	assert_false(seen());
}

static void what_came_too_late_stays_while_somebody_is_suspected(void **state)
{
	struct pauses_links links;
	struct blocked b;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	b = blocked_start();
	if (!b.pid)
		rs_skip("FUSE cannot be mounted");
	assert_int_equal(attach(&links), -ETIMEDOUT);
	keeper_hold(keeper, true);
	blocked_end(&b);
	for (int i = 0; i < 5000 && keeper_waits(keeper); i++)
		usleep(1000);
	assert_false(keeper_waits(keeper));
	usleep(50000);
	assert_int_equal(child_holds(), 3); /* it is there still */
	keeper_hold(keeper, false);
	calm();
	assert_int_equal(child_holds(), 1);
}

static void nor_is_anybody_kept_who_lets_go(void **state)
{
	struct pauses_links links;
	struct blocked b;
	uint64_t began_ns;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	assert_int_equal(attach(&links), 0);
	b = blocked_start();
	if (!b.pid) {
		pauses_detach(&links);
		rs_skip("FUSE cannot be mounted");
	}
	began_ns = moment_monotonic_ns();
	pauses_detach(&links); /* both: the second is not waited for */
	assert_in_range(moment_monotonic_ns() - began_ns, UINT64_C(900000000),
			UINT64_C(1900000000));
	assert_true(keeper_waits(keeper));
	assert_int_equal(keeper->closing_count, 1);
	blocked_end(&b);
	calm();
	assert_int_equal(child_holds(), 1);
	assert_false(seen());
}

static void nothing_is_begun_while_somebody_is_suspected(void **state)
{
	struct pauses_links links, more;
	uint64_t began_ns;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	assert_int_equal(attach(&links), 0);
	keeper_hold(keeper, true);
	began_ns = moment_monotonic_ns();
	assert_int_equal(attach(&more), -ETIMEDOUT);
	pauses_detach(&links);
	assert_true(moment_monotonic_ns() - began_ns < UINT64_C(500000000));
	assert_true(seen());
	assert_int_equal(child_holds(), 5);
	keeper_hold(keeper, false); /* one at a time */
	assert_int_equal(keeper->closing_count, 1);
	assert_int_equal(attach(&more), -ETIMEDOUT); /* not beside those that are to go */
	calm();
	assert_false(seen());
	assert_int_equal(child_holds(), 1);
	assert_int_equal(attach(&more), 0);
	pauses_detach(&more);
}

static void one_after_the_other_goes_and_none_once_somebody_is_suspected(void **state)
{
	struct pauses_links links[4];
	struct blocked b;
	uint64_t began_ns;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	for (int i = 0; i < 4; i++)
		assert_int_equal(attach(&links[i]), 0);
	keeper_hold(keeper, true);
	for (int i = 0; i < 4; i++)
		pauses_detach(&links[i]);
	assert_int_equal(keeper->closing_count, 8);
	b = blocked_start(); /* nobody knows of it */
	if (!b.pid) {
		calm();
		rs_skip("FUSE cannot be mounted");
	}
	began_ns = moment_monotonic_ns();
	for (int i = 0; i < 5; i++)
		keeper_hold(keeper, false);
	assert_true(moment_monotonic_ns() - began_ns < UINT64_C(500000000));
	assert_true(keeper_waits(keeper));
	assert_int_equal(keeper->closing_count, 7);
	blocked_end(&b);
	calm();
	assert_int_equal(child_holds(), 1);
	assert_false(seen());
}

static void a_child_without_room_goes_on_with_what_it_has(void **state)
{
	struct pauses_links links, more;
	struct rlimit before, few;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	assert_int_equal(attach(&links), 0);
	assert_int_equal(prlimit(keeper->child, RLIMIT_NOFILE, NULL, &before), 0);
	for (rlim_t room = 0; room < KEEPER_PASSED; room++) {
		few = (struct rlimit){ 5 + room, before.rlim_max };
		assert_int_equal(prlimit(keeper->child, RLIMIT_NOFILE, &few, NULL), 0);
		assert_int_equal(attach(&more), -ETIMEDOUT);
		assert_int_equal(prlimit(keeper->child, RLIMIT_NOFILE, &before, NULL), 0);
		assert_false(keeper_waits(keeper));
		assert_false(keeper_lost(keeper));
		comes_to_hold(5);
		assert_true(seen());
	}
	assert_int_equal(attach(&more), 0);
	pauses_detach(&more);
	pauses_detach(&links);
	assert_int_equal(child_holds(), 1);
}

static void a_child_that_was_killed_takes_all_links_along(void **state)
{
	struct pauses_links links;
	bool lost = false;

	(void)state;
	if (!pauses)
		rs_skip("bpf() is refused here");
	assert_int_equal(attach(&links), 0);
	assert_false(keeper_lost(keeper));
	kill(keeper->child, SIGKILL);
	for (int i = 0; i < 5000 && seen(); i++)
		usleep(1000);
	assert_int_equal(attach(&links), -ETIMEDOUT);
	/* Its files are closed before it can be waited for. */
	for (int i = 0; i < 5000 && !(lost = keeper_lost(keeper)); i++)
		usleep(1000);
	assert_true(lost);
	assert_false(keeper_lost(keeper));
	assert_int_equal(attach(&links), 0);
	assert_true(seen());
	pauses_detach(&links);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_link_is_there_while_its_descriptor_is_open),
		TEST(many_links_go_one_by_one),
		TEST(they_end_with_the_keeper),
		TEST(what_is_refused_leaves_nothing),
		TEST(who_keeps_the_kernel_waiting_stalls_the_child_alone),
		TEST(what_came_too_late_stays_while_somebody_is_suspected),
		TEST(nor_is_anybody_kept_who_lets_go),
		TEST(nothing_is_begun_while_somebody_is_suspected),
		TEST(one_after_the_other_goes_and_none_once_somebody_is_suspected),
		TEST(a_child_without_room_goes_on_with_what_it_has),
		TEST(a_child_that_was_killed_takes_all_links_along),
	};
	int result;

	self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (probe_filter_open(&filter) == 0)
		pauses_open(&pauses, probe_filter_fd(filter));
	if (pauses)
		probe_filter_put(filter, getpid(), FILTER_WATCHED);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	pauses_close(pauses);
	probe_filter_close(filter);
	close(self);
	return result;
}
