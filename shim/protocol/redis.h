/*
 * redis - a connection of a Redis server (RESP2 and RESP3): which command is answered by what.
 *
 * Threads:  as pairs.h.
 * Memory:   as pairs.h; commands of a transaction in blocks of their own.
 * Errors:   as pairs.h. What is lost stays lost.
 * Cost:     one look at the clock a call; a command some 60 ns.
 *
 * A command is a request, also one in a transaction, which is over when EXEC is answered; what was
 * queued and not run did not happen. From SUBSCRIBE, MONITOR, SYNC and the like on messages come
 * unasked: that command is answered by the first one and counts as an upgrade, further commands
 * count as RS_UNPARSED_UNPAIRED. What a script calls is no request.
 */
#ifndef PROTOCOL_REDIS_H
#define PROTOCOL_REDIS_H

#include "pairs.h"
#include "resp.h"

#define REDIS_LATER_MOST 65536u /* commands of a transaction whose names are kept */

/* What the running transaction has queued: a list in order, the writer's alone. */
struct redis_queue {
	struct pairs_block *first;
	struct pairs_block *last;
	uint32_t count;
	uint32_t told;   /* of the first block */
	uint32_t beyond; /* further ones, only counted */
};

struct redis {
	struct pairs pairs;
	bool unpaired;  /* the reader's: behind a command that breaks pairs */
	bool streaming; /* the writer's: and it was answered */
	uint64_t t0;    /* of the command in progress */
	uint64_t bytes_in;
	uint64_t first_byte;
	uint64_t bytes_out;
	struct redis_queue queue;
	struct resp in;
	struct resp out;
};

void redis_init(struct redis *r);

/* Are these the first bytes of a client of Redis, as far as they go? */
bool redis_begins(const uint8_t *at, size_t n);

bool redis_answers(uint8_t first); /* may an answer begin so? */

/* Are the next bytes written those of no Redis? */
bool redis_declines(const struct redis *r, const uint8_t *at, size_t n);

/* false: nothing more of this direction is of interest. */
bool redis_read(struct redis *r, struct pairs_call *call, const uint8_t *at, size_t n);
bool redis_write(struct redis *r, struct pairs_call *call, const uint8_t *at, size_t n);

uint32_t redis_adopt(struct redis *r);
void redis_close(struct redis *r, struct pairs_call *call, bool client_gone);

#endif
