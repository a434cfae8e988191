/*
 * pause_event - what the runtimes of targets say of themselves: collections of garbage, statements.
 *
 * Includers: bpf/pause.bpf.c, and agent/capture/pauses.h for the rest of the agent.
 */
#ifndef BPF_PAUSE_EVENT_H
#define BPF_PAUSE_EVENT_H

#define PAUSE_ROWS 8192      /* processes that stop now and then; others go first */
#define PAUSE_BEGUN 4096     /* threads between a begin and its end, and some that died there */
#define PAUSE_EPOCHS 4u      /* a reader may be that many seconds late, and misses no maximum */
#define PAUSE_EPOCH_SHIFT 30 /* of ns: about a second each */
#define PAUSE_MAX_BITS 40    /* of a packed maximum, its ns; above them the epoch */
#define PAUSE_MAX_NS ((1ull << PAUSE_MAX_BITS) - 1)

enum pause_kind { PAUSE_COLLECTION, PAUSE_STATEMENT, PAUSE_KINDS };

/*
 * A probe's cookie says what it is, and where its argument stands. Bits: 0-3 kind; 4 it counts (a
 * part of a collection adds its time alone); 5 a begin without an end before it is replaced; 8-9
 * enum pause_operand; 12-15 bytes of the argument; 16-23 its register, by place in pt_regs; 24-31
 * the value that says "the whole heap"; 32-63 a displacement, or the constant, signed.
 */
#define PAUSE_COOKIE_COUNTS (1ull << 4)
#define PAUSE_COOKIE_RESTARTS (1ull << 5)
#define PAUSE_COOKIE_OPERAND 8
#define PAUSE_COOKIE_BYTES 12
#define PAUSE_COOKIE_REGISTER 16
#define PAUSE_COOKIE_FULL 24
#define PAUSE_COOKIE_NUMBER 32

enum pause_operand { PAUSE_NOTHING, PAUSE_CONSTANT, PAUSE_REGISTER, PAUSE_MEMORY };

struct pause_sums {
	unsigned long long count, full, ns;
	unsigned long long max[PAUSE_EPOCHS]; /* packed, by epoch: the longest that ended in it */
};

/* Since the first of them; booked when one ends. */
struct pause_row {
	struct pause_sums sums[PAUSE_KINDS];
};

#endif
