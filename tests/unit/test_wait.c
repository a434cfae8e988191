#include "filter.h"
#include "rs_test.h"
#include "wait.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77
#define SPAN_NS UINT64_C(60000000)

static struct probe_filter *filter;
static struct wait *waits; /* NULL: refused here */

static void *sleep_thread(void *ctx)
{
	const struct timespec span = { .tv_nsec = (long)SPAN_NS };

	(void)ctx;
	nanosleep(&span, NULL);
	return NULL;
}

static void *socket_thread(void *ctx)
{
	const int *ends = ctx;
	char byte;

	return read(ends[0], &byte, 1) == 1 ? NULL : ctx;
}

static void ask(uint32_t why)
{
	assert_int_equal(probe_filter_put(filter, getpid(), why), 0);
	assert_int_equal(wait_find(waits), 0);
}

/* A thread that sleeps, while the first one waits for its end. */
static void sleep_once(void)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, sleep_thread, NULL), 0);
	pthread_join(thread, NULL);
}

static void a_sleep_and_the_wait_for_its_end_are_told_apart(void **state)
{
	struct wait_row row, before;

	(void)state;
	ask(FILTER_WATCHED | FILTER_ASKED);
	assert_int_equal(wait_watch(waits, getpid()), 0);
	assert_int_equal(wait_watch(waits, getpid()), 0); /* said again: it goes on */
	assert_int_equal(wait_row_read(waits, getpid(), &before), 0);
	sleep_once();
	assert_int_equal(wait_row_read(waits, getpid(), &row), 0);
	assert_true(row.ns[WAIT_SLEEP] - before.ns[WAIT_SLEEP] >= SPAN_NS);
	assert_true(row.ns[WAIT_LOCK] - before.ns[WAIT_LOCK] >= SPAN_NS / 2);
	assert_int_equal(row.ns[WAIT_SOCKET], before.ns[WAIT_SOCKET]);
}

static void a_read_is_what_its_descriptor_is(void **state)
{
	const struct timespec span = { .tv_nsec = (long)SPAN_NS };
	struct wait_row row, before;
	pthread_t thread;
	int ends[2];

	(void)state;
	ask(FILTER_WATCHED | FILTER_ASKED);
	wait_watch(waits, getpid());
	assert_int_equal(wait_row_read(waits, getpid(), &before), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(i ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		assert_int_equal(pthread_create(&thread, NULL, socket_thread, ends), 0);
		nanosleep(&span, NULL);
		assert_int_equal(write(ends[1], "x", 1), 1);
		pthread_join(thread, NULL);
		close(ends[0]);
		close(ends[1]);
		assert_int_equal(wait_row_read(waits, getpid(), &row), 0);
		assert_int_equal(row.ns[WAIT_OTHER] - before.ns[WAIT_OTHER] >= SPAN_NS / 2, i == 1);
		assert_true(row.ns[WAIT_SOCKET] - before.ns[WAIT_SOCKET] >= SPAN_NS / 2);
	}
}

#define SPINNERS 2

/* What the kernel itself says that this thread has waited for processors. */
static uint64_t delay_ns(void)
{
	unsigned long long run = 0, delay = 0;
	FILE *f = fopen("/proc/thread-self/schedstat", "r");

	if (f && fscanf(f, "%llu %llu", &run, &delay) != 2)
		delay = 0;
	if (f)
		fclose(f);
	return delay;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Behind what a new thread waits for its first turn: it is nobody's before that. */
static void *spin_thread(void *ctx)
{
	uint64_t *delay = ctx, begun = now_ns(), before = delay_ns();

	while (now_ns() - begun < 4 * SPAN_NS)
		continue;
	*delay = delay_ns() - before;
	return NULL;
}

static void waits_for_a_processor_are_those_that_the_scheduler_counts(void **state)
{
	uint64_t delays[SPINNERS] = { 0 }, sum = 0, booked;
	struct wait_row row, before;
	pthread_t threads[SPINNERS];
	pthread_attr_t one;
	cpu_set_t cpu;

	(void)state;
	ask(FILTER_WATCHED | FILTER_ASKED);
	wait_watch(waits, getpid());
	assert_int_equal(sched_getaffinity(0, sizeof(cpu), &cpu), 0);
	for (int i = 0, seen = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &cpu) && seen++)
			CPU_CLR(i, &cpu);
	pthread_attr_init(&one);
	pthread_attr_setaffinity_np(&one, sizeof(cpu), &cpu);
	assert_int_equal(wait_row_read(waits, getpid(), &before), 0);
	for (int i = 0; i < SPINNERS; i++)
		assert_int_equal(pthread_create(&threads[i], &one, spin_thread, &delays[i]), 0);
	for (int i = 0; i < SPINNERS; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&one);
	for (int i = 0; i < SPINNERS; i++)
		sum += delays[i];
	assert_int_equal(wait_row_read(waits, getpid(), &row), 0);
	booked = row.ns[WAIT_RUN_QUEUE] - before.ns[WAIT_RUN_QUEUE];
	assert_true(sum >= SPAN_NS); /* they took turns */
	assert_true(booked >= sum - sum / 10);
#if !defined(__SANITIZE_THREAD__) /* it has a thread of its own, that sleeps */
	assert_true(row.ns[WAIT_SLEEP] == before.ns[WAIT_SLEEP]);
#endif
}

static void nothing_is_told_of_who_was_not_asked_for(void **state)
{
	struct wait_row row, before;

	(void)state;
	wait_watch(waits, getpid());
	ask(FILTER_WATCHED);
	sleep_once(); /* what was under way before is over now */
	assert_int_equal(wait_row_read(waits, getpid(), &before), 0);
	sleep_once();
	assert_int_equal(wait_row_read(waits, getpid(), &row), 0);
	assert_memory_equal(&row, &before, sizeof(row));
	wait_forget(waits, getpid());
	assert_int_equal(wait_row_read(waits, getpid(), &row), -ENOENT);
	ask(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sleep_and_the_wait_for_its_end_are_told_apart),
		cmocka_unit_test(a_read_is_what_its_descriptor_is),
		cmocka_unit_test(waits_for_a_processor_are_those_that_the_scheduler_counts),
		cmocka_unit_test(nothing_is_told_of_who_was_not_asked_for),
	};
	struct probe_state now;
	int failed, result = probe_filter_open(&filter);

	if (result == 0)
		result = wait_open(&waits, filter, &now);
	if (result || !probe_whole(&now)) {
		printf("skipped: bpf(): %s\n", facility_error_text(-result));
		wait_close(waits);
		probe_filter_close(filter);
		return SKIPPED;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	wait_close(waits);
	wait_close(NULL);
	probe_filter_close(filter);
	return failed;
}
