#include "census.h"
#include "moment.h"
#include "rs_test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77
#define LOOKS 4
#define THREADS 4

static struct probe_filter *filter;
static struct census *census; /* NULL: refused here */
static struct {
	pthread_mutex_t lock;
	int socket[2], pipe[2];
	atomic_bool over;
} held = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *lock_thread(void *ctx)
{
	pthread_mutex_lock(&held.lock);
	pthread_mutex_unlock(&held.lock);
	return ctx;
}

static void *socket_thread(void *ctx)
{
	char byte;

	return read(held.socket[0], &byte, 1) == 1 ? ctx : NULL;
}

static void *pipe_thread(void *ctx)
{
	char byte;

	return read(held.pipe[0], &byte, 1) == 1 ? ctx : NULL;
}

static void *busy_thread(void *ctx)
{
	while (!atomic_load(&held.over))
		continue;
	return ctx;
}

static void rest(void)
{
	const struct timespec span = { .tv_nsec = 20000000 };

	nanosleep(&span, NULL);
}

/* The next look, when it is due; its moment. */
static uint64_t look(void)
{
	uint64_t now_ns;

	while ((now_ns = moment_monotonic_ns()) < census_due_ns(census))
		rest();
	census_step(census, now_ns);
	return now_ns;
}

static struct wait_row row(void)
{
	struct wait_row out;

	assert_int_equal(census_row_read(census, getpid(), &out), 0);
	return out;
}

static void hold(pthread_t threads[THREADS])
{
	static void *(*const calls[THREADS])(void *) = { lock_thread, socket_thread, pipe_thread,
							 busy_thread };

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, held.socket), 0);
	assert_int_equal(pipe(held.pipe), 0);
	pthread_mutex_lock(&held.lock);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, calls[i], NULL), 0);
	rest();
}

static void let_go(const pthread_t threads[THREADS])
{
	pthread_mutex_unlock(&held.lock);
	assert_int_equal(write(held.socket[1], "x", 1), 1);
	assert_int_equal(write(held.pipe[1], "x", 1), 1);
	atomic_store(&held.over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++) {
		close(held.socket[i]);
		close(held.pipe[i]);
	}
}

/* Threads that do nothing else are met in it at each look: the sums are the time itself. */
static void a_thread_stands_for_all_the_time_by_what_it_waits_for(void **state)
{
	struct wait_row before, after;
	pthread_t threads[THREADS];
	uint64_t begun_ns, ns = 0;

	(void)state;
	hold(threads);
	assert_int_equal(census_watch(census, getpid()), 0);
	begun_ns = look();
	before = row();
	assert_int_equal(census_watch(census, getpid()), 0); /* said again: it goes on */
	for (int i = 0; i < LOOKS; i++)
		ns = look() - begun_ns;
	after = row();
	assert_int_equal(after.ns[WAIT_LOCK] - before.ns[WAIT_LOCK], ns);
	assert_int_equal(after.ns[WAIT_SOCKET] - before.ns[WAIT_SOCKET], ns);
	assert_int_equal(after.ns[WAIT_OTHER] - before.ns[WAIT_OTHER], ns);
	assert_int_equal(after.ns[WAIT_DISK], before.ns[WAIT_DISK]);
	/* Of the two that run it is the one that does not look which may wait for a processor. */
	assert_true(after.ns[WAIT_RUN_QUEUE] - before.ns[WAIT_RUN_QUEUE] <= ns);
#if !defined(__SANITIZE_THREAD__) /* it has a thread of its own, that sleeps */
	assert_int_equal(after.ns[WAIT_SLEEP], before.ns[WAIT_SLEEP]);
#endif
	let_go(threads);
	census_forget(census, getpid());
}

static void a_young_thread_stands_for_its_own_life(void **state)
{
	uint64_t born_ns, looked_ns;
	struct wait_row before;
	pthread_t thread;

	(void)state;
	assert_int_equal(census_watch(census, getpid()), 0);
	look();
	before = row();
	while (moment_monotonic_ns() + 40000000 < census_due_ns(census))
		rest();
	assert_int_equal(pipe(held.pipe), 0);
	born_ns = moment_monotonic_ns();
	assert_int_equal(pthread_create(&thread, NULL, pipe_thread, NULL), 0);
	rest();
	looked_ns = look();
	assert_in_range(row().ns[WAIT_OTHER] - before.ns[WAIT_OTHER], 1, looked_ns - born_ns);
	assert_int_equal(write(held.pipe[1], "x", 1), 1);
	pthread_join(thread, NULL);
	close(held.pipe[0]);
	close(held.pipe[1]);
	census_forget(census, getpid());
}

static void looks_come_at_no_fixed_pace(void **state)
{
	uint64_t first_ns, second_ns, now_ns;

	(void)state;
	now_ns = look();
	first_ns = census_due_ns(census) - now_ns;
	census_step(census, now_ns + 1); /* not yet */
	assert_int_equal(census_due_ns(census) - now_ns, first_ns);
	now_ns = look();
	second_ns = census_due_ns(census) - now_ns;
	assert_true(first_ns >= CENSUS_EVERY_NS / 2 && second_ns >= CENSUS_EVERY_NS / 2);
	assert_true(first_ns != second_ns);
}

static void nothing_is_told_of_who_is_not_watched(void **state)
{
	struct wait_row out;

	(void)state;
	look();
	assert_int_equal(census_row_read(census, getpid(), &out), -ENOENT);
	assert_int_equal(census_row_read(census, getppid(), &out), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_stands_for_all_the_time_by_what_it_waits_for),
		cmocka_unit_test(a_young_thread_stands_for_its_own_life),
		cmocka_unit_test(looks_come_at_no_fixed_pace),
		cmocka_unit_test(nothing_is_told_of_who_is_not_watched),
	};
	struct probe_state now;
	int failed, result = probe_filter_open(&filter);

	if (result == 0)
		result = census_open(&census, filter, &now);
	if (result || !probe_whole(&now)) {
		printf("skipped: bpf(): %s\n", facility_error_text(-result));
		census_close(census);
		probe_filter_close(filter);
		return SKIPPED;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	census_close(census);
	census_close(NULL);
	probe_filter_close(filter);
	return failed;
}
