/*
 * finder - finds the segments of this machine's processes, and notices when a process ends.
 *
 * Threads:  the broker's only one.
 * Memory:   finder_open allocates, finder_close frees; targets are good until finder_step returns
 *           again or the sink's gone was called for them.
 * Errors:   0 or -errno.
 */
#ifndef CAPTURE_FINDER_H
#define CAPTURE_FINDER_H

#include "admit.h"
#include "attach.h"
#include "roster.h"

#include <stdbool.h>
#include <stdint.h>

struct finder;

struct finder_counts {
	uint64_t accepted;
	uint64_t refused[ACCEPT_REASONS];
	uint64_t unseen;  /* woke us up and died before it was looked at */
	uint32_t targets; /* now */
	uint32_t bare;    /* now: processes that map the shim and have no segment */
};

struct finder_sink {
	void *ctx;
	void (*found)(void *ctx, struct finder_target *found);
	void (*gone)(void *ctx, const struct finder_target *gone);
};

int finder_open(struct finder **out, const char *run_dir, const struct finder_sink *sink);
void finder_close(struct finder *f); /* NULL is fine; calls nothing */

/* Which targets are wanted; borrowed until finder_close. Without it: all. */
void finder_admit_set(struct finder *f, const struct admit *admit);

/* Which are wanted that have no segment; borrowed until finder_close. Without it: none. */
void finder_attach_set(struct finder *f, const struct attach *attach);
/* That changed: lets go who is wanted no more, and looks at all others in the next step. */
void finder_attach_again(struct finder *f, uint64_t now_ns);

int finder_fd(const struct finder *f); /* readable: call finder_step */

/* A wake-up; an exec; a fork; an exit. They take effect in the next step. */
void finder_knock(struct finder *f, int32_t pid, uint64_t now_ns);
void finder_exec(struct finder *f, int32_t pid, uint64_t now_ns);
void finder_fork(struct finder *f, int32_t pid, int32_t parent, uint64_t now_ns);
void finder_exit(struct finder *f, int32_t pid);

/* told: the kernel tells of execs and forks, so that looking around may be rare. */
void finder_step(struct finder *f, uint64_t now_ns, bool told);

/* When to step at the latest. */
uint64_t finder_due_ns(const struct finder *f);

void finder_counts_get(struct finder *f, struct finder_counts *out);
uint32_t finder_size(const struct finder *f);
struct finder_target *finder_at(struct finder *f, uint32_t i);

#endif
