#include "unwind.h"

#include "cfi.h"
#include "child.h"
#include "jail.h"
#include "snapshot_event.h"
#include "stacks.h"
#include "symbolize.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define UNWIND_EVERY_NS 20000000 /* the slots hold thirty times as much */
#define UNWIND_CPU_S 5           /* beside its time: a CPU of its own at the most */
#define UNWIND_SLOTS_BYTES (sizeof(struct snapshot) * (SNAPSHOT_SLOTS + 1))

struct unwind {
	struct unwind_head head;
	struct symbolize_file files[SYMBOLIZE_FILES];
	struct snapshot *slots; /* shared with the kernel */
	struct snapshot copy;
	struct cfi *cfi;
	struct stacks *stacks;
	struct unwind_answer answer;
	FILE *out;
};

static int unwind_question(struct unwind *u)
{
	int result = symbolize_take(&u->head, sizeof(u->head));

	if (result)
		return result;
	if (u->head.file_count > SYMBOLIZE_FILES || u->head.seconds > UNWIND_SECONDS)
		return -EINVAL;
	result = symbolize_take(u->files, u->head.file_count * sizeof(u->files[0]));
	if (result)
		return result;
	u->slots = mmap(NULL, UNWIND_SLOTS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, u->head.slots,
			0);
	return u->slots == MAP_FAILED ? -errno : 0;
}

/* What is at hand of the sample: its copy, in bounds; the slot is empty and free again. */
static bool unwind_take(struct unwind *u, struct snapshot *slot)
{
	/* B: acquire keeps what it holds behind the mark; pairs with the kernel's A. */
	if (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != SNAPSHOT_FULL)
		return false;
	memcpy(&u->copy, slot, sizeof(u->copy));
	explicit_bzero(slot->registers, sizeof(slot->registers));
	explicit_bzero(slot->stack, sizeof(slot->stack));
	__atomic_store_n(&slot->state, SNAPSHOT_FREE, __ATOMIC_RELEASE);
	if (u->copy.stack_bytes > SNAPSHOT_STACK_BYTES)
		u->copy.stack_bytes = SNAPSHOT_STACK_BYTES;
	if (u->copy.register_count > SNAPSHOT_REGISTERS)
		u->copy.register_count = SNAPSHOT_REGISTERS;
	if (u->copy.kernel_count > SNAPSHOT_KERNEL_FRAMES)
		u->copy.kernel_count = SNAPSHOT_KERNEL_FRAMES;
	return true;
}

static void unwind_one(struct unwind *u)
{
	uint64_t places[SNAPSHOT_KERNEL_FRAMES + UNWIND_FRAMES + 1];
	uint32_t kernel = u->copy.kernel_count, user;
	struct stacks_sample sample = { .key = 1, .addresses = places };
	bool whole;

	memcpy(places, u->copy.kernel, kernel * sizeof(places[0]));
	user = cfi_unwind(u->cfi, &u->copy, places + kernel, UNWIND_FRAMES, &whole);
	explicit_bzero(&u->copy, sizeof(u->copy));
	if (!whole)
		places[kernel + user++] = 0;
	sample.kernel_count = (uint16_t)kernel;
	sample.user_count = (uint16_t)user;
	stacks_put(u->stacks, &sample); /* what finds no room is counted there */
}

static void unwind_round(struct unwind *u)
{
	for (uint32_t i = 1; i <= SNAPSHOT_SLOTS; i++)
		if (unwind_take(u, &u->slots[i]))
			unwind_one(u);
}

static uint64_t unwind_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void unwind_run(struct unwind *u)
{
	const struct timespec pause = { 0, UNWIND_EVERY_NS };
	uint64_t end_ns = unwind_now_ns() + u->head.seconds * UINT64_C(1000000000);

	for (uint32_t i = 0; i < u->head.file_count; i++) {
		const struct symbolize_file *f = &u->files[i];
		const struct cfi_range at = { f->start, f->end, f->offset };

		if (f->fd >= 0)
			cfi_file_add(u->cfi, &at, f->fd);
		else if (f->fd == UNWIND_VDSO)
			cfi_vdso_add(u->cfi, &at);
	}
	/* what could not be used is not unwound through: the stacks end there */
	cfi_files_end(u->cfi);
	while (unwind_now_ns() < end_ns) {
		unwind_round(u);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	u->answer.taken = __atomic_load_n(&u->slots[0].taken, __ATOMIC_RELAXED);
	u->answer.dropped = __atomic_load_n(&u->slots[0].dropped, __ATOMIC_RELAXED);
	unwind_round(u);
}

static int unwind_tell_one(void *ctx, const struct stack *stack, uint32_t samples)
{
	const struct unwind *u = ctx;
	const struct unwind_stack head = { samples, stack->kernel_count, stack->user_count };

	fwrite(&head, sizeof(head), 1, u->out);
	fwrite(stack->addresses, sizeof(stack->addresses[0]),
	       (size_t)stack->kernel_count + stack->user_count, u->out);
	return 0;
}

static int unwind_tell(struct unwind *u)
{
	const uint64_t key = 1;
	const struct stacks_range all = { .keys = &key, .key_count = 1, .to = UINT32_MAX };
	struct stacks_counts counts;

	stacks_counts_get(u->stacks, &counts);
	u->answer.stack_count = counts.distinct;
	u->answer.no_room = counts.no_room + counts.early;
	fwrite(&u->answer, sizeof(u->answer), 1, u->out);
	stacks_each(u->stacks, &all, unwind_tell_one, u);
	return fflush(u->out) || ferror(u->out) ? -EIO : 0;
}

int unwind_main(void)
{
	static struct unwind u;
	int result = unwind_question(&u);

	if (!result && cfi_load())
		return CHILD_NO_LIBRARY;
	u.out = result ? NULL : fdopen(STDOUT_FILENO, "w");
	if (!u.out || jail_enter(UNWIND_CPU_S + u.head.seconds))
		return 1;
	if (cfi_open(&u.cfi) || stacks_open(&u.stacks, u.head.samples))
		return 1;
	unwind_run(&u);
	return unwind_tell(&u) ? 1 : 0;
}
