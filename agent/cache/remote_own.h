/*
 * remote_own - the inside of the Redis behind the memory tier: of remote, remote_write and
 *              remote_sweep alone.
 *
 * Threads:  as remote.
 * Memory:   as remote.
 * Errors:   as remote.
 */
#ifndef CACHE_REMOTE_OWN_H
#define CACHE_REMOTE_OWN_H

#include "pending.h"
#include "remote.h"

/* What is being taken out by a prefix, a pattern or a tag. */
struct remote_sweep {
	bool active;
	bool listed;    /* which keys they are is known; of a tag: some of them */
	bool more;      /* of a tag: there are others */
	bool announced; /* that it is done */
	uint32_t under_way;
	enum redis_fault fault;
};

struct remote {
	struct remote_config config;
	struct redis *redis; /* NULL: not yet */
	struct pending *pending;
	struct remote_sweep sweep;
	uint32_t writing; /* writes that are under way */
	uint64_t writing_bytes;
	bool pumping;                    /* who fails meanwhile need not pump */
	uint64_t pause_ns;               /* something failed: nothing is written before */
	uint64_t again_ns;               /* when what failed is tried again */
	struct bridge_progress progress; /* as it was told last */
	uint64_t seen;                   /* writes that came */
	uint64_t look_ns;                /* when to look next whether somebody is there */
	uint64_t lost;                   /* for want of memory */
	uint64_t written, removed, corrupted, foreign, published, heard, gaps;
};

/* "v:" or "t:" and a name, of malloc; NULL: no memory. */
char *remote_key(char kind, const struct cache_bytes *name, struct redis_text *out);

/* Whoever listens drops it; then is told. */
int remote_announce(struct remote *r, const struct drop *d, const struct redis_then *then);

/* Of a question that could not be asked. */
enum redis_fault remote_fault(int ret);
/* Is it of no use to try again? */
bool remote_is_refused(enum redis_fault fault);
/* It failed: when it is to be tried again. Others need not wait where one node is away. */
uint64_t remote_pause(struct remote *r, enum redis_fault fault);

/* All that may be written now is on its way. */
void remote_pump(struct remote *r);
void remote_sweep_begin(struct remote *r);

#endif
