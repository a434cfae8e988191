/*
 * response - a reply as libmicrohttpd sends it: its bytes, shared and not copied, and its headers.
 *
 * Threads:  the web thread.
 * Memory:   responses_make gives a response that the caller destroys, unless it is shared: that one
 *           stays here for whoever is sent the same value in the same second. responses_fini gives
 *           those back, when nothing is being sent any more.
 * Errors:   NULL: no memory.
 * Limits:   RESPONSES_SHARED of values up to RESPONSES_BYTES, which may be gone from the cache: at
 *           most 4 MiB.
 */
#ifndef WEB_RESPONSE_H
#define WEB_RESPONSE_H

#include "reply.h"

#define RESPONSES_SHARED 256u
#define RESPONSES_BYTES (16u * 1024)

struct MHD_Response;

struct responses {
	struct {
		uint64_t version, max_age_s; /* of what was asked for last; 0: nothing */
		struct MHD_Response *response;
	} shared[RESPONSES_SHARED];
};

struct MHD_Response *responses_make(struct responses *rs, struct reply *reply, bool *shared);
void responses_fini(struct responses *rs);

/* For one that is made elsewhere. */
void response_headers(const struct reply *reply, struct MHD_Response *response);

#endif
