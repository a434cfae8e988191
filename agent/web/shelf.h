/*
 * shelf - documents as they were rendered, for everybody who asks the same within one generation.
 *
 * Threads:  the web thread alone.
 * Memory:   at most SHELF_PLACES bodies and SHELF_BYTES bytes; the oldest go first.
 */
#ifndef WEB_SHELF_H
#define WEB_SHELF_H

#include "body.h"

#include <stdint.h>

#define SHELF_PLACES 32u
#define SHELF_BYTES (4u * 1024 * 1024)
#define SHELF_KEY 512u
/* A window moves on although nothing new came: that long a document is still told. */
#define SHELF_FRESH_NS UINT64_C(500000000)

struct shelf_place {
	char key[SHELF_KEY];
	struct body *body; /* NULL: free */
	uint64_t generation, made_ns;
};

struct shelf {
	struct shelf_place *places; /* made at first use */
};

void shelf_fini(struct shelf *s);

/* A reference for the caller, or NULL. */
struct body *shelf_find(struct shelf *s, const char *key, uint64_t generation, uint64_t now_ns);
/* Keeps a reference of its own; a key too long is not kept. */
void shelf_keep(struct shelf *s, const char *key, struct body *body, uint64_t generation,
		uint64_t now_ns);

#endif
