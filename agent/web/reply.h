/*
 * reply - an answer as it will be sent: status, media type, and shared bytes.
 *
 * Threads:  a value of the web thread.
 * Memory:   body, value and stream are references that the reply owns; reply_fini gives them back.
 * Errors:   without memory for a body it stays NULL, and the status is 503.
 */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include "body.h"
#include "request.h"

#include "json.h"
#include "value.h"

#define REPLY_JSON "application/json; charset=utf-8"

/* A body without end: whoever sends it asks again and again, and closes it once. */
struct reply_stream {
	void *ctx;
	size_t (*read)(void *ctx, char *out, size_t room, uint64_t now_ns); /* 0: nothing yet */
	void (*close)(void *ctx);
};

struct reply {
	struct body *body;          /* NULL: none */
	struct reply_stream stream; /* read NULL: it is none */
	struct cache_value *value;  /* of the cache, sent instead of a body; NULL: none */
	void *expanded;             /* its bytes, of malloc, where it is packed */
	uint64_t max_age_s;         /* how long it lives still */
	const char *type;           /* NULL: no body */
	const char *allow;          /* of a 405 */
	unsigned int status;
	unsigned int retry_after_s; /* 0: not said */
	bool gzip;                  /* send body->gzip */
	bool challenge;             /* of a 401 */
	bool later;         /* not now: the same request is to be asked again in a moment, … */
	uint32_t later_for; /* … or as soon as this place is woken; 0: none */
	bool behind;        /* the value was not in memory, but in the tier behind it, … */
	bool fetched;       /* … or at its origin, … */
	bool unkept;        /* … and is not to be kept by others either */
	bool stale;         /* its time is over */
	bool kept;          /* may be kept and asked for again by its entity tag */
};

void reply_fini(struct reply *r);

/* Takes the bytes of j over, which is empty then. */
void reply_json(struct reply *out, unsigned int status, struct json *j);
void reply_bytes(struct reply *out, const char *type, char *bytes, size_t length); /* of malloc */
void reply_refuse(struct reply *out, const struct refusal *no);

/* What the client takes: compressed, or nothing at all because it has it. */
void reply_negotiate(struct reply *r, const struct request *request);

#endif
