/*
 * life - the kernel's own word of every exec and exit, and of the forks and ends of targets.
 *
 * Threads:  the broker's only one.
 * Memory:   life_open allocates, life_close frees and detaches; the filter is borrowed.
 * Errors:   0 or -errno. Without it everything works, by the scan alone.
 */
#ifndef CAPTURE_LIFE_H
#define CAPTURE_LIFE_H

#include "life_event.h"
#include "probe.h"

struct life;

struct life_told {
	unsigned int kind; /* enum life_kind */
	int32_t pid;
	int32_t parent;               /* of LIFE_FORK alone, 0 otherwise */
	uint64_t at_ns;               /* of LIFE_END alone: since boot */
	const struct life_used *used; /* of LIFE_END alone, NULL otherwise */
};

typedef void (*life_fn)(void *ctx, const struct life_told *told);

/* *state is filled on errors too. */
int life_open(struct life **out, const struct probe_filter *filter, struct probe_state *state);
void life_close(struct life *l);

/* Hands on what came since the last call; the number of events. */
int life_read(struct life *l, life_fn each, void *ctx);
void life_forget(struct life *l, int32_t pid); /* it is over: what it used need not be kept */

void life_look(const struct life *l, struct probe_state *state);
uint64_t life_dropped(const struct life *l);

#endif
