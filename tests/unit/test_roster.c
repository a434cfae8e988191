#include "proc.h"
#include "roster.h"
#include "rs_test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

static struct roster roster;

static int roster_make(void **state)
{
	(void)state;
	return roster_open(&roster);
}

static int roster_end(void **state)
{
	(void)state;
	roster_close(&roster);
	return 0;
}

static struct finder_target *made(pid_t pid, uint64_t inode)
{
	struct finder_target *t = calloc(1, sizeof(*t));
	struct proc_stat stat;

	assert_non_null(t);
	assert_int_equal(proc_stat_read(pid, &stat), 0);
	t->target.pid = pid;
	t->target.uid = 5;
	t->target.start_ticks = stat.start_ticks;
	t->inode = inode;
	t->fd = -1;
	return t;
}

static void keys_are_given_once_and_found(void **state)
{
	struct finder_target *t;

	(void)state;
	for (int i = 0; i < 40; i++) /* more than it begins with */
		assert_int_equal(roster_add(&roster, made(getpid(), 0)), 0);
	assert_int_equal(roster_index(&roster, 40), 39);
	assert_int_equal(roster_index(&roster, 41), 40);
	t = roster_take(&roster, 3);
	assert_int_equal(t->target.key, 4);
	assert_int_equal(roster_index(&roster, 40), 3);
	roster_target_free(t);
	assert_int_equal(roster_add(&roster, made(getpid(), 0)), 0);
	assert_int_equal(roster.targets[roster.count - 1]->target.key, 41);
}

static void another_process_under_the_pid_is_not_taken(void **state)
{
	struct finder_target *t = made(getpid(), 0);

	(void)state;
	t->target.start_ticks++;
	assert_int_equal(roster_add(&roster, t), -ESRCH);
	assert_int_equal(roster.count, 0);
	free(t);
}

static void an_end_is_told_by_its_key(void **state)
{
	struct epoll_event event;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(roster_add(&roster, made(pid, 0)), 0);
	assert_int_equal(epoll_wait(roster.epoll, &event, 1, 0), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(epoll_wait(roster.epoll, &event, 1, 5000), 1);
	assert_int_equal(event.data.u64, 1);
}

static void one_segment_is_watched_once_and_none_by_many(void **state)
{
	(void)state;
	assert_int_equal(roster_add(&roster, made(getpid(), 11)), 0);
	assert_int_equal(roster_add(&roster, made(getpid(), 0)), 0);
	assert_int_equal(roster_quota(&roster, 11, 5), ACCEPT_TWICE);
	assert_int_equal(roster_quota(&roster, 12, 5), ACCEPT_OK);
	assert_int_equal(roster_quota(&roster, 0, 5), ACCEPT_OK);
}

static void quotas_hold_by_user_and_in_all(void **state)
{
	static struct finder_target *targets[ACCEPT_IN_ALL];
	struct finder_target one = { .inode = 7, .target.uid = 5, .kin.fd = -1 };
	struct roster f = { .targets = targets };

	(void)state;
	for (uint32_t i = 0; i < ACCEPT_IN_ALL; i++)
		targets[i] = &one;
	f.count = ACCEPT_PER_UID - 1;
	assert_int_equal(roster_quota(&f, 8, 5), ACCEPT_OK);
	assert_int_equal(roster_quota(&f, 7, 5), ACCEPT_TWICE);
	f.count = ACCEPT_PER_UID;
	assert_int_equal(roster_quota(&f, 8, 5), ACCEPT_QUOTA_UID);
	assert_int_equal(roster_quota(&f, 8, 6), ACCEPT_OK);
	f.count = ACCEPT_IN_ALL;
	assert_int_equal(roster_quota(&f, 8, 6), ACCEPT_QUOTA_ALL);
	one.kin = (struct kin){ .fd = 0, .inode = 9 }; /* segments as well */
	f.count = ACCEPT_PER_UID / 2;
	assert_int_equal(roster_quota(&f, 8, 5), ACCEPT_QUOTA_UID);
	assert_int_equal(roster_quota(&f, 9, 6), ACCEPT_TWICE);
	f.count = ACCEPT_IN_ALL / 2;
	assert_int_equal(roster_quota(&f, 8, 6), ACCEPT_QUOTA_ALL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, roster_make, roster_end)
	const struct CMUnitTest tests[] = {
		TEST(keys_are_given_once_and_found),
		TEST(another_process_under_the_pid_is_not_taken),
		TEST(an_end_is_told_by_its_key),
		cmocka_unit_test(quotas_hold_by_user_and_in_all),
		TEST(one_segment_is_watched_once_and_none_by_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
