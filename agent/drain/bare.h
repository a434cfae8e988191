/*
 * bare - the processes that are watched without a segment, and what is counted for them.
 *
 * Threads:  the drain thread.
 * Memory:   bare_fini frees.
 * Errors:   -ENOMEM: its seen never comes.
 */
#ifndef DRAIN_BARE_H
#define DRAIN_BARE_H

#include "event.h"

struct bare_one;

#define BARE_BUCKETS 1024u /* a power of two */

struct bare {
	struct bare_one *first;
	struct bare_one
		*by_pid[BARE_BUCKETS]; /* each event of the kernel's ring asks, more than once */
	uint64_t told;                 /* calls of the sink */
};

int bare_add(struct bare *b, const struct drain_sink *sink, const struct capture_target *target);
void bare_died(struct bare *b, const struct drain_sink *sink, uint64_t key, uint64_t now_ns);
/* The newest of this pid; NULL: there is none. */
struct bare_one *bare_by_pid(const struct bare *b, int32_t pid);
struct drain_counters *bare_news(struct bare_one *one); /* to add to, until the next bare_book */

/* One that it served, complete; its counters are the caller's to add. */
void bare_request(struct bare *b, const struct drain_sink *sink, struct bare_one *one,
		  const struct drain_request *request);
/* Requests that are counted by the status of their answers, without any detail. */
void bare_lost(struct bare *b, uint64_t key, const uint64_t status[RS_STATUS_CLASSES]);
void bare_book(struct bare *b, const struct drain_sink *sink, uint64_t now_ns);

void bare_fini(struct bare *b);

#endif
