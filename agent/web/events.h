/*
 * events - what a client that stays is told: alerts as they change, and live figures each second.
 *
 * Threads:  the web thread alone.
 * Memory:   one feed for all, made for the first client; a client is a place in it.
 * Errors:   -EINVAL with a refusal (400, 503: EVENTS_CLIENTS are there).
 * Figures are rendered while somebody asked for them; changes of alerts are remembered by alerts.
 */
#ifndef WEB_EVENTS_H
#define WEB_EVENTS_H

#include "feed.h"
#include "params.h"
#include "reply.h"

#define EVENTS_CLIENTS 64u
#define EVENTS_SECOND_NS UINT64_C(1000000000)
#define EVENTS_RETRY_S 5u /* for who found no room */

struct site;

struct events {
	struct feed feed;
	unsigned int clients, watchers; /* those of figures */
	uint64_t changes;               /* of alerts, those in the feed */
	uint64_t refused;
};

void events_close(struct events *e); /* NULL is allowed; no client is left */

/* A reply without end. */
int events_open_client(struct site *site, const struct request *r, const struct params *p,
		       struct reply *out, struct refusal *no);

/* Each second while there are clients. */
void events_second(struct site *site, uint64_t now_ns, int64_t wall_ms);

#endif
