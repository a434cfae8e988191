/*
 * kin - made by a parent, used by its children.
 *
 * Threads:  one word says whether this process counts here and how many requests are open, so that
 *           all of its threads leave at once and none of these is lost or counted twice.
 * Memory:   see kin.h.
 * Errors:   see kin.h.
 * Cost:     see kin.h.
 */
#include "kin.h"

#include "cell.h"
#include "knock.h"
#include "limit.h"
#include "shape.h"
#include "sys.h"
#include "tally.h"
#include "thread.h"

#include <sys/mman.h>

struct kin kin;

static bool kin_accepts(void)
{
	return atomic_load_explicit(&home.accepted, memory_order_relaxed);
}

/*
 * The children's requests are timed and folded from the first one on, as the parent's are. Where
 * epoch decides whether they count there at all, it is left to the agent.
 */
static void kin_copy_agent(struct rs_agent *to)
{
	const struct rs_agent *from = &home.header->agent;
	uint32_t epoch = atomic_load_explicit(&from->epoch, memory_order_relaxed);

	to->slow_warning = atomic_load_explicit(&from->slow_warning, memory_order_relaxed);
	to->slow_critical = atomic_load_explicit(&from->slow_critical, memory_order_relaxed);
	to->ns_per_tick = atomic_load_explicit(&from->ns_per_tick, memory_order_relaxed);
	to->epoch = kin_accepts() ? epoch : 0;
}

static uint8_t *kin_map(long fd)
{
	long at = sys_call(SYS_mmap, NULL, KIN_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (sys_failed(at))
		return NULL;
	if (sys_call(SYS_madvise, at, KIN_BYTES, MADV_DONTDUMP)) {
		sys_call(SYS_munmap, at, KIN_BYTES);
		return NULL;
	}
	sys_call(SYS_madvise, at, KIN_BYTES, MADV_NOHUGEPAGE); /* refused where there are none */
	return (uint8_t *)at;
}

static void kin_make(void)
{
	struct rs_header *header;
	uint8_t *base;
	long fd;

	if (!limit_allow(RS_SEGMENT_BYTES))
		return;
	fd = home_create(RS_KIN_NAME);
	if (sys_failed(fd))
		return;
	base = kin_map(fd);
	sys_call(SYS_close, fd);
	if (!base)
		return;
	header = (struct rs_header *)(void *)(base + RS_HEADER_AT);
	header->overflow = 1;
	kin_copy_agent(&header->agent);
	home_write_header(header);
	kin.before = kin.base;
	kin.accepts = false;
	kin.ours = true;
	kin.header = header;
	/* A fork of another thread takes a copy at any instruction: the address comes last. */
	atomic_signal_fence(memory_order_seq_cst);
	kin.base = base;
	knock(home_claims.run_dir, home.header->pid);
}

static bool kin_closed(void)
{
	return atomic_load_explicit(&kin.header->agent.off, memory_order_relaxed) != 0;
}

static bool kin_is_found(void)
{
	return atomic_load_explicit(&home.header->agent.epoch, memory_order_relaxed) != 0;
}

/*
 * Will somebody read it? Who accepts connections stays for the next one, and is found. Who only
 * listens may be about to leave, as a daemon's first process is: there an agent has to have it.
 */
static bool kin_is_sure(void)
{
	return kin.accepts || atomic_load_explicit(&kin.header->agent.epoch, memory_order_relaxed);
}

/* A child that nobody has found hands on what it inherited: its own would not be found either. */
static bool kin_wanted(void)
{
	bool serves = atomic_load_explicit(&home.listens, memory_order_relaxed) || kin_accepts();

	if (kin.ours || atomic_load_explicit(&home.frozen, memory_order_relaxed))
		return false;
	if (!kin.base || !kin_is_sure())
		return serves;
	return kin_closed() || (serves && kin_is_found());
}

void kin_fork(void)
{
	if (kin_wanted() && !atomic_exchange_explicit(&kin.making, 1, memory_order_relaxed))
		kin_make();
	if (kin.ours && kin_accepts())
		kin.accepts = true;
}

void kin_child(void)
{
	if (!kin.base)
		return;
	/* A hook that the fork interrupted may hold an address in there. */
	if (kin.before && !here.busy)
		sys_call(SYS_munmap, kin.before, KIN_BYTES);
	kin.before = NULL;
	kin.ours = false;
	atomic_store_explicit(&kin.making, 0, memory_order_relaxed);
	atomic_store_explicit(&kin.shapes, 0, memory_order_relaxed);
	for (uint32_t i = 0; i < KIN_CELL_WORDS; i++)
		atomic_store_explicit(&kin.cells[i], 0, memory_order_relaxed);
	if (!kin_is_sure() || kin_closed() ||
	    home_populate((uint8_t *)kin_block(), sizeof(struct rs_block)))
		atomic_store_explicit(&kin.pending, 0, memory_order_relaxed);
	else
		atomic_store_explicit(&kin.pending, KIN_COUNTS, memory_order_relaxed);
}

void kin_prepare(void)
{
	if (!kin_counts())
		return;
	shape_prepare_kin();
	cell_prepare_kin();
}

bool kin_left(void)
{
	uint64_t pending = 0;

	if (kin_counts() && !kin_is_found() && !kin_closed())
		return false;
	pending = atomic_exchange_explicit(&kin.pending, 0, memory_order_relaxed) & ~KIN_COUNTS;
	thread_use_own();
	tally_add(&here.block->begun, pending);
	return true;
}

/* False: another thread was first to leave. */
static bool kin_note(bool began)
{
	uint64_t seen = atomic_load_explicit(&kin.pending, memory_order_relaxed);

	while (seen & KIN_COUNTS) {
		uint64_t now = began ? seen + 1 : seen - (seen != KIN_COUNTS);

		if (atomic_compare_exchange_weak_explicit(
			    &kin.pending, &seen, now, memory_order_relaxed, memory_order_relaxed))
			return true;
	}
	kin_left();
	return false;
}

bool kin_began(void)
{
	return !kin_left() && kin_note(true);
}

bool kin_ended(void)
{
	return !kin_left() && kin_note(false);
}
