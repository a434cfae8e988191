/*
 * behind - the tier behind the memory tier, as the thread sees it that serves: what is asked there,
 *          what is written there, and what comes back.
 *
 * Threads:  the owner of the cache, who never waits here; behind_counts_get by the same.
 * Memory:   behind_open, behind_close; cache and bridge are borrowed.
 * Errors:   none to the caller: without an answer the memory tier's stands, and that is counted.
 * Order:    whoever wrote or took out a key here never gets from behind what was there before: an
 *           answer that a write overtook is given to those who asked before it, and not kept.
 */
#ifndef CACHE_BEHIND_H
#define CACHE_BEHIND_H

#include "bridge.h"

#define BEHIND_QUESTIONS 512u            /* under way */
#define BEHIND_VALUE (UINT64_C(4) << 20) /* bytes as kept: a longer one stays in memory alone */

struct behind;

enum behind_answer { BEHIND_NONE, BEHIND_FOUND, BEHIND_LATER };

struct behind_look {
	const struct cache_bytes *key; /* which the memory tier does not have */
	uint64_t now_ns;
	bool again;   /* it was told later before */
	bool at_once; /* later is no answer */
};

struct behind_found {
	struct cache_value *value; /* found: the caller's reference */
	uint64_t left_ns;
	uint32_t place; /* later: whoever waits for it is woken by this number, which is not 0 */
};

struct behind_counts {
	uint64_t hits, misses; /* of looks that it was asked for */
	uint64_t unasked;      /* nobody there, or no room: the memory tier's answer stood */
	uint64_t late;         /* misses for want of an answer in time */
	uint64_t coalesced;    /* looks that waited for the answer to another */
	uint64_t sent;         /* writes */
	uint64_t lost_sets, lost_drops; /* that never went: there was no room on the way */
};

/* wait_ns: a question that takes longer is a miss. */
int behind_open(struct behind **out, struct cache *cache, struct bridge *bridge, uint64_t wait_ns);
void behind_close(struct behind *b); /* NULL is allowed */

enum behind_answer behind_ask(struct behind *b, const struct behind_look *look,
			      struct behind_found *out);

/* Told of all that others took out or wrote anew. */
void behind_listen(struct behind *b, void (*heard)(void *ctx, const struct drop *d), void *ctx);

/* b NULL: there is nothing behind. */
void behind_wrote(struct behind *b, const struct cache_put *put); /* put: as it was kept */
void behind_drop(struct behind *b, enum drop_kind kind, const struct cache_bytes *text);

/* Sends off what was asked and written: to be called before its owner waits. */
void behind_tell(struct behind *b);

/* Readable: there is something to be heard; wake is called for each place that was answered. */
int behind_fd(const struct behind *b);
void behind_hear(struct behind *b, uint64_t now_ns, void (*wake)(void *ctx, uint32_t place),
		 void *ctx);

void behind_counts_get(const struct behind *b, struct behind_counts *out);
/* Those on the way to it are pending, too. */
void behind_state_get(const struct behind *b, struct bridge_state *out);

#endif
