/*
 * fleet - the agents that share our Redis: we announce ourselves to them, and tell of all of them
 *         who asks.
 *
 * Threads:  fleet_open, fleet_close, fleet_second and fleet_step on main, which waits for nothing;
 *           fleet_ask and fleet_counts_get on any, under a lock that nobody holds for long.
 * Memory:   fleet_open allocates; fleet_close frees when nothing is under way: behind redis_close.
 * Errors:   0 or -errno.
 * Bounds:   one view is gathered at a time; FLEET_VIEWS different ones are kept, each as long as
 *           it is good: FLEET_FRESH_NS, or less. Nothing is read from the Redis while nobody asks.
 */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include "announce.h"
#include "view.h"

#define FLEET_VIEWS 8u
#define FLEET_FRESH_NS UINT64_C(5000000000)
#define FLEET_HOSTS_NS UINT64_C(1000000000) /* one of hosts alone, which costs little */
#define FLEET_FAULT_NS UINT64_C(1000000000) /* a view that is none */

struct fleet;

/* All since the start, but for the levels. */
struct fleet_counts {
	struct announce_state announce;
	uint64_t views, cut, faults;  /* gathered; of these not whole, or none at all */
	uint64_t keys, bytes;         /* read for them */
	uint64_t refused;             /* values in the place of a parcel that were none */
	uint32_t hosts, gone, unread; /* levels: of the last view */
};

/* All in config is borrowed or copied as announce_open has it. */
int fleet_open(struct fleet **out, const struct announce_config *config);
void fleet_close(struct fleet *f); /* NULL is allowed */

void fleet_second(struct fleet *f);
int fleet_fd(const struct fleet *f); /* readable: somebody asks */
void fleet_step(struct fleet *f);    /* then */

/*
 * The caller's reference. -EAGAIN: it is being gathered, ask again in a moment; -ENOBUFS: too many
 * different ones are.
 */
int fleet_ask(struct fleet *f, const struct view_ask *ask, uint64_t now_ns, struct view **out);

void fleet_counts_get(struct fleet *f, struct fleet_counts *out);

#endif
