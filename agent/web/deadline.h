/*
 * deadline - things that must have happened by some time, the first one in front.
 *
 * Threads:  none of its own.
 * Memory:   the caller's; an entry stands in at most one queue.
 * Order:    one queue has one span, so that whoever comes last is due last: no sorting.
 */
#ifndef WEB_DEADLINE_H
#define WEB_DEADLINE_H

#include <stdint.h>

struct deadline_queue;

struct deadline {
	struct deadline_queue *queue; /* NULL: in none */
	struct deadline *before, *after;
	uint64_t due_ns;
};

struct deadline_queue {
	struct deadline *first, *last;
	uint64_t span_ns;
};

void deadline_put(struct deadline_queue *q, struct deadline *d,
		  uint64_t now_ns); /* leaves its old */
void deadline_drop(struct deadline *d);

/* The first one if it is due, taken out; NULL: none is. */
struct deadline *deadline_take(struct deadline_queue *q, uint64_t now_ns);

/* Whole milliseconds until the first one is due, at most most; most may be -1: without end. */
int deadline_wait_ms(const struct deadline_queue *q, uint64_t now_ns, int most);

#endif
