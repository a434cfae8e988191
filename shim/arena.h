/*
 * arena - memory for whoever allocates before the real allocator was found.
 *
 * Threads:  the dynamic linker and the constructors: one.
 * Memory:   16 KiB of .bss, then one mapping of 1 MiB; a block is never given back.
 * Errors:   NULL with errno ENOMEM when both are used up.
 * Cost:     arena_owns is one load while the arena was never used.
 */
#ifndef SHIM_ARENA_H
#define SHIM_ARENA_H

#include <stdbool.h>
#include <stddef.h>

extern bool arena_used;

void *arena_malloc(size_t bytes);
void *arena_calloc(size_t count, size_t bytes);
void *arena_realloc(void *old, size_t bytes);
void *arena_reallocarray(void *old, size_t count, size_t bytes);
void arena_free(void *block);
int arena_posix_memalign(void **out, size_t alignment, size_t bytes);
void *arena_memalign(size_t alignment, size_t bytes);
void *arena_valloc(size_t bytes);
void *arena_pvalloc(size_t bytes);
size_t arena_usable(void *block);

bool arena_holds(const void *block);

static inline bool arena_owns(const void *block)
{
	return __builtin_expect(arena_used, 0) && arena_holds(block);
}

#endif
