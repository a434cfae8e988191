/*
 * upload - a request as it comes in: its target as sent, and what there is of its body.
 *
 * Threads:  the web thread.
 * Memory:   upload_open allocates, upload_close frees; a body is kept while it is within its limit.
 * Errors:   NULL, false: no memory.
 */
#ifndef WEB_UPLOAD_H
#define WEB_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct upload {
	bool begun;
	bool again;        /* its reply was to come later */
	size_t limit;      /* of its body: a longer one is not kept */
	uint64_t received; /* bytes of its body, kept or not */
	char *body;        /* NULL: none is kept */
	size_t length, size;
	char target[];
};

struct upload *upload_open(const char *target);
void upload_close(struct upload *u); /* NULL is allowed */

/* A piece of the body. Past the limit nothing of it is kept any more. */
bool upload_take(struct upload *u, const char *bytes, size_t length);

#endif
