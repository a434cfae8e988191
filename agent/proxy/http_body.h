/*
 * http_body - where the body of a message ends, from its head (RFC 9112, 6), and how far that is
 *             as its bytes come.
 *
 * Threads:  any; pure.
 * Memory:   a value.
 * Errors:   negative: the status for a request that could be read in two ways (-400); of a response
 *           that is a 502. Bytes are passed on as they came once they were found to be well-formed.
 */
#ifndef PROXY_HTTP_BODY_H
#define PROXY_HTTP_BODY_H

#include "http_head.h"

#include <sys/types.h>

#define HTTP_BODY_LINE 1024u     /* of a chunk's size with what is said of it */
#define HTTP_BODY_TRAILERS 8192u /* of all of them */

enum http_body_kind {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_CLOSE, /* until the connection ends */
};

struct http_body {
	uint64_t left;  /* of its length, or of the chunk */
	uint64_t bytes; /* without the chunks' sizes: as told, or as they have come */
	uint32_t line;  /* of the line so far */
	uint32_t trailers;
	uint8_t kind; /* enum http_body_kind */
	uint8_t step;
	bool done;
};

int http_body_of_request(struct http_body *b, const struct http_head *h);
/* to_head: it answers a HEAD. */
int http_body_of_response(struct http_body *b, const struct http_head *h, bool to_head);
void http_body_of_tunnel(struct http_body *b); /* all that comes, for good */

/* How many of these bytes belong to it, fewer than there are when it is done; -400: malformed. */
ssize_t http_body_take(struct http_body *b, const char *bytes, size_t length);

/* What a whole chunked body holds, to out, which has room for as many bytes as it has. */
size_t http_body_unchunk(const char *body, size_t length, char *out);

#endif
