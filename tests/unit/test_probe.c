#include "../../agent/capture/probe.c" /* white box: a program that the kernel refuses */
#include "rs_test.h"

#include "sets.h"

#include <sched.h>
#include <sys/wait.h>

#define SKIPPED 77

static struct probe_filter *filter;
static bool refused; /* bpf() is, here */

static int test_setup(void **state)
{
	(void)state;
	refused = probe_filter_open(&filter) != 0;
	return 0;
}

static int test_teardown(void **state)
{
	(void)state;
	probe_filter_close(filter);
	return 0;
}

static void need_bpf(void)
{
	if (refused)
		rs_skip("bpf() is refused here");
}

static void every_program_is_attached_by_itself(void **state)
{
	struct probe_state now;
	struct probe *p;

	(void)state;
	need_bpf();
	assert_int_equal(probe_open(&p, sets_at(SETS_LIFE), filter, &now), 0);
	assert_int_equal(now.count, 3);
	assert_true(probe_whole(&now));
	assert_string_equal(now.facilities[0].name, "sched_process_exec");
	probe_close(p);
	probe_close(NULL);
}

static void one_that_is_refused_leaves_the_others(void **state)
{
	struct probe p = { .set = sets_at(SETS_LIFE), .dropped = -1 };

	(void)state;
	need_bpf();
	assert_int_equal(probe_describe(&p), 0);
	probe_refuse(&p, 1, -EPERM);
	assert_int_equal(probe_load(&p, filter, PROBE_ALL), 0);
	probe_attach(&p);
	assert_int_equal(p.state.facilities[0].state, FACILITY_LOADED);
	assert_int_equal(p.state.facilities[1].state, FACILITY_REFUSED);
	assert_int_equal(p.state.facilities[1].error, EPERM);
	assert_null(p.links[1]);
	assert_int_equal(p.state.facilities[2].state, FACILITY_LOADED);
	assert_false(probe_whole(&p.state));
	for (uint32_t i = 0; i < p.state.count; i++)
		bpf_link__destroy(p.links[i]);
	probe_object_close(&p);
}

static void each_is_tried_when_all_together_are_not_taken(void **state)
{
	struct probe p = { .set = sets_at(SETS_LIFE), .dropped = -1 };

	(void)state;
	need_bpf();
	assert_int_equal(probe_describe(&p), 0);
	assert_int_equal(probe_load_each(&p, filter), 0);
	for (uint32_t i = 0; i < p.state.count; i++)
		assert_int_equal(p.state.facilities[i].state, FACILITY_IDLE); /* not refused */
	probe_object_close(&p);
}

static void all_sets_have_one_filter(void **state)
{
	struct probe_state now;
	struct probe *p;
	uint32_t why;

	(void)state;
	need_bpf();
	assert_int_equal(probe_filter_put(filter, 4711, true), 0);
	assert_true(probe_filter_why(filter, 4711));
	assert_int_equal(probe_open(&p, sets_at(SETS_LIFE), filter, &now), 0);
	assert_int_equal(probe_row_get(p, FILTER_MAP, 4711, &why), 0);
	assert_int_equal(why, FILTER_WATCHED);
	assert_int_equal(probe_filter_put(filter, 4711, false), 0);
	assert_int_equal(probe_filter_put(filter, 4711, false), 0); /* twice does no harm */
	assert_int_equal(probe_row_get(p, FILTER_MAP, 4711, &why), -ENOENT);
	assert_int_equal(probe_row_delete(p, FILTER_MAP, 4711), -ENOENT);
	probe_close(p);
}

static void what_finds_no_room_is_counted(void **state)
{
	const uint64_t three = 3;
	const uint32_t zero = 0;
	struct probe_state now;
	struct probe *p;

	(void)state;
	need_bpf();
	assert_int_equal(probe_open(&p, sets_at(SETS_LIFE), filter, &now), 0);
	assert_int_equal(probe_dropped(p), 0);
	assert_int_equal(bpf_map_update_elem(p->dropped, &zero, &three, BPF_ANY), 0);
	probe_look(p, &now);
	assert_int_equal(now.facilities[0].dropped, 3);
	assert_int_equal(now.facilities[2].dropped, 3);
	probe_close(p);
}

static void runs_are_unknown_unless_the_kernel_counts_them(void **state)
{
	struct probe_state now;
	struct probe *p;

	(void)state;
	need_bpf();
	assert_int_equal(probe_open(&p, sets_at(SETS_LIFE), filter, &now), 0);
	probe_look(p, &now);
	assert_int_equal(now.facilities[0].runs == FACILITY_UNKNOWN, !probe_counts_runs());
	probe_close(p);
}

static void without_privileges_it_is_refused_with_the_reason(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct probe_state now;
		struct probe *none;
		int result;

		if (geteuid() == 0 && setresuid(65534, 65534, 65534))
			_exit(1);
		result = probe_open(&none, sets_at(SETS_LIFE), NULL, &now);
		if (result >= 0 || none || now.count != 3)
			_exit(2);
		for (uint32_t i = 0; i < now.count; i++)
			if (now.facilities[i].state != FACILITY_REFUSED ||
			    now.facilities[i].error != -result)
				_exit(3);
		_exit(strstr(facility_error_text(-result), "CAP_BPF") ? 0 : 4);
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
		struct probe_filter *no_filter;
		struct probe_state now;
		struct probe *none;

		if (unshare(CLONE_NEWPID))
			_exit(SKIPPED);
		pid = fork();
		if (pid == 0)
			_exit(probe_filter_open(&no_filter) != -EPFNOSUPPORT ||
			      probe_open(&none, sets_at(SETS_LIFE), NULL, &now) != -EPFNOSUPPORT ||
			      now.facilities[0].error != EPFNOSUPPORT);
		_exit(waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		rs_skip("no pid namespace can be had");
	assert_int_equal(status, 0);
}

static void without_a_filter_nothing_is_a_target(void **state)
{
	(void)state;
	assert_int_equal(probe_filter_put(NULL, 1, true), 0);
	assert_false(probe_filter_why(NULL, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_program_is_attached_by_itself),
		cmocka_unit_test(one_that_is_refused_leaves_the_others),
		cmocka_unit_test(each_is_tried_when_all_together_are_not_taken),
		cmocka_unit_test(all_sets_have_one_filter),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(runs_are_unknown_unless_the_kernel_counts_them),
		cmocka_unit_test(without_privileges_it_is_refused_with_the_reason),
		cmocka_unit_test(in_a_pid_namespace_it_is_not_used),
		cmocka_unit_test(without_a_filter_nothing_is_a_target),
	};

	return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
