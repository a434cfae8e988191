/*
 * pack - compresses values and expands them again. The only user of zstd, which it opens when the
 *        first value is long enough, or comes packed.
 *
 * Threads:  one owner.
 * Memory:   pack_make hands out bytes of malloc; the library stays open until pack_close.
 * Errors:   -ERANGE: it does not pay; -ELIBACC: there is no libzstd; -EBADMSG: not what was packed;
 *           -ENOMEM.
 */
#ifndef CACHE_PACK_H
#define CACHE_PACK_H

#include <stdbool.h>
#include <stddef.h>

struct pack_library;

struct pack {
	bool on;
	size_t from; /* shorter values stay as they are */
	int level;   /* of zstd */
	struct pack_library *library;
	int error; /* why it is not there; 0: it is, or nobody asked yet */
};

void pack_close(struct pack *p);

/* It must save an eighth: expanding it again costs each reader more than that is worth. */
int pack_make(struct pack *p, const void *bytes, size_t length, void **out, size_t *packed);
int pack_expand(struct pack *p, const void *packed, size_t size, void *out, size_t length);

#endif
