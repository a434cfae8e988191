/*
 * stream - replies without end: sent while there is something, at rest until the next second.
 *
 * Threads:  the web thread alone.
 * Memory:   streams_response allocates; the library gives a stream back when its connection ends.
 * Errors:   NULL: no memory; the source is the caller's still.
 * A stream at rest is suspended, since the library would ask one that has nothing all the time.
 */
#ifndef WEB_STREAM_H
#define WEB_STREAM_H

#include "reply.h"

#define STREAM_BEHIND (8 * 1024) /* bytes that a socket holds of it; the kernel doubles them */
#define STREAM_PIECE 4096u
#define STREAM_SECOND_NS UINT64_C(1000000000)

struct MHD_Connection;
struct MHD_Response;
struct stream;

struct streams {
	struct stream *first;
	uint64_t now_ns, due_ns;
	bool is_ending;
};

/* The other end; alive: it took what there was. */
struct stream_from {
	struct MHD_Connection *connection;
	int fd;
	void (*alive)(void *ctx);
	void *ctx;
};

/* Takes the source over and empties it. */
struct MHD_Response *streams_response(struct streams *all, const struct stream_from *from,
				      struct reply_stream *source);

/* Is it time for new events? Then streams_ask wakes all that are at rest. */
bool streams_is_due(struct streams *all, uint64_t now_ns);
void streams_ask(struct streams *all, uint64_t now_ns);
void streams_end(struct streams *all); /* wakes them for the last time */

/* Whole milliseconds until it is due, at most most; most may be -1: without end. */
int streams_wait_ms(const struct streams *all, uint64_t now_ns, int most);

#endif
