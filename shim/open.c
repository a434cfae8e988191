/*
 * open - the segment's table of requests in progress.
 *
 * Threads:  any, inside a guard; which entries are taken is private to the process.
 * Memory:   the segment's open region, populated in steps of a page.
 * Errors:   -1, counted RS_LOST_OPEN_FULL.
 * Cost:     an entry that this thread freed is its next one: no locked instruction.
 */
#include "open.h"

#include "emit.h"
#include "hot.h"

#define OPEN_STEP (RS_PAGE / (uint32_t)sizeof(struct rs_open))
#define OPEN_WORDS (RS_OPEN_ENTRIES / 64u)

static _Atomic uint64_t open_taken[OPEN_WORDS];
static _Atomic uint32_t open_populated; /* entries */

static bool open_grow(uint32_t entries)
{
	uint32_t ready = atomic_load_explicit(&open_populated, memory_order_relaxed);

	if (entries > RS_OPEN_ENTRIES)
		return false;
	while (ready < entries) {
		if (home_populate((uint8_t *)open_at((int)ready), RS_PAGE))
			return false;
		atomic_compare_exchange_strong_explicit(&open_populated, &ready, ready + OPEN_STEP,
							memory_order_relaxed, memory_order_relaxed);
		ready = atomic_load_explicit(&open_populated, memory_order_relaxed);
	}
	return true;
}

static int open_take_in(uint32_t word)
{
	uint64_t taken = atomic_load_explicit(&open_taken[word], memory_order_relaxed);

	while (~taken) {
		uint32_t bit = (uint32_t)__builtin_ctzll(~taken);

		/* K: acquire puts our stores behind those of the last owner; pairs with L. */
		if (atomic_compare_exchange_weak_explicit(
			    &open_taken[word], &taken, taken | UINT64_C(1) << bit,
			    memory_order_acquire, memory_order_relaxed))
			return (int)(word * 64 + bit);
	}
	return -1;
}

static RARE int open_take(void)
{
	for (uint32_t word = 0; word < OPEN_WORDS; word++) {
		int entry;

		if (word * 64 >= atomic_load_explicit(&open_populated, memory_order_relaxed) &&
		    !open_grow(word * 64 + 64))
			break;
		entry = open_take_in(word);
		if (entry >= 0)
			return entry;
	}
	emit_lost(RS_LOST_OPEN_FULL);
	return -1;
}

static RARE void open_release(int entry)
{
	/* L: release puts our stores ahead of the next owner's; pairs with K. */
	atomic_fetch_and_explicit(&open_taken[entry / 64], ~(UINT64_C(1) << entry % 64),
				  memory_order_release);
}

HOT_IN(all) int open_claim(uint32_t connection, uint64_t t0)
{
	int entry = here.spares ? here.spare[--here.spares] : open_take();
	struct rs_open *open;

	if (entry < 0)
		return -1;
	open = open_at(entry);
	atomic_store_explicit(&open->shape, 0, memory_order_relaxed);
	atomic_store_explicit(&open->method, 0, memory_order_relaxed);
	atomic_store_explicit(&open->state, RS_OPEN_HEAD, memory_order_relaxed);
	atomic_store_explicit(&open->t0, t0, memory_order_relaxed);
	atomic_store_explicit(&open->bytes_out, 0, memory_order_relaxed);
	atomic_store_explicit(&open->queued, 0, memory_order_relaxed);
	atomic_store_explicit(&open->thread, here.tid, memory_order_relaxed);
	/* M: release puts the entry ahead of its connection; pairs with the agent's look. */
	atomic_store_explicit(&open->connection, connection, memory_order_release);
	return entry;
}

HOT_IN(all) void open_free(int entry)
{
	if (entry < 0)
		return;
	atomic_store_explicit(&open_at(entry)->connection, 0, memory_order_relaxed);
	if (here.spares < THREAD_SPARES)
		here.spare[here.spares++] = (uint16_t)entry;
	else
		open_release(entry);
}

void open_return_spares(void)
{
	while (here.spares)
		open_release(here.spare[--here.spares]);
}

bool open_prepare(void)
{
	return open_grow(OPEN_STEP);
}

void open_forget(void)
{
	for (uint32_t i = 0; i < OPEN_WORDS; i++)
		atomic_store_explicit(&open_taken[i], 0, memory_order_relaxed);
	atomic_store_explicit(&open_populated, 0, memory_order_relaxed);
}
