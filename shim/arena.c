/*
 * arena - memory for whoever allocates before the real allocator was found.
 *
 * Threads:  the dynamic linker and the constructors: one.
 * Memory:   each block is preceded by 16 bytes that hold its size.
 * Errors:   NULL with errno ENOMEM when both parts are used up.
 * Cost:     a few instructions a block.
 */
#include "arena.h"

#include "hot.h"
#include "mem.h"
#include "real.h"
#include "sys.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#define ARENA_FIRST_BYTES 16384u
#define ARENA_MORE_BYTES (1u << 20)
#define ARENA_HEAD_BYTES 16u

static _Alignas(16) uint8_t arena_first[ARENA_FIRST_BYTES];
static uint8_t *arena_more;
static size_t arena_first_end;
static size_t arena_more_end;

HOT_DATA bool arena_used;

static void *arena_cut(uint8_t *part, size_t part_bytes, size_t *end, size_t alignment,
		       size_t bytes)
{
	uintptr_t from = (uintptr_t)part + *end + ARENA_HEAD_BYTES;
	uintptr_t block = (from + alignment - 1) & ~(alignment - 1);

	if (bytes > part_bytes || block - (uintptr_t)part > part_bytes - bytes)
		return NULL;
	*end = block - (uintptr_t)part + ((bytes + 15) & ~(size_t)15);
	((size_t *)block)[-1] = bytes;
	arena_used = true;
	return (void *)block;
}

static void *arena_take(size_t alignment, size_t bytes)
{
	void *block;

	if (alignment < 16)
		alignment = 16;
	block = arena_cut(arena_first, ARENA_FIRST_BYTES, &arena_first_end, alignment, bytes);
	if (block)
		return block;
	if (!arena_more) {
		long at = sys_call(SYS_mmap, NULL, ARENA_MORE_BYTES, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (sys_failed(at))
			return real_fail(ENOMEM), NULL;
		arena_more = (uint8_t *)at;
	}
	block = arena_cut(arena_more, ARENA_MORE_BYTES, &arena_more_end, alignment, bytes);
	if (!block)
		real_fail(ENOMEM);
	return block;
}

bool arena_holds(const void *block)
{
	uintptr_t at = (uintptr_t)block;

	return at - (uintptr_t)arena_first < ARENA_FIRST_BYTES ||
	       (arena_more && at - (uintptr_t)arena_more < ARENA_MORE_BYTES);
}

size_t arena_usable(void *block)
{
	return block && arena_holds(block) ? ((size_t *)block)[-1] : 0;
}

void *arena_malloc(size_t bytes)
{
	return arena_take(16, bytes);
}

void *arena_calloc(size_t count, size_t bytes)
{
	size_t all;

	/* Never written before, so it is zero already. */
	if (__builtin_mul_overflow(count, bytes, &all))
		return real_fail(ENOMEM), NULL;
	return arena_take(16, all);
}

void *arena_realloc(void *old, size_t bytes)
{
	size_t before = arena_usable(old);
	void *block = arena_take(16, bytes);

	if (block)
		memcpy(block, old, before < bytes ? before : bytes);
	return block;
}

void *arena_reallocarray(void *old, size_t count, size_t bytes)
{
	size_t all;

	if (__builtin_mul_overflow(count, bytes, &all))
		return real_fail(ENOMEM), NULL;
	return arena_realloc(old, all);
}

void arena_free(void *block)
{
	(void)block; /* a few hundred bytes at most, and the linker keeps nearly all of them */
}

int arena_posix_memalign(void **out, size_t alignment, size_t bytes)
{
	*out = arena_take(alignment, bytes);
	return *out ? 0 : ENOMEM;
}

void *arena_memalign(size_t alignment, size_t bytes)
{
	return arena_take(alignment, bytes);
}

void *arena_valloc(size_t bytes)
{
	return arena_take(4096, bytes);
}

void *arena_pvalloc(size_t bytes)
{
	return arena_take(4096, (bytes + 4095) & ~(size_t)4095);
}
