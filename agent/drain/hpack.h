/*
 * hpack - the header blocks of a connection's requests, decoded in order by nghttp2.
 *
 * Threads:  one at a time per struct hpack.
 * Memory:   hpack_open allocates, hpack_close frees: some kilobytes, and a table of HPACK_TABLE
 *           bytes at most. A field is borrowed until the callback returns.
 * Errors:   0, -ENOMEM, or -EBADMSG: an index that is not there, a string that is none.
 */
#ifndef DRAIN_HPACK_H
#define DRAIN_HPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HPACK_TABLE 65536u /* what a peer may allow; the usual is 4,096, nginx has that alone */

struct hpack;

struct hpack_field {
	const uint8_t *name;
	const uint8_t *value;
	size_t name_bytes, value_bytes;
};

typedef void (*hpack_field_fn)(void *ctx, const struct hpack_field *field);

int hpack_open(struct hpack **out);
void hpack_close(struct hpack *h); /* NULL is fine */

struct hpack_piece {
	const uint8_t *bytes;
	size_t n;
	bool last; /* the block ends with it */
};

int hpack_read(struct hpack *h, const struct hpack_piece *piece, hpack_field_fn fn, void *ctx);

#endif
