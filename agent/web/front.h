/*
 * front - the listening sockets and their connections. With stream the only user of libmicrohttpd.
 *
 * Threads:  one at a time; front_run does all the work that is due and never waits.
 * Memory:   front_open allocates, front_close frees; sockets are front's once it returned 0.
 * Errors:   0 or -errno.
 * Limits:   a whole request within deadline_ms of its connection's start or its own first line, a
 *           reply read within four times as long; an idle connection is kept twelve times as long,
 *           less when others want in. A body of FRONT_BODY bytes unless it may be longer, heads of
 *           16 KiB.
 */
#ifndef WEB_FRONT_H
#define WEB_FRONT_H

#include "reply.h"
#include "tally.h"

#include <sys/types.h>

#define FRONT_BODY (64u * 1024)      /* of a longer one the answer is told that it is … */
#define FRONT_DISCARD (1024u * 1024) /* … as long as it ends at all */
#define FRONT_HEAD (16u * 1024)
#define FRONT_LATER 512u   /* requests whose reply is being made elsewhere, … */
#define FRONT_LATER_MS 20u /* … asked for again so often */

struct front;

struct front_config {
	const int *sockets;
	unsigned int socket_count;
	gid_t group;
	uint32_t deadline_ms;
	uint32_t connections;
	struct tally *tally;
	void (*answer)(void *ctx, const struct request *r, struct reply *out);
	/* How long may the body of this request be? It has none yet. NULL: FRONT_BODY. */
	size_t (*room)(void *ctx, const struct request *r);
	void (*left)(void *ctx, const void *who); /* a request is over; NULL: nobody minds */
	/* each second while a reply without end is being sent; NULL: there is none such */
	void (*second)(void *ctx, uint64_t now_ns, int64_t wall_ms);
	void *ctx;
};

int front_open(struct front **out, const struct front_config *config);
void front_close(struct front *f);   /* NULL is allowed */
void front_abandon(struct front *f); /* the same, but the sockets are the caller's again */

/* Readable when there is something to run for socket i. */
int front_fd(const struct front *f, unsigned int i);

/* Those whose reply waits for this place are asked again in the next run. */
void front_wake(struct front *f, uint32_t place);

/* The time is CLOCK_MONOTONIC. Milliseconds until it must run again all the same; -1: never. */
int front_run(struct front *f, uint64_t now_ns, int64_t wall_ms);

#endif
