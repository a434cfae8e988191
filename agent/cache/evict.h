/*
 * evict - which entry goes when there is no room: S3-FIFO, by count and by bytes.
 *
 * Threads:  one owner.
 * Memory:   evict_open allocates what is remembered of the gone (16 bytes for each item there may
 *           be), evict_close frees; nodes are the caller's and stand in one queue while they live.
 * Errors:   -ENOMEM.
 * Source:   Yang, Zhang, Qiu, Yue, Vigfusson: FIFO Queues are All You Need for Cache Eviction,
 *           SOSP 2023, algorithm 1.
 * Why it:   a list by last use gives up all that is hot for one walk over keys that nobody asks for
 *           again. Here what is new waits in a tenth of the room and leaves from there unless it
 *           was asked for more than once; what comes back soon after is taken for good. A hit is
 *           one small number that grows: nothing is moved.
 */
#ifndef CACHE_EVICT_H
#define CACHE_EVICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evict_queue;

struct evict_node {
	struct evict_queue *queue; /* NULL: in none */
	struct evict_node *older, *newer;
	uint64_t hash; /* of its key */
	size_t bytes;
	uint8_t uses; /* 0 … 3, since it came or was last spared */
};

struct evict_queue {
	struct evict_node *oldest, *newest;
	uint64_t items, bytes;
};

/* The hashes of those that left the small queue, the last so many: a ring with an index. */
struct evict_gone {
	uint64_t *hashes;
	uint32_t *chains; /* place + 1 of the next in its bucket; UINT32_MAX: the place is free */
	uint32_t *buckets;
	uint32_t places, mask, at;
};

struct evict {
	struct evict_queue small, main;
	struct evict_gone gone;
	uint64_t max_items, max_bytes;
};

int evict_open(struct evict *e, uint32_t max_items, uint64_t max_bytes);
void evict_close(struct evict *e);

/* Would it stay within its limits with one more of that size? */
bool evict_has_room(const struct evict *e, size_t bytes);

/* hash and bytes are set. queue: of the one whose place it takes; NULL: it is new. */
void evict_add(struct evict *e, struct evict_node *n, struct evict_queue *queue);
void evict_use(struct evict_node *n);
void evict_drop(struct evict_node *n); /* it goes for another reason */

/* The one that goes, taken out; NULL: there is none. */
struct evict_node *evict_next(struct evict *e);

#endif
