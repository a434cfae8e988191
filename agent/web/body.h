/*
 * body - the bytes of a reply, shared by everyone who is sent them. The only user of zlib.
 *
 * Threads:  the web thread alone; references are plain numbers.
 * Memory:   body_open takes the bytes over (of malloc); the last body_put frees them.
 * Errors:   -ENOMEM.
 */
#ifndef WEB_BODY_H
#define WEB_BODY_H

#include <stddef.h>

#define BODY_GZIP_FROM 1024u /* a shorter one gains nothing */

struct body {
	char *bytes;
	size_t length;
	char *gzip; /* made at first use, NULL until then */
	size_t gzip_length;
	unsigned int references;
	char etag[20]; /* "\"…\"", of what it holds */
};

int body_open(struct body **out, char *bytes, size_t length); /* frees bytes when it fails */
struct body *body_get(struct body *b);
void body_put(struct body *b); /* NULL is allowed */

/* Makes b->gzip. -ERANGE: not worth it. */
int body_compress(struct body *b);

/* Its bytes become their gzip form, for a file that is one. */
int body_pack(struct body *b);

#endif
