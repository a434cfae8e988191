/*
 * wipe - the cache cleared for an action, by the thread whose cache it is: ordered with one
 *        datagram, answered with another, as a courier is and does.
 *
 * Threads:  wipe_order by who orders, wipe_serve by the cache's owner, on the ends of a
 *           courier_link.
 * Memory:   none; the kernel bounds what waits.
 * Errors:   0 or -errno; how it went is in the answer, a courier_word.
 */
#ifndef SEND_WIPE_H
#define SEND_WIPE_H

#include "channel.h"

struct wipe_order {
	uint32_t kind; /* said again in the answer, as are … */
	uint64_t sum;  /* channel_sum of the action */
	uint64_t sequence;
	int64_t at_ms;
	char pattern[CHANNEL_VALUE]; /* of glob.h */
};

int wipe_order(int link, const struct wipe_order *order); /* -EAGAIN: it is behind */

/* How many went, or -errno. */
typedef int64_t (*wipe_fn)(void *ctx, const char *pattern);

void wipe_serve(int link, wipe_fn clear, void *ctx); /* what was ordered, once each */

#endif
