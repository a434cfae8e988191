#include "../../agent/probes.c"
#include "rs_test.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

/* How many messages of a kind a target's telling is, others aside. */
static uint32_t told_of(struct probes *probes, struct finder_target *target, int link,
			uint32_t kind)
{
	struct link_message message;
	uint32_t n = 0;

	assert_int_equal(probes_tell_target(probes, target), 0);
	while (link_receive(link, &message, NULL) == 1)
		n += message.kind == kind;
	return n;
}

static void facilities_are_told_and_targets_are_the_sets_own(void **state)
{
	uint64_t told[LINK_CLASSES] = { 0 }, more[LINK_CLASSES];
	struct finder_target target = { .target = { .key = 9, .pid = 4711 }, .fd = 0 };
	struct outbox outbox;
	struct probes probes;
	struct link_end end;
	int link[2];

	(void)state;
	assert_int_equal(link_open(link), 0);
	outbox_init(&outbox, link[0]);
	outbox_hello(&outbox);
	probes_open(&probes, &outbox, http_sources("auto"));
	if (!probes.life) {
		outbox_fini(&outbox);
		rs_skip("bpf() is refused here");
	}
	assert_true(probes.told);
	assert_in_range(outbox.facility_count, 3, OUTBOX_FACILITIES);
	assert_int_equal(outbox.facilities[0].state, FACILITY_LOADED);
	assert_true(probes_watch(&probes, 4711, false, false));
	assert_true(probe_filter_why(probes.filter, 4711));
	assert_null(probes.waits.wait); /* nobody asked for what costs more */
	assert_int_equal(told_of(&probes, &target, link[1], LINK_WAITS), 0);
	probes_watch(&probes, 4711, true, false);
	assert_int_equal(probes.waits.wait != NULL, !probes.waits.wait_refused);
	assert_int_equal(probes.arrival != NULL, !probes.arrival_refused);
	assert_int_equal(told_of(&probes, &target, link[1], LINK_WAITS), probes.waits.wait ? 1 : 0);
	probes_watch(&probes, 4711, false, false);
	assert_int_equal(told_of(&probes, &target, link[1], LINK_WAITS), 0);
	probes_watch(&probes, 4711, true, true);
	assert_int_equal(probes.http != NULL, probes.http_refused != probes.http_sources);
	probes_step(&probes);
	assert_false(probes.http_seek);
	assert_false(probes_lost(&probes, 4711, told, more)); /* none of its answers was lost */
	probes_rest(&probes, true, false, true);
	assert_null(probes.http);
	probes_rest(&probes, true, false, false);
	assert_null(probes.arrival);
	probes_rest(&probes, false, false, false);
	assert_null(probes.waits.wait);
	probes_gone(&probes, &target, &end);
	assert_int_equal(end.at_ns, 0); /* it is no target any more: that is no end */
	assert_false(probe_filter_why(probes.filter, 4711));
	probes_second(&probes, 0);
	assert_int_equal(probes_dropped(&probes), 0);
	probes_close(&probes);
	outbox_fini(&outbox);
	close(link[0]);
	close(link[1]);
}

static uint32_t state_of(const struct outbox *outbox, const char *set)
{
	for (uint32_t i = 0; i < outbox->facility_count; i++)
		if (strcmp(outbox->facilities[i].set, set) == 0)
			return outbox->facilities[i].state;
	return FACILITY_STATES;
}

/* Whichever is the first that the configuration allows and the kernel does not refuse. */
static void where_sockets_are_refused_system_calls_are_looked_at(void **state)
{
	struct outbox outbox;
	struct probes probes;

	(void)state;
	outbox_init(&outbox, -1);
	probes_open(&probes, &outbox, http_sources("auto"));
	assert_int_equal(state_of(&outbox, "http"), FACILITY_IDLE);
	assert_int_equal(state_of(&outbox, "calls"), FACILITY_IDLE);
	assert_true(probes_miss_rings(&probes, true));
	probes.http_refused = 1u << HTTP_SOCKETS; /* as by an older kernel */
	probes_watch(&probes, 4711, false, true);
	if (!probes.http) {
		probes_close(&probes);
		outbox_fini(&outbox);
		rs_skip("bpf() is refused here");
	}
	assert_int_equal(state_of(&outbox, "calls"), FACILITY_LOADED);
	assert_int_equal(state_of(&outbox, "http"), FACILITY_IDLE);
	assert_true(probes_miss_rings(&probes, true));
	probes_watch(&probes, 4712, false, true); /* one more needs no other */
	probes_rest(&probes, false, false, false);
	assert_int_equal(state_of(&outbox, "calls"), FACILITY_IDLE);
	probes.http_refused |= 1u << HTTP_CALLS;
	probes_watch(&probes, 4711, false, true);
	assert_null(probes.http); /* neither is tried again */
	probes_close(&probes);
	probes_open(&probes, &outbox, http_sources("sockets"));
	probes_watch(&probes, 4711, false, true);
	assert_int_equal(state_of(&outbox, "calls"), FACILITY_IDLE); /* it may not be */
	assert_int_equal(probes_miss_rings(&probes, true), !probes.http);
	assert_true(probes_miss_rings(&probes, false)); /* the library does not see them */
	probes_close(&probes);
	outbox_fini(&outbox);
}

/* A server that forks for each connection would have all descriptors walked over all the time. */
static void what_is_open_is_sought_for_who_is_new_alone(void **state)
{
	struct outbox outbox;
	struct probes probes;

	(void)state;
	outbox_init(&outbox, -1);
	probes_open(&probes, &outbox, http_sources("auto"));
	probes_watch(&probes, 4711, true, true);
	if (!probes.http) {
		probes_close(&probes);
		outbox_fini(&outbox);
		rs_skip("bpf() takes no set of HTTP here");
	}
	assert_true(probes.http_seek);
	probes.http_seek = false;
	probes_watch(&probes, 4711, true, true); /* said again */
	assert_false(probes.http_seek);
	/* as the kernel has it, of one that was forked by another */
	probe_filter_put(probes.filter, 4712, FILTER_FOLLOWED | FILTER_ASKED | FILTER_BARE);
	probes_watch(&probes, 4712, true, true);
	assert_false(probes.http_seek);
	probe_filter_put(probes.filter, 4713, FILTER_FOLLOWED);
	probes_watch(&probes, 4713, true, true); /* its parent was looked at by the shim */
	assert_true(probes.http_seek);
	probes.http_seek = false;
	probes_rest(&probes, true, false, false);
	probes_watch(&probes, 4711, true, true); /* loaded anew, nothing is marked */
	assert_true(probes.http_seek);
	probes_close(&probes);
	outbox_fini(&outbox);
}

/* It was told each second: nobody would tell what it lost, and waited for, in its last one. */
static void the_last_is_told_with_the_end(void **state)
{
	const struct finder_target gone = { .target = { .key = 9, .pid = 4711 },
					    .fd = -1,
					    .lost = { 0, 1 } };
	const struct http_lost lost = { .status = { 0, 3, 0, 0, 2 } };
	struct outbox outbox;
	struct probes probes;
	struct link_end end;

	(void)state;
	outbox_init(&outbox, -1);
	probes_open(&probes, &outbox, http_sources("auto"));
	probes_watch(&probes, 4711, true, true);
	if (!probes.http || !probes.waits.wait) {
		probes_close(&probes);
		outbox_fini(&outbox);
		rs_skip("bpf() takes no set of HTTP, or of waits, here");
	}
	assert_int_equal(probe_row_put(http_probe(probes.http), HTTP_LOST_MAP, 4711, &lost), 0);
	probes_gone(&probes, &gone, &end);
	assert_int_equal(end.lost[1], 2); /* one of them was told before */
	assert_int_equal(end.lost[4], 2);
	assert_int_equal(end.waited, 1);
	probes_gone(&probes, &gone, &end);
	assert_int_equal(end.lost[4], 0);
	assert_int_equal(end.waited, 0);
	probes_close(&probes);
	outbox_fini(&outbox);
}

/* They are loaded when no more targets come, and stay for a while: targets come and go. */
static void inputs_are_loaded_with_the_first_target_and_go_after_the_last(void **state)
{
	struct finder_target target = { .target = { .key = 9, .pid = 4711 }, .fd = 0 };
	struct link_message message = { 0 };
	struct outbox outbox;
	struct probes probes;
	struct link_end end;
	int link[2];

	(void)state;
	assert_int_equal(link_open(link), 0);
	outbox_init(&outbox, link[0]);
	probes_open(&probes, &outbox, http_sources("auto"));
	probes_step(&probes);
	assert_null(probes.inputs);
	for (uint32_t i = 0; i < PROBES_PATIENCE_S; i++) {
		probes_watch(&probes, 4711, false, false);
		probes_second(&probes, 1);
		assert_null(probes.inputs);
	}
	probes_close(&probes);
	probes_open(&probes, &outbox, http_sources("auto"));
	probes_watch(&probes, 4711, false, false);
	for (uint32_t i = 0; i <= PROBES_QUIET_S; i++) {
		assert_null(probes.inputs);
		probes_second(&probes, 1);
	}
	if (!probes.inputs) {
		probes_close(&probes);
		outbox_fini(&outbox);
		rs_skip("bpf() is refused here");
	}
	assert_int_equal(probes_tell_target(&probes, &target), 0);
	while (message.kind != LINK_STRAIN) /* behind that there is no HTTP */
		assert_int_equal(link_receive(link[1], &message, NULL), 1);
	assert_int_equal(message.key, 9);
	assert_int_equal(message.strain.known, STRAIN_KILLS | STRAIN_TCP | STRAIN_DISK);
	assert_false(probes.inputs_seek); /* it walked as it was loaded */
	target.over = true;
	probes_gone(&probes, &target, &end);
	assert_int_equal(end.strain.known, STRAIN_KILLS | STRAIN_TCP | STRAIN_DISK);
	assert_true(end.at_ns > 0);
	for (uint32_t i = 0; i < PROBES_LINGER_S; i++) {
		assert_non_null(probes.inputs);
		probes_second(&probes, 0);
	}
	assert_null(probes.inputs);
	probes_close(&probes);
	outbox_fini(&outbox);
	close(link[0]);
	close(link[1]);
}

static void the_largest_end_is_right(void **state)
{
	const struct life_used small = { 5, 4, 1, 7, 8, 9 }, large = { 9, 6, 3, 10, 11, 12 };
	struct life_told told = { .kind = LIFE_END, .at_ns = 50, .used = &small };
	struct link_end end = { 0 };

	(void)state;
	probes_end_keep(&end, &told);
	assert_int_equal(end.run_ns, 5);
	told = (struct life_told){ .kind = LIFE_END, .at_ns = 51, .used = &large };
	probes_end_keep(&end, &told);
	told.used = &small;
	probes_end_keep(&end, &told);
	assert_int_equal(end.run_ns, 9);
	assert_int_equal(end.user_ns, 6);
	assert_int_equal(end.system_ns, 3);
	assert_int_equal(end.major_faults, 10);
	assert_int_equal(end.read_bytes, 11);
	assert_int_equal(end.write_bytes, 12);
	assert_int_equal(end.at_ns, 51);
}

static void without_bpf_it_is_told_and_nothing_fails(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		const struct finder_target target = { .target = { .pid = 1 }, .fd = 0 };
		struct outbox outbox;
		struct probes probes;
		struct link_end end;

		if (geteuid() == 0 && setresuid(65534, 65534, 65534))
			_exit(1);
		outbox_init(&outbox, -1);
		probes_open(&probes, &outbox, http_sources("auto"));
		if (probes.told || probes.life || outbox.facility_count < 3)
			_exit(2);
		for (uint32_t i = 0; i < outbox.facility_count; i++)
			if (outbox.facilities[i].state == FACILITY_LOADED)
				_exit(3);
		probes_watch(&probes, 1, true, true);
		probes_step(&probes);
		probes_gone(&probes, &target, &end);
		for (uint32_t i = 0; i <= PROBES_PATIENCE_S; i++)
			probes_second(&probes, 1);
		probes_kills(&probes, NULL);
		if (!probes.inputs_refused)
			_exit(4);
		for (uint32_t i = 0; i < outbox.facility_count; i++)
			if (strcmp(outbox.facilities[i].set, "inputs") == 0 &&
			    (outbox.facilities[i].state != FACILITY_REFUSED ||
			     !outbox.facilities[i].error))
				_exit(5);
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
		cmocka_unit_test(where_sockets_are_refused_system_calls_are_looked_at),
		cmocka_unit_test(inputs_are_loaded_with_the_first_target_and_go_after_the_last),
		cmocka_unit_test(what_is_open_is_sought_for_who_is_new_alone),
		cmocka_unit_test(the_last_is_told_with_the_end),
		cmocka_unit_test(the_largest_end_is_right),
		cmocka_unit_test(without_bpf_it_is_told_and_nothing_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
