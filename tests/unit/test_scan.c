#include "rs_test.h"
#include "scan.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define S SCAN_SECOND_NS

static struct scan *scan_new(void)
{
	struct scan *s = NULL;

	assert_int_equal(scan_open(&s), 0);
	return s;
}

static struct proc_stat stat_of(int32_t pid)
{
	return (struct proc_stat){
		.pid = pid, .comm = "nginx", .state = 'S', .start_ticks = 100, .start_code = 7
	};
}

static void a_new_process_is_looked_at_at_once(void **state)
{
	struct scan *s = scan_new();
	struct proc_stat now = stat_of(9);

	(void)state;
	assert_null(scan_find(s, 9));
	assert_true(scan_note(s, &now, 5 * S));
	assert_int_equal(scan_find(s, 9)->look_ns, 5 * S);
	scan_close(s);
	scan_close(NULL);
}

static void kernel_threads_are_never_looked_at(void **state)
{
	struct scan *s = scan_new();
	struct proc_stat now = stat_of(9);

	(void)state;
	now.kernel = true;
	assert_false(scan_note(s, &now, S));
	assert_true(scan_find(s, 9)->kernel);
	scan_close(s);
}

static void looks_in_vain_thin_out_to_one_a_minute(void **state)
{
	static const uint64_t waits[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct scan *s = scan_new();
	struct proc_stat now = stat_of(9);
	uint64_t at = S;

	(void)state;
	assert_true(scan_note(s, &now, at));
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		scan_missed(scan_find(s, 9), at);
		assert_int_equal(scan_find(s, 9)->look_ns, at + waits[i] * S);
		assert_false(scan_note(s, &now, at + waits[i] * S - 1));
		at += waits[i] * S;
		assert_true(scan_note(s, &now, at));
	}
	scan_close(s);
}

/* Each thing that tells one program from another starts the looks anew. */
static void another_program_is_looked_at_at_once(void **state)
{
	struct proc_stat was = stat_of(9), changed[3] = { was, was, was };

	(void)state;
	changed[0].start_ticks++;
	changed[1].start_code++;
	strcpy(changed[2].comm, "nginy");
	for (size_t i = 0; i < 3; i++) {
		struct scan *s = scan_new();

		scan_note(s, &was, S);
		scan_missed(scan_find(s, 9), S);
		scan_missed(scan_find(s, 9), S);
		assert_false(scan_note(s, &was, S + 1));
		assert_true(scan_note(s, &changed[i], S + 1));
		assert_int_equal(scan_find(s, 9)->looks, 0);
		assert_int_equal(scan_find(s, 9)->start_ticks, changed[i].start_ticks);
		scan_close(s);
	}
}

static void a_hint_brings_a_look_forward_and_never_back(void **state)
{
	struct scan *s = scan_new();
	struct proc_stat now = stat_of(9);

	(void)state;
	scan_note(s, &now, S);
	for (int i = 0; i < 4; i++)
		scan_missed(scan_find(s, 9), S);
	assert_int_equal(scan_hint(s, 9, 3 * S), 0);
	assert_int_equal(scan_find(s, 9)->look_ns, 3 * S);
	assert_int_equal(scan_find(s, 9)->looks, 0); /* and the wait begins at 1 s again */
	assert_int_equal(scan_hint(s, 9, 4 * S), 0);
	assert_int_equal(scan_find(s, 9)->look_ns, 3 * S);
	scan_close(s);
}

static void a_hint_of_an_unknown_process_waits_for_its_time(void **state)
{
	struct scan *s = scan_new();

	(void)state;
	assert_int_equal(scan_hint(s, 9, 3 * S), 0);
	assert_int_equal(scan_find(s, 9)->look_ns, 3 * S);
	assert_int_equal(scan_find(s, 9)->start_ticks, 0);
	scan_close(s);
}

static void a_watched_process_is_looked_at_only_when_it_changed(void **state)
{
	struct scan *s = scan_new();
	struct proc_stat now = stat_of(9);

	(void)state;
	scan_note(s, &now, S);
	scan_find(s, 9)->look_ns = SCAN_NEVER;
	assert_false(scan_note(s, &now, 1000 * S));
	now.start_code++;
	assert_true(scan_note(s, &now, 1000 * S));
	scan_close(s);
}

static uint32_t scan_count(struct scan *s)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < scan_size(s); i++)
		count += scan_at(s, i) != NULL;
	return count;
}

static void every_process_is_found_while_others_come_and_go(void **state)
{
	enum { PIDS = 3000 };
	struct scan *s = scan_new();

	(void)state;
	for (int32_t pid = 1; pid <= PIDS; pid++) {
		struct proc_stat now = stat_of(pid);

		now.start_ticks = (uint64_t)pid;
		assert_true(scan_note(s, &now, S));
	}
	assert_int_equal(scan_count(s), PIDS);
	for (int32_t pid = 1; pid <= PIDS; pid++)
		if (pid % 3)
			scan_drop(s, pid);
	scan_drop(s, PIDS + 1); /* unknown: nothing happens */
	assert_int_equal(scan_count(s), PIDS / 3);
	for (int32_t pid = 1; pid <= PIDS; pid++) {
		const struct scan_entry *entry = scan_find(s, pid);

		if (pid % 3)
			assert_null(entry);
		else
			assert_int_equal(entry->start_ticks, pid);
	}
	scan_close(s);
}

/* Four pids of one home place in a row, the first of them dropped: the others move up. */
static void a_gap_is_closed_for_those_behind_it(void **state)
{
	struct scan *s = scan_new();
	uint32_t step = scan_size(s); /* so far apart, they have the same low bits */

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(scan_hint(s, (int32_t)(5 + i * step), S), 0);
	assert_int_equal(scan_size(s), step);
	scan_drop(s, 5);
	assert_null(scan_find(s, 5));
	for (uint32_t i = 1; i < 4; i++)
		assert_non_null(scan_find(s, (int32_t)(5 + i * step)));
	assert_int_equal(scan_count(s), 3);
	scan_close(s);
}

/* Every process of this machine may stand in it: our own child alone is asked for. */
static void a_listing_notes_what_is_there_and_drops_what_is_gone(void **state)
{
	struct scan *s = scan_new();
	struct scan_entry *entry;
	uint32_t unseen;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(scan_list(s, 5 * S, false), 0);
	entry = scan_find(s, pid);
	assert_non_null(entry);
	assert_true(entry->start_ticks > 0 && entry->look_ns == 5 * S);
	assert_non_null(scan_find(s, getpid()));
	entry->knocked = true;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unseen = scan_list(s, 6 * S, true);
	assert_int_equal(unseen, 1); /* it knocked, and nobody looked */
	assert_null(scan_find(s, pid));
	assert_non_null(scan_find(s, getpid()));
	scan_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_process_is_looked_at_at_once),
		cmocka_unit_test(kernel_threads_are_never_looked_at),
		cmocka_unit_test(looks_in_vain_thin_out_to_one_a_minute),
		cmocka_unit_test(another_program_is_looked_at_at_once),
		cmocka_unit_test(a_hint_brings_a_look_forward_and_never_back),
		cmocka_unit_test(a_hint_of_an_unknown_process_waits_for_its_time),
		cmocka_unit_test(a_watched_process_is_looked_at_only_when_it_changed),
		cmocka_unit_test(every_process_is_found_while_others_come_and_go),
		cmocka_unit_test(a_gap_is_closed_for_those_behind_it),
		cmocka_unit_test(a_listing_notes_what_is_there_and_drops_what_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
