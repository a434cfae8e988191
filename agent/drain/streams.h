/*
 * streams - what the header blocks of a process's HTTP/2 connections say of its requests.
 *
 * Threads:  the drain thread.
 * Memory:   made when the first block comes, streams_close frees. All processes share
 *           STREAMS_CONNECTIONS; one takes up to 40 KiB by its open streams, and a table.
 * Errors:   a block that is missing, in another order or makes no sense ends the knowledge of its
 *           connection: later requests have no path, and none is guessed.
 */
#ifndef DRAIN_STREAMS_H
#define DRAIN_STREAMS_H

#include "ahead.h"
#include "decode.h"

#define STREAMS_CONNECTIONS 1024u

struct streams;

struct streams_budget {
	uint32_t connections;
	uint64_t lost;      /* requests whose path did not come, or came too late */
	struct ahead ahead; /* of the process whose lanes are being visited */
};

/* A record of another kind than a request; false: it is none of ours. */
bool streams_record(struct streams **s, struct streams_budget *budget,
		    const struct lane_record *record);

/* Path, method and protocol of a request, if it was a stream. raw borrows from s. false: its block
 * did not come, or not yet. */
bool streams_fill(struct streams *s, struct drain_request *request, struct decode_raw *raw);

/* All lanes were visited again: what did not come is missing, and what has ended is forgotten. */
void streams_settle(struct streams *s, struct streams_budget *budget); /* NULL is fine */

void streams_close(struct streams *s, struct streams_budget *budget); /* NULL is fine */

#endif
