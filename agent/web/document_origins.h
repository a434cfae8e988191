/*
 * document_origins - what the documents of the cache tell of the origins behind it.
 *
 * Threads:  the web thread.
 * Memory:   values.
 * Errors:   none; without origins there is nothing of them.
 */
#ifndef WEB_DOCUMENT_ORIGINS_H
#define WEB_DOCUMENT_ORIGINS_H

#include "site.h"

/* Of all origins together. */
struct document_origins {
	uint64_t fetches, errors, coalesced;
	uint64_t stale, absent; /* looks that were answered without one */
	uint64_t refused;       /* fetches that were not even begun */
	bool well;
};

void document_origins_sum(const struct site *site, struct document_origins *out);
/* Each writes the member "origin". */
void document_origins_stats(const struct site *site, const struct document_origins *sum,
			    struct json *j);
void document_origins_health(const struct site *site, struct json *j);

#endif
