/*
 * drain - the thread that takes what watched processes left in their segments and hands it on.
 *
 * Threads:  makes one of its own; every function here may be called from any thread and never
 *           waits for a target. The sink's, save's and restore's callbacks: event.h.
 * Memory:   drain_open allocates, drain_close frees; a descriptor handed over is drain's to close.
 * Errors:   0 or -errno; a process that cannot be watched is counted, its seen never comes.
 */
#ifndef DRAIN_DRAIN_H
#define DRAIN_DRAIN_H

#include "event.h"
#include "wire.h"

#include <stddef.h>

#define DRAIN_SAVE_BYTES (1024u * 1024u) /* room for the next stage's part of a checkpoint */

struct drain;

struct drain_config {
	struct drain_sink sink; /* copied */
	uint64_t slow_warning_ns, slow_critical_ns;
	uint32_t epoch;         /* not 0: told to the processes, "somebody listens" */
	const char *checkpoint; /* path of the file that survives us; NULL: none is kept */
	void *saved_ctx;
	/* Fills buffer, on the drain thread each second; 0: not now, keep what was saved before. */
	size_t (*save)(void *ctx, void *buffer, size_t size);
	/* What an earlier agent's save gave; at most once, inside drain_open. Its result is kept
	 * in drain_counts.restored and changes nothing else. */
	int (*restore)(void *ctx, const void *buffer, size_t size, uint64_t now_ns);
	uint64_t (*now_ns)(void); /* CLOCK_MONOTONIC */
};

/* What drain itself gave up or noticed, since it was opened. */
struct drain_counts {
	uint64_t added, refused; /* segments: taken; not mapped, or for want of memory */
	uint64_t broken;         /* segments dropped: their memory was taken away under us */
	uint64_t unequal;        /* ended processes whose counted is not what came of it */
	uint64_t unknown;        /* records of a kind that nobody asks for yet */
	uint64_t shapes_lost;    /* requests without a path: no room for a shape, or its block */
	uint64_t clock_changes;  /* of the kernel's clock source */
	uint64_t saved;          /* checkpoints written */
	int checkpoint_error;    /* 0 or -errno: why none is kept; -ENOSPC: they do not fit */
	struct wire_counts wire; /* HTTP of processes without a segment */
	int restored;            /* 0; -ENOENT: there was nothing; what restore answered */
	uint32_t processes;      /* now */
	uint32_t period_ms;      /* now, of the rounds */
	uint64_t late_ns;        /* now, the rounds: the most of ten to twenty seconds */
};

/* Starts the thread. A checkpoint that cannot be kept is no error: see drain_counts. */
int drain_open(struct drain **out, const struct drain_config *config);

/* memfd: accepted by the broker, open for reading and writing; closed on errors too. -ENOMEM. */
int drain_add(struct drain *d, const struct capture_target *target, int memfd);

/* One without a segment: seen and, when it died, gone are all that is told of it. -ENOMEM. */
int drain_attach(struct drain *d, const struct capture_target *target);

/* The segment that this process shares with its children; closed on errors too. -ENOMEM. */
int drain_kin(struct drain *d, uint64_t key, int memfd);

/* The kernel's ring of HTTP of those without a segment; -1: none any more. Closed. -ENOMEM. */
int drain_wire(struct drain *d, int fd, uint32_t bytes);

/* Requests of one without a segment that nobody saw more of than their answers' status. -ENOMEM. */
int drain_lost(struct drain *d, uint64_t key, const uint64_t status[RS_STATUS_CLASSES]);

/* Its process ended, or runs another program: what is left is taken, then gone is called. */
int drain_died(struct drain *d, uint64_t key);

/* How much a process is to record from now on; of an unknown key: nothing. */
int drain_detail(struct drain *d, uint64_t key, const struct drain_detail *detail);

/* One last round and checkpoint; tells the processes that nobody listens. NULL is fine. */
void drain_close(struct drain *d);

void drain_counts_get(struct drain *d, struct drain_counts *out);

#endif
