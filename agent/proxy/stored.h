/*
 * stored - a reply as it lies in the cache: its head ready to be sent, the head of a 304 to it, its
 *          body, and until when it is good. Also the two marks that lie under a key instead of one:
 *          what its replies vary by, and that they are not kept.
 *
 * Threads:  any; pure.
 * Memory:   stored_make gives bytes of malloc; what is read points into the bytes.
 * Errors:   -EFBIG: its tags, or its head, are too many; -EBADMSG: no such bytes; -ENOMEM.
 * Bytes:    struct stored | head | short head | name list of Vary | body. Both heads end without
 *           the empty line: Age, X-Cache and the like come behind them.
 */
#ifndef PROXY_STORED_H
#define PROXY_STORED_H

#include "freshness.h"
#include "rewrite.h"
#include "value.h"

#define STORED_TAGS 15u /* the 16th of an entry is ours */
#define STORED_HEAD 32768u

enum stored_kind { STORED_REPLY = 0x52507531, STORED_VARY, STORED_PASS };

struct stored {
	uint32_t kind; /* enum stored_kind */
	uint32_t head, short_head, vary;
	uint32_t etag_at, etag; /* in the head; 0 bytes: none */
	uint16_t status;
	int64_t modified_s; /* -1: not told */
	struct freshness_stored times;
};

struct stored_view {
	struct stored is;
	struct http_text head, short_head, vary, body;
};

struct stored_parts {
	const struct http_head *reply;
	struct http_text body; /* as it came */
	bool chunked;
	size_t length; /* of it without its chunks */
	struct freshness_stored times;
	int64_t wall_s;
};

int stored_make(const struct stored_parts *parts, void **out, size_t *length);

/* A mark; vary: with STORED_VARY alone. */
int stored_mark(enum stored_kind kind, const struct http_text *vary, void **out, size_t *length);

int stored_read(const void *bytes, size_t length, struct stored_view *out);

/* All names of its Vary fields, parted by commas, to bytes of STORED_HEAD. */
int stored_vary(const struct http_head *reply, struct rewrite *out);

/* Its tags by Surrogate-Key and Cache-Tag, pointing into its head. */
int stored_tags(const struct http_head *reply, struct cache_bytes out[STORED_TAGS], size_t *count);

/* Does the client have it already (If-None-Match, else If-Modified-Since)? */
bool stored_is_known(const struct stored_view *v, const struct http_head *request, int64_t wall_s);

#endif
