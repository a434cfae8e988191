/*
 * A host that brings its own malloc: the shim says that it sees none of it.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

static _Alignas(16) uint8_t pool[4u << 20];
static size_t used;

void *malloc(size_t bytes)
{
	uint8_t *block = pool + used;

	used += (bytes + 31) & ~(size_t)15;
	if (used > sizeof(pool))
		return NULL;
	*(size_t *)(void *)block = bytes;
	return block + 16;
}

void free(void *block)
{
	(void)block;
}

void *calloc(size_t count, size_t bytes)
{
	return malloc(count * bytes); /* the pool is used once, so it is zero */
}

void *realloc(void *old, size_t bytes)
{
	void *block = malloc(bytes);
	size_t before = old ? ((size_t *)old)[-2] : 0;

	return old && block ? memcpy(block, old, before < bytes ? before : bytes) : block;
}

int main(void)
{
	struct rs_header *header = host_segment_wanted();
	struct host_pair pair;

	HOST_CHECK(header->allocator == RS_ALLOCATOR_HIDDEN);
	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/own"));
	HOST_CHECK(HOST_SUM(header, requests) == 1);
	return 0;
}
