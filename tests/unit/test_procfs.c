#include "procfs.h"

#include "tree_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define STAT_TAIL "4 5 6 7 8 9 1010 11 12 13 150 50 16 17 18 19 3 21 2222 23 24\n"

static void stat_is_read_behind_the_last_parenthesis(void **state)
{
	struct procfs_process out;
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/9/stat", "9 (a) R 1 (b\n) S " STAT_TAIL);
	tree_put(&tree, "/proc/9/status",
		 "Name:\tx\nVmSize:\t 40 kB\nVmRSS:\t 20 kB\nRssAnon:\t 8 kB\nVmData:\t 12 kB\n"
		 "Cpus_allowed:\tff\nCpus_allowed_list:\t0-2,5,7-8\n");
	assert_int_equal(procfs_process_read(tree.root, 9, &out), 0);
	assert_int_equal(out.minor_faults, 1010);
	assert_int_equal(out.major_faults, 12);
	assert_int_equal(out.user_ns, 1500000000);
	assert_int_equal(out.system_ns, 500000000);
	assert_int_equal(out.threads, 3);
	assert_int_equal(out.start_ticks, 2222);
	assert_int_equal(out.virtual, 40 * 1024);
	assert_int_equal(out.rss, 20 * 1024);
	assert_int_equal(out.anonymous, 8 * 1024);
	assert_int_equal(out.data, 12 * 1024);
	assert_int_equal(out.cpus, 6);
	assert_int_equal(procfs_process_read(tree.root, 10, &out), -ESRCH);
	tree_put(&tree, "/proc/11/stat", "11 (x) R 1 2");
	assert_int_equal(procfs_process_read(tree.root, 11, &out), -EPROTO);
	tree_remove(&tree, "");
}

static void limits_are_numbers_or_none(void **state)
{
	struct procfs_limits out;
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/9/limits",
		 "Limit                     Soft Limit           Hard Limit           Units\n"
		 "Max data size             unlimited            unlimited            bytes\n"
		 "Max address space         1048576              2097152              bytes\n");
	assert_int_equal(procfs_limits_read(tree.root, 9, &out), 0);
	assert_int_equal(out.address_space, 1048576);
	assert_true(out.data == PROCFS_NONE);
	assert_int_equal(procfs_limits_read(tree.root, 10, &out), -ESRCH);
	tree_remove(&tree, "");
}

static void a_list_of_cpus_is_counted(void **state)
{
	(void)state;
	assert_int_equal(procfs_list_count("0\n"), 1);
	assert_int_equal(procfs_list_count("0-3,8"), 5);
	assert_int_equal(procfs_list_count(""), 0);
	assert_int_equal(procfs_list_count("5-2"), 0);
}

static void numbers_end_where_there_is_none(void **state)
{
	uint64_t out[3];

	(void)state;
	assert_int_equal(procfs_numbers("  12 7\t3 4", out, 3), 3);
	assert_true(out[0] == 12 && out[1] == 7 && out[2] == 3);
	assert_int_equal(procfs_numbers("max 100000", out, 2), 0);
	assert_int_equal(procfs_numbers("5 -1", out, 2), 1);
	assert_int_equal(procfs_numbers("", out, 2), 0);
}

static void ended_threads_stay_in_the_sums(void **state)
{
	struct procfs_threads threads = { 0 };
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/9/task/9/schedstat", "1000 10 1\n");
	tree_put(&tree, "/proc/9/task/12/schedstat", "500 5 1\n");
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_int_equal(threads.run_ns, 1500);
	assert_int_equal(threads.wait_ns, 15);
	tree_remove(&tree, "/proc/9/task/12");
	tree_put(&tree, "/proc/9/task/9/schedstat", "1100 12 1\n");
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_int_equal(threads.run_ns, 1600);
	assert_int_equal(threads.wait_ns, 17);
	/* Its tid again, by another thread, which ran less. */
	tree_put(&tree, "/proc/9/task/12/schedstat", "70 1 1\n");
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_int_equal(threads.run_ns, 1670);
	tree_put(&tree, "/proc/9/task/12/schedstat", "30 0 1\n");
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_int_equal(threads.run_ns, 1700);
	/* Threads that came and went between two looks are in stat alone. */
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 90000), 0);
	assert_int_equal(threads.run_ns, 90000);
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_int_equal(threads.run_ns, 90000);
	procfs_threads_fini(&threads);
	tree_remove(&tree, "");
}

static uint64_t cpu_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void a_thread_is_known_again_and_its_name_settles(void **state)
{
	struct procfs_threads threads = { 0 };
	struct tree tree;

	(void)state;
	tree_make(&tree);
	tree_put(&tree, "/proc/9/task/9/schedstat", "1000 10 1\n");
	tree_put(&tree, "/proc/9/task/9/comm", "main\n");
	tree_put(&tree, "/proc/9/task/12/schedstat", "500 5 1\n");
	tree_put(&tree, "/proc/9/task/12/comm", "fifteen bytes..\n");
	for (int look = 0; look < 3; look++)
		assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_string_equal(threads.seen[0].name, "main");
	assert_string_equal(threads.seen[1].name, "fifteen bytes..");
	tree_put(&tree, "/proc/9/task/9/comm", "later\n");
	tree_put(&tree, "/proc/9/task/9/schedstat", "1700 10 1\n");
	tree_put(&tree, "/proc/9/task/12/schedstat", "20 0 1\n"); /* another one */
	tree_put(&tree, "/proc/9/task/12/comm", "young\n");
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_string_equal(threads.seen[0].name, "main"); /* it is not read for ever */
	assert_true(threads.seen[0].looks == 3 && threads.seen[0].before_ns == 1000);
	assert_string_equal(threads.seen[1].name, "young");
	assert_int_equal(threads.seen[1].looks, 0);
	procfs_threads_fini(&threads);
	tree_remove(&tree, "");
}

static void *burn(void *arg)
{
	uint64_t start = cpu_ns(CLOCK_THREAD_CPUTIME_ID), span = *(const uint64_t *)arg;

	while (cpu_ns(CLOCK_THREAD_CPUTIME_ID) - start < span)
		;
	return NULL;
}

/* Burns 60 ms in a thread that ends, 60 in one that stays, tells its CPU time and waits. */
static void child(int told)
{
	uint64_t span = 60000000, total;
	pthread_t thread;

	pthread_create(&thread, NULL, burn, &span);
	pthread_join(thread, NULL);
	burn(&span);
	total = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
	if (write(told, &total, sizeof(total)) != sizeof(total))
		_exit(1);
	pause();
	_exit(0);
}

static void a_real_child_burned_what_it_says(void **state)
{
	struct procfs_threads threads = { 0 };
	struct procfs_process process;
	uint64_t truth;
	int told[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (!pid)
		child(told[1]);
	assert_int_equal(read(told[0], &truth, sizeof(truth)), sizeof(truth));
	assert_int_equal(procfs_process_read("", pid, &process), 0);
	assert_int_equal(
		procfs_threads_read(&threads, "", pid, process.user_ns + process.system_ns), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(truth >= 120000000);
	/* stat cuts both of its parts to 10 ms; a little runs on after the child told. */
	assert_true(threads.run_ns + 20000000 >= truth && threads.run_ns <= truth + 10000000);
	assert_true(process.rss > 0 && process.cpus > 0);
	procfs_threads_fini(&threads);
	close(told[0]);
	close(told[1]);
}

#define UP_TO_41                                                                                   \
	" S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 2 0 99 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 "

static void waits_for_disks_are_those_of_all_threads_where_they_are_counted(void **state)
{
	struct procfs_threads threads = { 0 };
	struct tree tree;

	(void)state;
	tree_make(&tree);
	assert_false(procfs_delays(tree.root));
	tree_put(&tree, "/proc/sys/kernel/task_delayacct", "0\n");
	assert_false(procfs_delays(tree.root));
	tree_put(&tree, "/proc/sys/kernel/task_delayacct", "1\n");
	assert_true(procfs_delays(tree.root));
	tree_put(&tree, "/proc/9/task/9/schedstat", "1000 10 1\n");
	tree_put(&tree, "/proc/9/task/9/stat", "9 (a) b) c)" UP_TO_41 "5 0 0\n");
	tree_put(&tree, "/proc/9/task/11/schedstat", "500 5 1\n");
	tree_put(&tree, "/proc/9/task/11/stat", "11 (x)" UP_TO_41 "7 0 0\n");
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_int_equal(threads.disk_ns, 0);
	threads.delays = true;
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_int_equal(threads.disk_ns, 120000000);
	tree_remove(&tree, "/proc/9/task/11"); /* it ended */
	tree_put(&tree, "/proc/9/task/9/stat", "9 (short)" UP_TO_41 "6 0 0\n");
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_int_equal(threads.disk_ns, 130000000);
	tree_put(&tree, "/proc/9/task/9/stat", "9 (old kernel) S 1 1\n");
	assert_int_equal(procfs_threads_read(&threads, tree.root, 9, 0), 0);
	assert_int_equal(threads.disk_ns, 130000000);
	procfs_threads_fini(&threads);
	tree_remove(&tree, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_is_read_behind_the_last_parenthesis),
		cmocka_unit_test(limits_are_numbers_or_none),
		cmocka_unit_test(a_list_of_cpus_is_counted),
		cmocka_unit_test(numbers_end_where_there_is_none),
		cmocka_unit_test(ended_threads_stay_in_the_sums),
		cmocka_unit_test(waits_for_disks_are_those_of_all_threads_where_they_are_counted),
		cmocka_unit_test(a_thread_is_known_again_and_its_name_settles),
		cmocka_unit_test(a_real_child_burned_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
