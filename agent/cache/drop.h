/*
 * drop - which entries are to go: that of a key, those of a prefix, of a pattern, of a tag; and the
 *        same as a message to other agents.
 *
 * Threads:  a value that never changes once it is open.
 * Memory:   drop_open and drop_read copy, drop_close frees; a message is of malloc.
 * Errors:   -EINVAL: no entry can be meant so; -EBADMSG: no such message; -ENOMEM.
 * Message:  "RSD", a version, a kind, three bytes of 0, the sender (8, little endian), the text.
 */
#ifndef CACHE_DROP_H
#define CACHE_DROP_H

#include "cache.h"

enum drop_kind { DROP_KEY, DROP_PREFIX, DROP_PATTERN, DROP_TAG, DROP_KINDS };

struct drop {
	enum drop_kind kind;
	struct glob *glob; /* of a pattern */
	size_t length;
	unsigned char
		text[]; /* the key, the prefix (none: all that there is), the pattern, the tag */
};

int drop_open(struct drop **out, enum drop_kind kind, const struct cache_bytes *text);
void drop_close(struct drop *d); /* NULL is allowed */

/* tags: as a value has them; NULL: not known, so that any may be among them. */
bool drop_takes(const struct drop *d, const struct cache_bytes *key, const char *tags);
bool drop_is_same(const struct drop *a, const struct drop *b);

/* Out of the memory tier; -ENOMEM: it is not. */
int drop_apply(const struct drop *d, struct cache *c, uint64_t now_ns);

int drop_write(const struct drop *d, uint64_t sender, void **out, size_t *length);
int drop_read(const void *message, size_t length, uint64_t *sender, struct drop **out);

#endif
