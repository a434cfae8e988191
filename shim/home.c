/*
 * home - this process's segment: made, populated, left.
 *
 * Threads:  home_make and home_child run while their thread is alone; the rest anywhere.
 * Memory:   a shared mapping whose descriptor is closed at once; DONTFORK and DONTDUMP.
 * Errors:   any failure leaves the shim inert, or that part of it out.
 * Cost:     twelve system calls at start.
 */
#include "home.h"

#include "cell.h"
#include "hot.h"
#include "kin.h"
#include "knock.h"
#include "limit.h"
#include "mem.h"
#include "open.h"
#include "shape.h"
#include "sys.h"
#include "tally.h"
#include "thread.h"

#include <errno.h>
#include <linux/memfd.h>
#include <stddef.h>
#include <sys/mman.h>

#define HOME_ADD_SEALS 1033 /* F_ADD_SEALS */
#define HOME_SEALS 7        /* F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW */

struct control control;
struct home home;
struct home_claims home_claims;

START long home_create(const char *name)
{
	long fd = sys_call(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (sys_failed(fd))
		return fd;
	if (!sys_call(SYS_ftruncate, fd, (long)RS_SEGMENT_BYTES) &&
	    !sys_call(SYS_fcntl, fd, HOME_ADD_SEALS, HOME_SEALS))
		return fd;
	sys_call(SYS_close, fd);
	return -EPERM;
}

/*
 * The old address is asked for again: a fork in a signal handler returns into the hook that the
 * handler interrupted, and what that hook holds in registers then points to this process's own.
 */
static bool home_map_start(long fd)
{
	long at = sys_call(SYS_mmap, home.base, RS_START_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);

	if (sys_failed(at))
		return false;
	if (sys_call(SYS_madvise, at, RS_START_BYTES, MADV_DONTFORK) ||
	    sys_call(SYS_madvise, at, RS_START_BYTES, MADV_DONTDUMP)) {
		sys_call(SYS_munmap, at, RS_START_BYTES);
		return false;
	}
	sys_call(SYS_madvise, at, RS_START_BYTES,
		 MADV_NOHUGEPAGE); /* refused where there are none */
	home.base = (uint8_t *)at;
	return true;
}

START void home_write_header(struct rs_header *h)
{
	h->abi = RS_ABI_VERSION;
	h->bytes = RS_SEGMENT_BYTES;
	h->pid = (uint32_t)sys_call(SYS_getpid);
	h->clock = home.clock;
	memcpy(h->build_id, home_claims.build_id, sizeof(h->build_id));
	h->service_from = home_claims.service_from;
	h->allocator = home_claims.allocator;
	h->unseen = home_claims.unseen;
	if (home_claims.named_run_dir)
		mem_copy_text(h->run_dir, sizeof(h->run_dir), home_claims.run_dir);
	mem_copy_text(h->service, sizeof(h->service), home_claims.service);
	mem_copy_text(h->environment, sizeof(h->environment), home_claims.environment);
	memcpy(h->arguments, home_claims.arguments, sizeof(h->arguments));
	h->shape_end = RS_SHAPE_FIRST;
	h->clock_now = home.clock;
	h->state = home.clock == RS_CLOCK_NONE ? RS_STATE_COUNT : RS_STATE_ON;
	h->why = home.clock == RS_CLOCK_NONE ? RS_WHY_NO_TSC : RS_WHY_NONE;
	/* G: release keeps the header ahead of its magic; pairs with the agent's acceptance. */
	atomic_store_explicit(&h->magic, RS_MAGIC, memory_order_release);
}

START bool home_make(void)
{
	long fd;
	bool mapped;

	if (!limit_allow(RS_SEGMENT_BYTES))
		return false;
	fd = home_create(RS_SEGMENT_NAME);
	if (sys_failed(fd))
		return false;
	mapped = home_map_start(fd);
	sys_call(SYS_close, fd);
	if (!mapped)
		return false;
	home.header = (struct rs_header *)(void *)(home.base + RS_HEADER_AT);
	home.generation++;
	home_write_header(home.header);
	home.expected = true;
	atomic_store_explicit(&control.live, 1, memory_order_relaxed);
	return true;
}

void home_child(void)
{
	bool active = atomic_load_explicit(&home.active, memory_order_relaxed);

	if (atomic_load_explicit(&control.live, memory_order_relaxed) || !home.expected)
		return;
	home.expected = false; /* whatever fails below, the parent's segment is not ours */
	thread_forget();
	shape_forget();
	open_forget();
	cell_forget();
	atomic_store_explicit(&home.active, 0, memory_order_relaxed);
	atomic_store_explicit(&home.prepared, 0, memory_order_relaxed);
	atomic_store_explicit(&home.accepted, 0, memory_order_relaxed);
	if (atomic_load_explicit(&home.frozen, memory_order_relaxed) || !home_make())
		return;
	kin_child();
	thread_inherit(home.heap_blocks, home.heap_bytes);
	if (active) {
		home_activate();
		home_prepare();
	}
}

void home_activate(void)
{
	if (!atomic_load_explicit(&control.live, memory_order_relaxed) ||
	    atomic_load_explicit(&home.active, memory_order_relaxed) ||
	    atomic_exchange_explicit(&home.active, 1, memory_order_relaxed))
		return;
	if (!atomic_load_explicit(&home.frozen, memory_order_relaxed) &&
	    !(kin_counts() && kin.accepts))
		knock(home_claims.run_dir, home.header->pid);
}

void home_prepare(void)
{
	if (atomic_exchange_explicit(&home.prepared, 1, memory_order_relaxed))
		return;
	if (!here.ready)
		thread_ready();
	shape_prepare();
	open_prepare();
}

/* A process that is not watched remembers it too: children of its forks would be, and die of it. */
void home_freeze(void)
{
	bool live = atomic_load_explicit(&control.live, memory_order_relaxed);

	if (live) {
		home_activate();
		home_prepare();
		thread_prepare_shared();
		kin_prepare();
	}
	atomic_fetch_add_explicit(&home.frozen, 1, memory_order_relaxed);
	if (live)
		atomic_store_explicit(&home.header->frozen, 1, memory_order_relaxed);
}

/* A filter is of a thread: another one's stands. */
void home_unfreeze(void)
{
	if (atomic_fetch_sub_explicit(&home.frozen, 1, memory_order_relaxed) == 1 &&
	    atomic_load_explicit(&control.live, memory_order_relaxed))
		atomic_store_explicit(&home.header->frozen, 0, memory_order_relaxed);
}

void home_clock_off(enum rs_why why)
{
	atomic_store_explicit(&home.clock, RS_CLOCK_NONE, memory_order_relaxed);
	if (!atomic_load_explicit(&control.live, memory_order_relaxed))
		return;
	atomic_store_explicit(&home.header->clock_now, RS_CLOCK_NONE, memory_order_relaxed);
	atomic_store_explicit(&home.header->why, why, memory_order_relaxed);
	atomic_store_explicit(&home.header->state, RS_STATE_COUNT, memory_order_relaxed);
}

void home_clock_on(enum rs_clock clock)
{
	atomic_store_explicit(&home.clock, clock, memory_order_relaxed);
	if (!atomic_load_explicit(&control.live, memory_order_relaxed))
		return;
	atomic_store_explicit(&home.header->clock_now, clock, memory_order_relaxed);
	atomic_store_explicit(&home.header->state, RS_STATE_ON, memory_order_relaxed);
	atomic_store_explicit(&home.header->why, RS_WHY_NONE, memory_order_relaxed);
}

RARE void home_leave(enum rs_why why)
{
	if (!atomic_load_explicit(&control.live, memory_order_relaxed))
		return;
	atomic_store_explicit(&home.header->why, why, memory_order_relaxed);
	atomic_store_explicit(&home.header->state, RS_STATE_OFF, memory_order_relaxed);
	home.expected = false;
	atomic_store_explicit(&control.live, 0, memory_order_relaxed);
}

/*
 * A second mapping of the page before, with old length 0, may be longer than the first: this is how
 * a process without a descriptor reaches the rest of its memfd. The kernel copies the mapping's
 * flags, so DONTFORK and DONTDUMP hold here too.
 */
uint8_t *home_map(const uint8_t *near, uint32_t near_at, uint32_t offset, uint32_t bytes)
{
	long at;

	if (atomic_load_explicit(&home.frozen, memory_order_relaxed))
		return NULL;
	at = sys_call(SYS_mremap, near, 0, offset - near_at + bytes, MREMAP_MAYMOVE, 0);
	return sys_failed(at) ? NULL : (uint8_t *)at + (offset - near_at);
}

long home_populate(uint8_t *at, size_t bytes)
{
	uintptr_t from = (uintptr_t)at & ~(uintptr_t)(RS_PAGE - 1);
	uintptr_t to = ((uintptr_t)at + bytes + RS_PAGE - 1) & ~(uintptr_t)(RS_PAGE - 1);
	long result;

	if (atomic_load_explicit(&home.frozen, memory_order_relaxed))
		return -EPERM;
	result = sys_call(SYS_madvise, from, to - from, MADV_POPULATE_WRITE);
	return result == -EINVAL ? 0
				 : result; /* a kernel before 5.14: the first store faults it in */
}
