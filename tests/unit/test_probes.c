#include "../../agent/probes.c"
#include "rs_test.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static void facilities_are_told_and_targets_are_the_sets_own(void **state)
{
	uint64_t told[LINK_CLASSES] = { 0 }, more[LINK_CLASSES];
	uint64_t waits_ns[CAUSES];
	struct outbox outbox;
	struct probes probes;

	(void)state;
	outbox_init(&outbox, -1);
	probes_open(&probes, &outbox);
	if (!probes.life) {
		outbox_fini(&outbox);
		rs_skip("bpf() is refused here");
	}
	assert_true(probes.told);
	assert_in_range(outbox.facility_count, 3, OUTBOX_FACILITIES);
	assert_int_equal(outbox.facilities[0].state, FACILITY_LOADED);
	assert_true(probes_watch(&probes, 4711, false, false));
	assert_true(probe_filter_has(probes.filter, 4711));
	assert_null(probes.wait); /* nobody asked for what costs more */
	assert_false(probes_waits(&probes, 4711, waits_ns));
	probes_watch(&probes, 4711, true, false);
	assert_int_equal(probes.wait != NULL, !probes.wait_refused);
	assert_int_equal(probes_waits(&probes, 4711, waits_ns), probes.wait != NULL);
	probes_watch(&probes, 4711, false, false);
	assert_false(probes_waits(&probes, 4711, waits_ns));
	probes_watch(&probes, 4711, true, true);
	assert_int_equal(probes.http != NULL, !probes.http_refused);
	probes_step(&probes);
	assert_false(probes.http_seek);
	assert_false(probes_lost(&probes, 4711, told, more)); /* none of its answers was lost */
	probes_rest(&probes, true, false);
	assert_null(probes.http);
	probes_rest(&probes, false, false);
	assert_null(probes.wait);
	probes_forget(&probes, 4711);
	assert_false(probe_filter_has(probes.filter, 4711));
	probes_second(&probes);
	assert_int_equal(probes_dropped(&probes), 0);
	probes_close(&probes);
	outbox_fini(&outbox);
}

static void without_bpf_it_is_told_and_nothing_fails(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct outbox outbox;
		struct probes probes;

		if (geteuid() == 0 && setresuid(65534, 65534, 65534))
			_exit(1);
		outbox_init(&outbox, -1);
		probes_open(&probes, &outbox);
		if (probes.told || probes.life || outbox.facility_count < 3)
			_exit(2);
		for (uint32_t i = 0; i < outbox.facility_count; i++)
			if (outbox.facilities[i].state == FACILITY_LOADED)
				_exit(3);
		probes_watch(&probes, 1, true, true);
		probes_step(&probes);
		probes_forget(&probes, 1);
		probes_second(&probes);
		probes_read(&probes, NULL, NULL);
		_exit(probes_dropped(&probes) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facilities_are_told_and_targets_are_the_sets_own),
		cmocka_unit_test(without_bpf_it_is_told_and_nothing_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
