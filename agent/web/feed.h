/*
 * feed - the newest events, as they are sent: the same bytes for all, each reader at its own place.
 *
 * Threads:  the web thread alone.
 * Memory:   at most FEED_EVENTS events of together FEED_BYTES; feed_fini frees. A reader has a
 *           reference to the event that it is in the middle of, and nothing else.
 * Errors:   -ENOMEM: the event is counted as lost by all who read.
 * Format:   that of server-sent events. An id is the name of this run of the agent and a number; a
 *           reader that comes with the id of another run, or of an event that is gone, is told in
 *           an event `lost` how many it missed (null: nobody knows).
 */
#ifndef WEB_FEED_H
#define WEB_FEED_H

#include "body.h"

#include "json.h"

#include <stdbool.h>
#include <stdint.h>

#define FEED_EVENTS 1024u
#define FEED_BYTES (1024u * 1024)
#define FEED_BEAT_NS UINT64_C(15000000000) /* of silence; then a comment says that we are there */

enum feed_kind { FEED_METRICS = 1, FEED_ALERT = 2, FEED_ALL = FEED_METRICS | FEED_ALERT };
#define FEED_KINDS (FEED_ALL + 1)

struct feed_event {
	struct body *body; /* NULL: it found no memory */
	enum feed_kind kind;
};

struct feed {
	char run[24];
	struct feed_event ring[FEED_EVENTS];
	uint64_t first, next;         /* numbers: of the oldest kept, of the one to come */
	uint64_t dropped[FEED_KINDS]; /* of each kind, those before the first */
	size_t bytes;
	uint64_t lost; /* events that readers missed, of all of them */
};

struct feed_reader {
	struct feed *feed;
	unsigned int kinds;          /* of enum feed_kind */
	uint64_t next;               /* number of the next event to be looked at */
	uint64_t before[FEED_KINDS]; /* of each kind, those before that one */
	uint64_t missed;             /* since it was told last */
	bool is_lost;                /* it missed nobody knows how many */
	struct body *body;           /* being read; NULL: none */
	size_t at;                   /* in it */
	uint64_t told_ns;            /* when it was last given something */
};

void feed_init(struct feed *f, int64_t run); /* another number for each run */
void feed_fini(struct feed *f);

/* data: one line; borrowed. */
int feed_put(struct feed *f, enum feed_kind kind, const char *data, size_t length);
void feed_skip(struct feed *f, enum feed_kind kind, uint64_t count); /* so many were lost to all */

/* from: the id of the last event that it has seen; NULL: it begins now. */
void feed_reader_init(struct feed_reader *r, struct feed *f, unsigned int kinds, const char *from);
void feed_reader_fini(struct feed_reader *r);

/* Bytes put into out; 0: nothing is there, for now. */
size_t feed_read(struct feed_reader *r, char *out, size_t room, uint64_t now_ns);

#endif
