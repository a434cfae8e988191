/*
 * segment - a sealed memfd of each watched process: where its parts lie and who writes which word.
 *
 * Made by the shim (named "ringside", sealed SHRINK|GROW|SEAL, size RS_SEGMENT_BYTES exactly),
 * found by the broker through /proc/PID/map_files, mapped by the worker.
 *
 *   offset                                            writer               mapped by the shim
 *   RS_HEADER_AT   ┌ header   4 KiB                 ┐ shim once, agent's   at the start
 *   RS_BLOCKS_AT   │ blocks   257 × 1 KiB           │ owner thread         at the start
 *   RS_SHAPES_AT   │ shapes   256 KiB               │ any thread, append   at the start
 *   RS_OPEN_AT     │ open     4096 × 32             │ claimed by CAS       at the start
 *   RS_CELLS_AT    │ cells    257 × 4224            │ any thread, adds     at the start
 *   RS_LANES_AT    │ lane 0, lane 1   1024 × 64     │ owner thread         at the start
 *                  │ overflow lane    1024 × 64     │ any thread, CAS      at the start
 *                  └ lanes 2 … 255     256 × 64     ┘ owner thread         one by one, as claimed
 *
 * A process that listens or accepts, and forks, makes a second one, the kin (named "ringside-kin"),
 * for children that may be dead before anybody finds theirs. It is of the same form; of it are used
 * the header (pid: whose it is), the shared block (overflow is 1 from the start), shapes and cells,
 * all by any thread of any child. A child counts there, and folds each request, until an agent has
 * its own segment (epoch there) or has closed this one (off here); a child of one that only listens
 * does so where an agent had this one (epoch here) when it was born. The one who made it neither
 * writes it afterwards nor believes what it reads: a child may have other rights and other ends.
 *
 * Everything is sparse: what was never written costs nothing and reads as zeros, and zeros are
 * never a valid record, shape, open request or counter of interest.
 *
 * Crash story. The host dies at any instruction: a record is visible whole or not at all, because
 * continuation slots are published before their head and each slot's sequence word after its body.
 * Counters are single words. A cell that was being folded into may miss some of one request's
 * fields, never more. The agent dies: tails stay where it left them, lanes fill, requests fold into
 * cells, counters go on; the next agent takes up the tails, and what its predecessor had drained
 * but not saved is the difference of the counters. Neither side ever waits for the other.
 *
 * The other side may change any word at any time: copy once, check the copy, use the copy.
 */
#ifndef RINGSIDE_SEGMENT_H
#define RINGSIDE_SEGMENT_H

#include "abi.h"

#define RS_SEGMENT_NAME "ringside" /* shows as /memfd:ringside (deleted) */
#define RS_KIN_NAME "ringside-kin"
#define RS_MAGIC UINT64_C(0x3145444953474e52) /* "RNGSIDE1", little endian */

#define RS_PAGE 4096u
#define RS_BLOCKS 257u /* one a lane; the last is shared by the threads beyond RS_LANES */
#define RS_LANES 256u
#define RS_BIG_LANES 2u
#define RS_BIG_SLOTS 1024u
#define RS_SLOTS 256u
#define RS_OVERFLOW_LANE RS_LANES
#define RS_SHARED_BLOCK RS_LANES
#define RS_CELLS 257u /* 256 shapes and the shared one */
#define RS_OTHER_CELL 256u
#define RS_OPEN_ENTRIES 4096u

#define RS_ARGUMENTS_BYTES 2048u
#define RS_ARGUMENT_BYTES 128u /* of one argument, with its NUL: its end */
#define RS_OPTION_BYTES 40u    /* of one that begins with '-': its beginning */

#define RS_HEADER_AT 0u
#define RS_BLOCKS_AT 4096u
#define RS_BLOCKS_BYTES 266240u /* 257 KiB, whole pages */
#define RS_SHAPES_AT (RS_BLOCKS_AT + RS_BLOCKS_BYTES)
#define RS_SHAPES_BYTES 262144u
#define RS_SHAPE_INDEX_WORDS 4096u /* u32 entry ids at the start of the region, open addressing */
#define RS_SHAPE_FIRST (RS_SHAPE_INDEX_WORDS * 4u)
#define RS_OPEN_AT (RS_SHAPES_AT + RS_SHAPES_BYTES)
#define RS_OPEN_BYTES (RS_OPEN_ENTRIES * 32u)
#define RS_CELLS_AT (RS_OPEN_AT + RS_OPEN_BYTES)
#define RS_CELLS_BYTES 1089536u /* 257 × 4224, whole pages */
#define RS_LANES_AT (RS_CELLS_AT + RS_CELLS_BYTES)
#define RS_BIG_LANE_BYTES (RS_BIG_SLOTS * RS_SLOT_BYTES)
#define RS_LANE_BYTES (RS_SLOTS * RS_SLOT_BYTES)
#define RS_OVERFLOW_AT (RS_LANES_AT + RS_BIG_LANES * RS_BIG_LANE_BYTES)
#define RS_SMALL_LANES_AT (RS_OVERFLOW_AT + RS_BIG_LANE_BYTES)
#define RS_START_BYTES RS_SMALL_LANES_AT /* what a new process maps */
#define RS_SEGMENT_BYTES (RS_SMALL_LANES_AT + (RS_LANES - RS_BIG_LANES) * RS_LANE_BYTES)

_Static_assert(RS_START_BYTES <= 2u << 20, "DESIGN: at most 2 MiB of address space at the start");
_Static_assert(RS_SHAPES_AT % RS_PAGE == 0 && RS_CELLS_AT % RS_PAGE == 0,
	       "regions are whole pages");
_Static_assert(RS_LANES_AT % RS_PAGE == 0, "regions are whole pages");
_Static_assert(RS_BLOCKS * sizeof(struct rs_block) <= RS_BLOCKS_BYTES, "blocks fit");
_Static_assert(RS_CELLS * sizeof(struct rs_cell) <= RS_CELLS_BYTES, "cells fit");

/* Why the shim watches, or does not. */
enum rs_state {
	RS_STATE_OFF,   /* inert for good */
	RS_STATE_ON,    /* counters and records */
	RS_STATE_COUNT, /* counters only: no clock, or no memory could be had */
};

enum rs_why {
	RS_WHY_NONE,
	RS_WHY_ASKED,     /* by the environment, by the off file, by the agent's off word */
	RS_WHY_SECCOMP,   /* strict seccomp: the clock is gone */
	RS_WHY_NO_TSC,    /* PR_SET_TSC: as above */
	RS_WHY_NO_MEMORY, /* a page could not be populated */
	RS_WHY_NO_LIBC,   /* the real functions could not be found */
	RS_WHY_DOUBT,     /* an invariant of the shim did not hold */
};

enum rs_allocator {
	RS_ALLOCATOR_UNKNOWN,
	RS_ALLOCATOR_SEEN,   /* the malloc family passes through the shim: heap numbers are exact */
	RS_ALLOCATOR_HIDDEN, /* the executable brings its own: no heap numbers */
};

/* Words that the agent writes; the shim reads them once per event, relaxed. */
struct rs_agent {
	_Atomic uint32_t epoch;         /* 0: nobody listens, only counters are kept */
	_Atomic uint32_t off;           /* 1: be silent at once; in a kin: count in your own */
	_Atomic uint32_t detail;        /* 0 all, 1 no strings, 2 sampled events; counters always */
	_Atomic uint32_t sample;        /* at detail 2: one event in so many */
	_Atomic uint64_t slow_warning;  /* ticks, 0: not known yet */
	_Atomic uint64_t slow_critical; /* ticks, 0: not known yet */
	_Atomic uint64_t ns_per_tick;   /* 32.32 fixed point, 0: not known yet */
	_Atomic uint64_t reserved[3];
};

struct rs_header {
	_Atomic uint64_t magic; /* stored last, with release */
	uint32_t abi;           /* RS_ABI_VERSION */
	uint32_t bytes;         /* RS_SEGMENT_BYTES */
	uint32_t pid;           /* as the process itself sees it: a claim */
	uint32_t clock;         /* enum rs_clock at the start */
	uint64_t reserved2[2];
	uint8_t build_id[20]; /* of the shim; zeros: none */
	uint8_t service_from; /* enum rs_service_from */
	uint8_t allocator;    /* enum rs_allocator */
	uint8_t reserved0[2];
	char run_dir[112];    /* RINGSIDE_RUN_DIR, NUL-terminated; empty: the default */
	char service[72];     /* a claim, NUL-terminated; empty: none given */
	char environment[40]; /* deployment environment, NUL-terminated; empty: none given */
	_Alignas(64) struct rs_agent agent;
	_Alignas(64) _Atomic uint32_t state; /* enum rs_state */
	_Atomic uint32_t why;                /* enum rs_why */
	_Atomic uint32_t clock_now;          /* enum rs_clock */
	_Atomic uint32_t lanes;              /* blocks 0 … lanes - 1 were claimed at some time */
	_Atomic uint32_t overflow;           /* 1: the shared block or lane was used */
	_Atomic uint32_t shapes;             /* entries in the shape table */
	_Atomic uint32_t shape_end;          /* bytes used of the shape region */
	_Atomic uint32_t frozen;     /* 1: the host sandboxed itself, no page is mapped any more */
	_Atomic uint64_t folded;     /* folds so far: the agent looks at cells only when it moved */
	_Atomic uint64_t cells[4];   /* bit per cell that was ever used, the shared one excepted */
	_Atomic uint32_t fds_unseen; /* descriptors beyond the table */
	_Atomic uint32_t unseen;     /* enum rs_unseen bits */
	uint8_t reserved1[560];
	char arguments[RS_ARGUMENTS_BYTES]; /* a claim: argv by NULs, an empty one last; or zeros */
};

_Static_assert(sizeof(struct rs_header) <= RS_PAGE, "the header is one page");

enum rs_service_from {
	RS_SERVICE_NONE,
	RS_SERVICE_RINGSIDE,        /* RINGSIDE_SERVICE */
	RS_SERVICE_OTEL_NAME,       /* OTEL_SERVICE_NAME */
	RS_SERVICE_OTEL_ATTRIBUTES, /* service.name in OTEL_RESOURCE_ATTRIBUTES */
};

/* Ways of moving bytes that a preload cannot see: in use, or what the program is built for. */
enum rs_unseen {
	RS_UNSEEN_IO_URING = 1 << 0,
	RS_UNSEEN_STDIO = 1 << 1,
	RS_UNSEEN_CHILDREN = 1 << 2, /* forked in a sandbox, where nothing is mapped for our sake */
	RS_UNSEEN_SYSTEM_CALLS = 1 << 3, /* of a program that makes them itself, as Go's do */
};

/* The offset of lane n (n == RS_OVERFLOW_LANE: the shared one) and its slots, a power of two. */
static inline uint32_t rs_lane_at(uint32_t n)
{
	if (n == RS_OVERFLOW_LANE)
		return RS_OVERFLOW_AT;
	if (n < RS_BIG_LANES)
		return RS_LANES_AT + n * RS_BIG_LANE_BYTES;
	return RS_SMALL_LANES_AT + (n - RS_BIG_LANES) * RS_LANE_BYTES;
}

static inline uint32_t rs_lane_slots(uint32_t n)
{
	return n < RS_BIG_LANES || n == RS_OVERFLOW_LANE ? RS_BIG_SLOTS : RS_SLOTS;
}

#endif
