/*
 * thread - what the shim keeps per thread, and its claim of a counter block and a lane.
 *
 * Threads:  blocks are claimed by compare and swap of their owner word; nobody waits.
 * Memory:   lanes is private to the process: a lane's head outlives its owner there.
 * Errors:   no block left: the shared one; no page for a block: the shim leaves.
 * Cost:     a claim is one to four system calls, once in a thread's life.
 */
#include "thread.h"

#include "heads.h"
#include "hot.h"
#include "kin.h"
#include "layout.h"
#include "open.h"
#include "sys.h"
#include "tally.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#pragma weak pthread_key_create
#pragma weak pthread_setspecific

#define THREAD_OWNER_UNKNOWN 0xffffffffu /* claimed when no call could be made to learn the tid */
#define THREAD_ROUNDS 3u       /* destructor rounds to let pass: other destructors still allocate */
#define THREAD_SWEEP_EVERY 64u /* claims refused between two sweeps over 256 threads */
#define THREAD_BLOCKS_A_PAGE 4u
#define THREAD_PAGES ((RS_BLOCKS + THREAD_BLOCKS_A_PAGE - 1) / THREAD_BLOCKS_A_PAGE)

_Static_assert(offsetof(struct here, busy) == HERE_BUSY, "layout.h");
_Static_assert(offsetof(struct here, busy_before) == HERE_BUSY_BEFORE, "layout.h");
_Static_assert(offsetof(struct here, vfork_return) == HERE_VFORK_RETURN, "layout.h");
_Static_assert(THREAD_IN_VFORK == HERE_IN_VFORK, "layout.h");

__thread struct here here;
struct lane lanes[RS_BLOCKS];

static _Atomic uint8_t thread_pages[THREAD_PAGES]; /* 1: this page of blocks is populated */
static _Atomic uint32_t thread_refused;
static HOT_DATA pthread_key_t thread_key; /* not hot, but in a page that each start touches */
static HOT_DATA bool thread_key_made;

static void thread_end(void *unused);

START bool thread_watch_ends(void)
{
	if (!pthread_key_create || !pthread_setspecific)
		return false;
	thread_key_made = !pthread_key_create(&thread_key, thread_end);
	return thread_key_made;
}

static bool thread_page_ready(uint32_t number)
{
	_Atomic uint8_t *page = &thread_pages[number / THREAD_BLOCKS_A_PAGE];

	if (atomic_load_explicit(page, memory_order_relaxed))
		return true;
	if (home_populate((uint8_t *)thread_block_at(number), sizeof(struct rs_block)))
		return false;
	atomic_store_explicit(page, 1, memory_order_relaxed);
	return true;
}

static uint32_t thread_tid(void)
{
	if (atomic_load_explicit(&home.frozen, memory_order_relaxed))
		return THREAD_OWNER_UNKNOWN;
	return (uint32_t)sys_call(SYS_gettid);
}

static void thread_raise_lanes(uint32_t count)
{
	_Atomic uint32_t *lanes_used = &home.header->lanes;
	uint32_t seen = atomic_load_explicit(lanes_used, memory_order_relaxed);

	while (seen < count &&
	       !atomic_compare_exchange_weak_explicit(lanes_used, &seen, count,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

/* The lowest free block whose page can be had, -1: none is free, -ENOMEM: no page. */
static int thread_take_block(uint32_t tid)
{
	bool refused = false;

	for (uint32_t n = 0; n < RS_LANES; n++) {
		_Atomic uint32_t *owner = &thread_block_at(n)->thread;
		uint32_t nobody = 0;

		if (!thread_page_ready(n)) {
			refused = true;
			n |= THREAD_BLOCKS_A_PAGE - 1;
			continue;
		}
		if (atomic_load_explicit(owner, memory_order_relaxed))
			continue;
		/* F: acquire puts our adds behind those of the last owner; pairs with E. */
		if (atomic_compare_exchange_strong_explicit(
			    owner, &nobody, tid, memory_order_acquire, memory_order_relaxed)) {
			thread_raise_lanes(n + 1);
			return (int)n;
		}
	}
	return refused ? -ENOMEM : -1;
}

/* Threads that ended without their destructor: raw clones, and those of a libc without keys. */
static void thread_sweep(void)
{
	long pid = sys_call(SYS_getpid);

	for (uint32_t n = 0; n < RS_LANES; n++) {
		_Atomic uint32_t *owner = &thread_block_at(n)->thread;
		uint32_t tid = atomic_load_explicit(owner, memory_order_relaxed);

		if (tid && tid != THREAD_OWNER_UNKNOWN &&
		    sys_call(SYS_tgkill, pid, tid, 0) == -ESRCH)
			atomic_compare_exchange_strong_explicit(
				owner, &tid, 0, memory_order_relaxed, memory_order_relaxed);
	}
}

static void thread_use_block(uint32_t number, bool shared)
{
	here.number = number;
	here.shared = shared;
	here.block = thread_block_at(number);
	here.heap = shared ? NULL : here.block;
	here.lane = &lanes[number];
	if (shared)
		atomic_store_explicit(&home.header->overflow, 1, memory_order_relaxed);
}

static void thread_claim_block(void)
{
	bool frozen = atomic_load_explicit(&home.frozen, memory_order_relaxed);
	int number;

	here.tid = thread_tid();
	number = thread_take_block(here.tid);
	if (number == -1 && !frozen &&
	    atomic_fetch_add_explicit(&thread_refused, 1, memory_order_relaxed) %
			    THREAD_SWEEP_EVERY ==
		    0) {
		thread_sweep();
		number = thread_take_block(here.tid);
	}
	if (number >= 0) {
		thread_use_block((uint32_t)number, false);
		if (thread_key_made)
			pthread_setspecific(thread_key, &here);
	} else if (frozen || thread_page_ready(RS_SHARED_BLOCK)) {
		thread_use_block(RS_SHARED_BLOCK, true);
	} else {
		home_leave(RS_WHY_NO_MEMORY);
	}
}

struct rs_block *thread_block(void)
{
	/* A signal handler inside a claim; a child of vfork, whose thread is another one. */
	if (here.claiming || here.busy == THREAD_IN_VFORK)
		return NULL;
	here.claiming = 1;
	atomic_signal_fence(memory_order_seq_cst);
	if (!here.block && here.rounds > THREAD_ROUNDS)
		thread_use_block(RS_SHARED_BLOCK,
				 true); /* its destructor ran: nothing would free a block */
	else if (!here.block)
		thread_claim_block();
	atomic_signal_fence(memory_order_seq_cst);
	here.claiming = 0;
	return here.block;
}

/* The nearest lane below that is mapped, or the end of what every process maps. */
static uint8_t *thread_map_lane(uint32_t number)
{
	const uint8_t *near = home.base + RS_START_BYTES;
	uint32_t near_at = RS_START_BYTES;

	for (uint32_t n = number; n-- > RS_BIG_LANES;) {
		const uint8_t *slots = atomic_load_explicit(&lanes[n].slots, memory_order_relaxed);

		if (!slots)
			continue;
		near = slots + RS_LANE_BYTES;
		near_at = rs_lane_at(n) + RS_LANE_BYTES;
		break;
	}
	return home_map(near - RS_PAGE, near_at - RS_PAGE, rs_lane_at(number), RS_LANE_BYTES);
}

static uint8_t *thread_lane_place(uint32_t number)
{
	uint8_t *slots = atomic_load_explicit(&lanes[number].slots, memory_order_relaxed);

	if (slots)
		return slots;
	if (number < RS_BIG_LANES || number == RS_OVERFLOW_LANE)
		slots = home.base + rs_lane_at(number);
	else
		slots = thread_map_lane(number);
	if (!slots || home_populate(slots, rs_lane_slots(number) * RS_SLOT_BYTES))
		return NULL;
	atomic_store_explicit(&lanes[number].slots, slots, memory_order_relaxed);
	atomic_store_explicit(&thread_block_at(number)->lane, 1, memory_order_relaxed);
	return slots;
}

static void thread_use_lane(void)
{
	here.slots = thread_lane_place(here.number);
	if (!here.slots && !atomic_load_explicit(&home.frozen, memory_order_relaxed))
		atomic_store_explicit(&home.header->why, RS_WHY_NO_MEMORY, memory_order_relaxed);
	here.mask = rs_lane_slots(here.number) - 1;
	here.own_slots = here.slots && !here.shared ? here.mask + 1 : 0;
}

/* Its heap stays with its own block: what a process has allocated ends with it. */
static void thread_use_kin(void)
{
	here.block = kin_block();
	here.shared = 1;
	here.kin = 1;
}

static void thread_leave_kin(void)
{
	if (!here.kin)
		return;
	here.block = thread_block_at(here.number);
	here.shared = 0;
	here.kin = 0;
}

void thread_use_own(void)
{
	thread_leave_kin();
	thread_use_lane();
}

RARE bool thread_ready(void)
{
	/* A signal handler inside a claim: its block comes ahead of its lane. Or no memory. */
	if (here.claiming || (!here.block && !thread_block()))
		return false;
	here.ready = 1;
	if (kin_counts() && !here.shared)
		thread_use_kin();
	else
		thread_use_lane();
	home_activate();
	home_prepare();
	return true;
}

static void thread_give_block_back(struct rs_block *block)
{
	open_return_spares();
	heads_return();
	if (here.shared)
		return;
	here.ready = 0;
	here.until_stamp = 0;
	here.own_slots = 0;
	here.slots = NULL;
	here.heap = NULL;
	here.block = NULL;
	/* E: release keeps this owner's adds ahead of the next one's; pairs with F. */
	atomic_store_explicit(&block->thread, 0, memory_order_release);
}

static void thread_end(void *unused)
{
	(void)unused;
	if (here.rounds++ < THREAD_ROUNDS) {
		pthread_setspecific(thread_key, &here);
		return;
	}
	/* As a guard, so that no hook in a signal handler takes up what is half given back. */
	here.busy = (uintptr_t)__builtin_frame_address(0);
	atomic_signal_fence(memory_order_seq_cst);
	thread_leave_kin();
	if (here.block && atomic_load_explicit(&control.live, memory_order_relaxed))
		thread_give_block_back(here.block);
	atomic_signal_fence(memory_order_seq_cst);
	here.busy = 0;
}

/*
 * fork in a signal handler returns into the interrupted hook, which may hold an address inside its
 * lane. The start of the segment is mapped at its old place again, a lane beyond it is not: private
 * memory stands there until that one hook is through.
 */
static void thread_cover_lane(void)
{
	uint8_t *slots =
		here.number >= RS_BIG_LANES && !here.shared ? lanes[here.number].slots : NULL;

	if (slots && here.busy > THREAD_IN_VFORK)
		sys_call(SYS_mmap, slots, RS_LANE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

void thread_forget(void)
{
	struct here child = { .busy = here.busy,
			      .handlers_at = here.handlers_at,
			      .handlers_bytes = here.handlers_bytes };

	heads_return();
	thread_cover_lane();
	memset(lanes, 0, sizeof(lanes));
	for (uint32_t i = 0; i < THREAD_PAGES; i++)
		atomic_store_explicit(&thread_pages[i], 0, memory_order_relaxed);
	here = child;
}

void thread_inherit(uint64_t heap_blocks, uint64_t heap_bytes)
{
	struct rs_block *block = thread_block();

	if (!block)
		return;
	tally_add_shared(&block->allocations, heap_blocks);
	tally_add_shared(&block->allocated_bytes, heap_bytes);
}

void thread_prepare_shared(void)
{
	thread_page_ready(RS_SHARED_BLOCK);
	thread_lane_place(RS_OVERFLOW_LANE);
	if (here.kin)
		thread_lane_place(here.number);
}
