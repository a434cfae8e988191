/*
 * remote_own - the inside of the Redis behind the memory tier: of remote, remote_write,
 *              remote_sweep and remote_comb alone.
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
	bool combed;    /* of a tag: whether all values are to be looked into was asked */
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

/* Of the sweep: which keys are meant is known by now, or why not; … */
void remote_sweep_listed(void *remote, enum redis_fault fault, const struct redis_value *v);
/* … one question more, or one that could not be asked; one that was answered; a key that goes. */
void remote_sweep_count(struct remote *r, int ret);
void remote_sweep_one(void *remote, enum redis_fault fault, const struct redis_value *v);
void remote_sweep_unlink(struct remote *r, const struct redis_text *key);

/* What carries the tag by its value, where the set of the tag may be lost. Tells sweep_listed. */
int remote_comb(struct remote *r);

#endif
