/*
 * pool - objects of one size, taken and given back without a lock.
 *
 * Threads:  any.
 * Memory:   the first objects are the caller's, more come in mappings that are never given back, so
 *           that a look at an object that another thread took meanwhile is harmless.
 * Errors:   NULL when the most are made, when there is no memory, or after home_freeze.
 * Cost:     one locked instruction each way; one system call for a new mapping.
 */
#ifndef SHIM_POOL_H
#define SHIM_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct pool {
	_Atomic uint64_t top; /* address of the first free object, and a count above bit 48 */
	_Atomic uint32_t made;
	uint32_t bytes; /* of an object, a multiple of 64 */
	uint32_t chunk; /* objects in a mapping */
	uint32_t most;
};

void *pool_get(struct pool *pool); /* its first 8 bytes are undefined, all else is as given back */
void pool_put(struct pool *pool, void *object);
void pool_add(struct pool *pool, uint8_t *objects, uint32_t count);

#endif
