/*
 * hold - alerts that still fire, told again in time to receivers that take silence for an end.
 *
 * Threads:  one owner at a time.
 * Memory:   hold_begin takes the notices over; hold_fini frees them.
 * Errors:   none: what was not told in one round is told in the next.
 */
#ifndef SEND_HOLD_H
#define SEND_HOLD_H

#include "notice.h"

#define HOLD_FLYING 16 /* at a time, so that there is room for news */

struct hold {
	struct notice *notices;
	size_t count, next;
	uint32_t flying;
	int64_t due_ns; /* of the next round */
};

/*
 * Is it time for a round? The next one is due a minute later, or when this one is through; one that
 * does not come to its end makes room after four.
 */
bool hold_is_due(struct hold *h, int64_t now_ns);
void hold_begin(struct hold *h, struct notice *notices, size_t count);
void hold_fini(struct hold *h);

/* The notice to be told now, which hold_told moves on from; NULL: not now. */
const struct notice *hold_next(const struct hold *h);
void hold_told(struct hold *h, uint32_t receivers);
void hold_heard(struct hold *h); /* from one of them */

/* There is news of this alert: what stands here of it is of the past. */
void hold_forget(struct hold *h, uint64_t id);

#endif
