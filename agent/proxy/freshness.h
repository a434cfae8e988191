/*
 * freshness - whether a shared cache may keep a reply, how long it is fresh, and what of it may
 *             answer a request (RFC 9111; RFC 5861 for what is stale).
 *
 * Threads:  any; pure.
 * Memory:   values.
 * Errors:   none: what cannot be read is taken in the sense that keeps less, for less long.
 * Closer:   than RFC 9111 wants: no reply with Set-Cookie, none with no-cache and none of unknown
 *           length is kept, 206 neither; an error only where the upstream says for how long.
 */
#ifndef PROXY_FRESHNESS_H
#define PROXY_FRESHNESS_H

#include "http_head.h"
#include "proxy_site.h"

/* What a request asks of a cache. */
struct freshness_ask {
	bool usable;     /* it may be answered from the cache and fill it; else it bypasses both */
	bool anew;       /* not from the cache, but its reply may be kept: no-cache */
	bool cached;     /* from the cache or not at all: only-if-cached */
	bool head;       /* HEAD: its reply is not kept */
	bool authorized; /* with credentials that are not in the key */
	bool conditional;
	int64_t max_age, min_fresh; /* CACHE_CONTROL_ABSENT */
};

/* Why a reply is not kept. */
enum freshness_why {
	FRESHNESS_KEPT,
	FRESHNESS_STATUS,
	FRESHNESS_FORBIDDEN, /* by Cache-Control, Vary: *, credentials, or as a stream of events */
	FRESHNESS_COOKIE,
	FRESHNESS_NO_TIME, /* it is stale as it comes, or nobody says how long it is fresh */
};

struct freshness {
	enum freshness_why why;
	uint32_t fresh_s;             /* from now on */
	uint32_t age_s;               /* now */
	uint32_t stale_s, fallback_s; /* behind that */
	bool for_authorized;          /* it may answer requests with other credentials */
};

/* What a stored reply was told to be. Times are of CLOCK_MONOTONIC. */
struct freshness_stored {
	uint64_t stored_ns, fresh_until_ns, stale_until_ns, fallback_until_ns;
	uint32_t age_s; /* when it was stored */
	bool for_authorized;
};

enum freshness_answer {
	FRESHNESS_HIT,
	FRESHNESS_STALE,    /* served as it is, while it is fetched anew */
	FRESHNESS_FALLBACK, /* only if the upstream fails */
	FRESHNESS_NONE,
};

/* r: the rule that the request fits. */
void freshness_of_request(struct freshness_ask *ask, const struct proxy_rule *r,
			  const struct http_head *request);

/* A reply as it came. */
struct freshness_reply {
	const struct http_head *request, *reply;
	int64_t wall_s;  /* now */
	int64_t delay_s; /* how long the upstream took */
};

void freshness_of_reply(struct freshness *out, const struct proxy_rule *r,
			const struct freshness_reply *came);

enum freshness_answer freshness_answer(const struct freshness_stored *s,
				       const struct freshness_ask *ask, uint64_t now_ns);
uint32_t freshness_age_s(const struct freshness_stored *s, uint64_t now_ns);

#endif
