#include "../../agent/capture/life.c" /* white box: only the events of our own children count */
#include "rs_test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77

struct heard {
	int32_t pid; /* whose events are counted */
	uint32_t order[8];
	uint32_t count;
};

static struct probe_filter *filter;
static struct life *life;     /* NULL: refused here */
static struct life_used used; /* of the last end that was heard … */
static uint64_t ended_ns;     /* … and when it was */
static int32_t forker;        /* of the last fork */

static void hear(void *ctx, const struct life_told *told)
{
	struct heard *h = ctx;

	if (told->pid != h->pid)
		return;
	if (told->used)
		used = *told->used;
	if (told->kind == LIFE_END)
		ended_ns = told->at_ns;
	if (told->kind == LIFE_FORK)
		forker = told->parent;
	if (h->count < 8)
		h->order[h->count++] = told->kind;
}

static void discard(void *ctx, const struct life_told *told)
{
	(void)ctx;
	(void)told;
}

/* A child that ends, having run another program before or not; reaped: all events are there. */
static pid_t child_run(bool exec)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (exec)
			execl("/bin/true", "true", (char *)NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return pid;
}

static void exec_and_exit_are_told_of_every_process(void **state)
{
	struct heard h = { 0 };

	(void)state;
	probe_filter_put(filter, getpid(), false);
	life_read(life, discard, NULL);
	h.pid = child_run(true);
	assert_true(life_read(life, hear, &h) >= 2);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.order[0], LIFE_EXEC);
	assert_int_equal(h.order[1], LIFE_EXIT);
}

static void forks_are_told_of_watched_processes_alone(void **state)
{
	struct heard h = { 0 };

	(void)state;
	probe_filter_put(filter, getpid(), true);
	h.pid = child_run(false);
	life_read(life, hear, &h);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.order[0], LIFE_FORK);
	assert_int_equal(forker, getpid());
	assert_int_equal(h.order[1], LIFE_EXIT);
	probe_filter_put(filter, getpid(), false);
	probe_filter_put(filter, getpid(), false); /* twice does no harm */
	h.count = 0;
	h.pid = child_run(false);
	life_read(life, hear, &h);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.order[0], LIFE_EXIT);
}

static void an_event_is_told_once(void **state)
{
	struct heard h = { 0 };

	(void)state;
	h.pid = child_run(false);
	life_read(life, hear, &h);
	assert_int_equal(h.count, 1);
	life_read(life, hear, &h);
	assert_int_equal(h.count, 1);
}

/* Each of two threads burns, one after the other, and is over before the process is. */
static void *child_thread(void *ctx)
{
	struct timespec now;

	(void)ctx;
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while (now.tv_nsec < 60000000 && now.tv_sec == 0);
	return NULL;
}

static void child_burn(int out)
{
	struct rusage own;
	uint64_t ns;
	pthread_t thread;

	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, child_thread, NULL) || pthread_join(thread, NULL))
			_exit(1);
	getrusage(RUSAGE_SELF, &own);
	ns = (uint64_t)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) * 1000000000 +
	     (uint64_t)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) * 1000;
	_exit(write(out, &ns, sizeof(ns)) != sizeof(ns));
}

static void an_end_tells_what_all_threads_have_used(void **state)
{
	struct heard h = { 0 };
	uint64_t ns;
	int pipes[2], status;

	(void)state;
	probe_filter_put(filter, getpid(), false);
	life_read(life, discard, NULL);
	assert_int_equal(pipe(pipes), 0);
	h.pid = fork();
	if (h.pid == 0) {
		assert_int_equal(read(pipes[0], &status, 1), 1); /* until it is a target */
		child_burn(pipes[1]);
	}
	assert_int_equal(probe_filter_put(filter, h.pid, true), 0);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	assert_int_equal(waitpid(h.pid, &status, 0), h.pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(pipes[0], &ns, sizeof(ns)), sizeof(ns));
	memset(&used, 0, sizeof(used));
	life_read(life, hear, &h);
	assert_true(ns >= 120000000);
	assert_in_range(used.run_ns, ns - ns / 50, ns + ns / 20); /* it went on after it looked */
	life_forget(life, h.pid);
	probe_filter_put(filter, h.pid, false);
	close(pipes[0]);
	close(pipes[1]);
}

static void a_child_of_a_target_is_one_until_it_ends(void **state)
{
	int pipes[2], status;
	char byte;
	pid_t pid;

	(void)state;
	probe_filter_put(filter, getpid(), true);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0)
		_exit(read(pipes[0], &byte, 1) != 1);
	assert_true(probe_filter_why(filter, pid));
	assert_int_equal(write(pipes[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(probe_filter_why(filter, pid));
	probe_filter_put(filter, getpid(), false);
	close(pipes[0]);
	close(pipes[1]);
}

static void what_was_closed_tells_nothing_more(void **state)
{
	struct probe_state again_state;
	struct life *again;
	struct heard h = { 0 };

	(void)state;
	assert_int_equal(life_open(&again, filter, &again_state),
			 0); /* two agents do not disturb */
	h.pid = child_run(false);
	life_read(again, hear, &h);
	assert_int_equal(h.count, 1);
	life_close(again);
	life_close(NULL);
}

int main(void)
{
	const struct CMUnitTest loaded[] = {
		cmocka_unit_test(exec_and_exit_are_told_of_every_process),
		cmocka_unit_test(forks_are_told_of_watched_processes_alone),
		cmocka_unit_test(an_event_is_told_once),
		cmocka_unit_test(an_end_tells_what_all_threads_have_used),
		cmocka_unit_test(a_child_of_a_target_is_one_until_it_ends),
		cmocka_unit_test(what_was_closed_tells_nothing_more),
	};
	struct probe_state now;
	int failed, result = probe_filter_open(&filter);

	if (result == 0)
		result = life_open(&life, filter, &now);
	if (result) {
		printf("skipped: bpf(): %s\n", facility_error_text(-result));
		return SKIPPED;
	}
	failed = cmocka_run_group_tests(loaded, NULL, NULL);
	life_close(life);
	probe_filter_close(filter);
	return failed;
}
