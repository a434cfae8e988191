#include "../../agent/capture/life.c" /* white box: only the events of our own children count */
#include "rs_test.h"

#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77

struct heard {
	int32_t pid; /* whose events are counted */
	uint32_t order[8];
	uint32_t count;
};

static struct life *life; /* NULL: refused here */
static struct life_state life_now;

static void hear(void *ctx, unsigned int kind, int32_t pid)
{
	struct heard *h = ctx;

	if (pid == h->pid && h->count < 8)
		h->order[h->count++] = kind;
}

static void discard(void *ctx, unsigned int kind, int32_t pid)
{
	(void)ctx;
	(void)kind;
	(void)pid;
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
	life_target(life, getpid(), false);
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
	life_target(life, getpid(), true);
	h.pid = child_run(false);
	life_read(life, hear, &h);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.order[0], LIFE_FORK);
	assert_int_equal(h.order[1], LIFE_EXIT);
	life_target(life, getpid(), false);
	life_target(life, getpid(), false); /* twice does no harm */
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

static void what_finds_no_room_is_counted(void **state)
{
	uint64_t before = life_dropped(life);

	(void)state;
	life->probes->bss->dropped += 3; /* as the probe does */
	assert_int_equal(life_dropped(life), before + 3);
	life->probes->bss->dropped -= 3;
}

static void every_probe_is_attached_by_itself(void **state)
{
	(void)state;
	assert_true(life_now.loaded);
	for (int i = 0; i < LIFE_PROBES; i++)
		assert_int_equal(life_now.error[i], 0);
}

static void what_was_closed_tells_nothing_more(void **state)
{
	struct life_state again_state;
	struct life *again;
	struct heard h = { 0 };

	(void)state;
	assert_int_equal(life_open(&again, &again_state), 0); /* two agents do not disturb */
	h.pid = child_run(false);
	life_read(again, hear, &h);
	assert_int_equal(h.count, 1);
	life_close(again);
	life_close(NULL);
}

static void without_privileges_it_is_refused_with_the_reason(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct life_state refused;
		struct life *none;
		int result;

		if (geteuid() == 0 && setresuid(65534, 65534, 65534))
			_exit(1);
		result = life_open(&none, &refused);
		if (result >= 0 || none || refused.loaded)
			_exit(2);
		for (int i = 0; i < LIFE_PROBES; i++)
			if (refused.error[i] != -result)
				_exit(3);
		_exit(strstr(life_error_text(-result), "CAP_BPF") ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The kernel's pids are of the initial namespace: in another one they would name strangers. */
static void in_a_pid_namespace_it_is_not_used(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct life_state refused;
		struct life *none;

		if (unshare(CLONE_NEWPID))
			_exit(SKIPPED);
		pid = fork();
		if (pid == 0)
			_exit(life_open(&none, &refused) != -EPFNOSUPPORT ||
			      refused.error[0] != EPFNOSUPPORT);
		_exit(waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		rs_skip("bpf() is refused, or no pid namespace can be had");
	assert_int_equal(status, 0);
}

static void probes_and_errors_have_names(void **state)
{
	static const int errors[] = { 0, EPERM, ENOSYS, EPFNOSUPPORT, ENOENT, EINVAL, E2BIG };

	(void)state;
	assert_string_equal(life_probe_name(LIFE_PROBE_EXEC), "sched_process_exec");
	assert_string_equal(life_probe_name(LIFE_PROBE_FORK), "sched_process_fork");
	assert_string_equal(life_probe_name(LIFE_PROBES), "unknown");
	assert_string_equal(life_probe_name(-1), "unknown");
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(life_error_text(errors[i]),
						life_error_text(errors[k]));
}

int main(void)
{
	const struct CMUnitTest anywhere[] = {
		cmocka_unit_test(without_privileges_it_is_refused_with_the_reason),
		cmocka_unit_test(in_a_pid_namespace_it_is_not_used),
		cmocka_unit_test(probes_and_errors_have_names),
	};
	const struct CMUnitTest loaded[] = {
		cmocka_unit_test(every_probe_is_attached_by_itself),
		cmocka_unit_test(exec_and_exit_are_told_of_every_process),
		cmocka_unit_test(forks_are_told_of_watched_processes_alone),
		cmocka_unit_test(an_event_is_told_once),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(what_was_closed_tells_nothing_more),
	};
	int failed = cmocka_run_group_tests(anywhere, NULL, NULL);
	int result = life_open(&life, &life_now);

	if (result) {
		printf("skipped: bpf() %s\n", life_error_text(-result));
		return failed ? failed : SKIPPED;
	}
	failed += cmocka_run_group_tests(loaded, NULL, NULL);
	life_close(life);
	return failed;
}
