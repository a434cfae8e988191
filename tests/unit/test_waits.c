#include "filter.h"
#include "moment.h"
#include "rs_test.h"
#include "waits.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77

static struct outbox outbox;
static struct probe_filter *filter;
static struct waits waits;
static pid_t sleeper; /* a child that waits for nothing in particular */

static void watch(bool asked)
{
	uint32_t why = FILTER_WATCHED | (asked ? FILTER_ASKED : 0);

	waits_watch(&waits, sleeper, asked, true);
	assert_int_equal(probe_filter_put(filter, sleeper, why), 0);
}

static void of_who_is_asked_for_it_is_each_wait_of_others_an_estimate(void **state)
{
	struct cause_waits told = { 0 };

	(void)state;
	watch(false);
	assert_false(waits_read(&waits, sleeper, &told)); /* they may be about to go again */
	assert_int_equal(waits_due_ns(&waits), UINT64_MAX);
	waits_census(&waits);
	assert_true(waits_read(&waits, sleeper, &told));
	assert_int_equal(told.sampled, 1);
	assert_in_range(waits_due_ns(&waits), 1, UINT64_MAX - 1);
	watch(true);
	assert_true(waits_read(&waits, sleeper, &told));
	assert_int_equal(told.sampled, 0);
	watch(false);
	assert_true(waits_read(&waits, sleeper, &told));
	assert_int_equal(told.sampled, 1);
	waits_forget(&waits, sleeper, true);
	assert_false(waits_read(&waits, sleeper, &told));
	waits_rest(&waits);
	waits_census_rest(&waits);
	assert_null(waits.wait);
	assert_null(waits.census);
}

/* Its estimate begins again at 0 after each watch: nothing is told twice. */
static void an_estimate_begins_with_its_watch(void **state)
{
	struct cause_waits told = { 0 };

	(void)state;
	watch(false);
	waits_census(&waits);
	while (moment_monotonic_ns() < waits_due_ns(&waits))
		usleep(1000);
	waits_step(&waits, moment_monotonic_ns());
	assert_true(waits_read(&waits, sleeper, &told));
	assert_true(told.ns[CAUSE_OTHER] > 0);
	watch(true);
	watch(false);
	assert_true(waits_read(&waits, sleeper, &told));
	for (int i = 0; i < CAUSES; i++)
		assert_int_equal(told.ns[i], 0);
	waits_forget(&waits, sleeper, false);
	waits_rest(&waits);
	waits_census_rest(&waits);
}

static void a_kernel_that_refuses_it_all_refuses_the_census_and_says_why(void **state)
{
	const struct facility *at;
	struct waits refused;
	struct outbox told;

	(void)state;
	outbox_init(&told, -1);
	waits_open(&refused, &told, NULL, -EPERM);
	waits_census(&refused);
	waits_census_rest(&refused); /* it does not say "not needed" again */
	for (at = told.facilities; strcmp(at->set, "census") != 0; at++)
		assert_true(at < told.facilities + told.facility_count);
	assert_int_equal(at->state, FACILITY_REFUSED);
	assert_int_equal(at->error, EPERM);
	waits_close(&refused);
	outbox_fini(&told);
}

static void what_was_not_opened_knows_nobody(void **state)
{
	struct waits none = { 0 };
	struct cause_waits told;

	(void)state;
	waits_watch(&none, sleeper, true, true);
	waits_census(&none);
	waits_step(&none, 1);
	waits_second(&none);
	assert_false(waits_read(&none, sleeper, &told));
	waits_forget(&none, sleeper, false);
	waits_close(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_who_is_asked_for_it_is_each_wait_of_others_an_estimate),
		cmocka_unit_test(an_estimate_begins_with_its_watch),
		cmocka_unit_test(a_kernel_that_refuses_it_all_refuses_the_census_and_says_why),
		cmocka_unit_test(what_was_not_opened_knows_nobody),
	};
	int failed;

	outbox_init(&outbox, -1);
	if (probe_filter_open(&filter)) {
		printf("skipped: bpf() is refused here\n");
		outbox_fini(&outbox);
		return SKIPPED;
	}
	sleeper = fork();
	if (sleeper < 0)
		return 1;
	if (!sleeper)
		for (;;)
			pause();
	waits_open(&waits, &outbox, filter, 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	waits_close(&waits);
	kill(sleeper, SIGKILL);
	waitpid(sleeper, NULL, 0);
	probe_filter_close(filter);
	outbox_fini(&outbox);
	return failed;
}
