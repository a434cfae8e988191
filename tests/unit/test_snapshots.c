#include "../../agent/capture/snapshots.c"
#include "rs_test.h"
#include "snapshot_event.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define SKIPPED 77
#define SLOTS_BYTES (sizeof(struct snapshot) * (SNAPSHOT_SLOTS + 1))
#define MARK UINT64_C(0x5ec2e7a11ca11ed0)

static void pause_ms(long ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* Burns with a mark on its stack. */
static pid_t burner(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		volatile uint64_t mark[64];

		alarm(30);
		for (int i = 0; i < 64; i++)
			mark[i] = MARK;
		for (;;)
			mark[0] = mark[1];
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct snapshot *slots_map(const struct snapshots *s)
{
	void *at =
		mmap(NULL, SLOTS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, snapshots_slots(s), 0);

	assert_true(at != MAP_FAILED);
	return at;
}

static uint64_t taken(const struct snapshot *slots)
{
	return __atomic_load_n(&slots[0].taken, __ATOMIC_RELAXED);
}

static __attribute__((noinline, returns_nonnull)) const struct snapshot *
full_one(const struct snapshot *slots)
{
	for (int i = 0; i < 1000; i++) {
		pause_ms(10);
		for (uint32_t k = 1; k <= SNAPSHOT_SLOTS; k++)
			if (__atomic_load_n(&slots[k].state, __ATOMIC_ACQUIRE) == SNAPSHOT_FULL)
				return &slots[k];
	}
	fail();
	return slots;
}

static void a_full_slot_holds_the_stack_from_its_pointer_on(void **state)
{
	pid_t pid = burner();
	const struct snapshot *found;
	struct snapshot *slots;
	struct snapshots *s;
	bool marked = false;

	(void)state;
	assert_int_equal(snapshots_open(&s, pid), 0);
	slots = slots_map(s);
	found = full_one(slots);
	assert_true(found->register_count >= 16);
	assert_int_equal(found->stack_bytes % SNAPSHOT_CHUNK, 0);
	assert_in_range(found->stack_bytes, SNAPSHOT_CHUNK, SNAPSHOT_STACK_BYTES);
	for (uint32_t i = 0; i + 8 <= found->stack_bytes && !marked; i += 8) {
		uint64_t word;

		memcpy(&word, found->stack + i, sizeof(word));
		marked = word == MARK;
	}
	assert_true(marked);
	munmap(slots, SLOTS_BYTES);
	snapshots_close(s);
	end(pid);
}

static void what_finds_no_free_slot_is_counted(void **state)
{
	pid_t pid = burner();
	struct snapshot *slots;
	struct snapshots *s;

	(void)state;
	assert_int_equal(snapshots_open(&s, pid), 0);
	slots = slots_map(s);
	for (uint32_t i = 1; i <= SNAPSHOT_SLOTS; i++)
		__atomic_store_n(&slots[i].state, SNAPSHOT_FULL, __ATOMIC_RELEASE);
	for (int i = 0; i < 1000 && !__atomic_load_n(&slots[0].dropped, __ATOMIC_RELAXED); i++)
		pause_ms(10);
	assert_true(slots[0].dropped > 0);
	assert_true(taken(slots) >= slots[0].dropped);
	munmap(slots, SLOTS_BYTES);
	snapshots_close(s);
	end(pid);
}

static void nobody_else_is_taken_and_nothing_after_the_end(void **state)
{
	pid_t pid = burner(), other = burner();
	struct snapshot *slots;
	struct snapshots *s;
	uint64_t before;

	(void)state;
	assert_int_equal(snapshots_open(&s, pid), 0);
	slots = slots_map(s);
	end(pid);
	before = taken(slots);
	pause_ms(200); /* the other one burns on */
	assert_int_equal(taken(slots), before);
	snapshots_close(s);
	pause_ms(50);
	assert_int_equal(taken(slots), before);
	munmap(slots, SLOTS_BYTES);
	end(other);
}

/* What it looks like when a CPU has come since. */
static void clocks_are_set_anew_for_other_cpus(void **state)
{
	pid_t pid = burner();
	int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct snapshot *slots;
	struct snapshots *s;
	uint64_t before;

	(void)state;
	assert_int_equal(snapshots_open(&s, pid), 0);
	slots = slots_map(s);
	for (int i = 0; i < s->ticks.cpus; i++)
		dup2(none, s->ticks.clocks[i]); /* as good as gone */
	pause_ms(30);
	before = taken(slots);
	assert_int_equal(snapshots_second(s), 0); /* the same CPUs: nothing is done */
	pause_ms(100);
	assert_int_equal(taken(slots), before);
	snprintf(s->ticks.online, sizeof(s->ticks.online), "0-77\n");
	assert_int_equal(snapshots_second(s), 0);
	for (int i = 0; i < 500 && taken(slots) == before; i++)
		pause_ms(10);
	assert_true(taken(slots) > before);
	munmap(slots, SLOTS_BYTES);
	snapshots_close(s);
	close(none);
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_slot_holds_the_stack_from_its_pointer_on),
		cmocka_unit_test(what_finds_no_free_slot_is_counted),
		cmocka_unit_test(clocks_are_set_anew_for_other_cpus),
		cmocka_unit_test(nobody_else_is_taken_and_nothing_after_the_end),
	};
	struct snapshots *s;
	int result = snapshots_open(&s, getpid());

	if (result) {
		print_message("skipped: bpf() is refused here: %d\n", result);
		return SKIPPED;
	}
	snapshots_close(s);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
