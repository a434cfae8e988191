/*
 * pool - a stack of free objects, linked through their first word.
 *
 * Threads:  any.
 * Memory:   see pool.h.
 * Errors:   see pool.h.
 * Cost:     see pool.h.
 */
#include "pool.h"

#include "home.h"
#include "hot.h"
#include "sys.h"

#include <sys/mman.h>

#define POOL_ADDRESS ((UINT64_C(1) << 48) - 1)
#define POOL_TURN (UINT64_C(1) << 48) /* each take changes the word: an old view of it fails */

static _Atomic uint64_t *pool_link(uint64_t top)
{
	return (_Atomic uint64_t *)(uintptr_t)(top & POOL_ADDRESS);
}

HOT_IN(dialogue) void pool_put(struct pool *pool, void *object)
{
	uint64_t address = (uintptr_t)object;
	uint64_t top = atomic_load_explicit(&pool->top, memory_order_relaxed);

	do {
		atomic_store_explicit(pool_link(address), top & POOL_ADDRESS, memory_order_relaxed);
		/* N: release puts our use of the object ahead of the next; pairs with O. */
	} while (!atomic_compare_exchange_weak_explicit(
		&pool->top, &top, (top & ~POOL_ADDRESS) | address, memory_order_release,
		memory_order_relaxed));
}

void pool_add(struct pool *pool, uint8_t *objects, uint32_t count)
{
	atomic_fetch_add_explicit(&pool->made, count, memory_order_relaxed);
	while (count--)
		pool_put(pool, objects + (size_t)count * pool->bytes);
}

static bool pool_grow(struct pool *pool)
{
	size_t bytes = (size_t)pool->bytes * pool->chunk;
	long at;

	if (atomic_load_explicit(&home.frozen, memory_order_relaxed) ||
	    atomic_load_explicit(&pool->made, memory_order_relaxed) >= pool->most)
		return false;
	at = sys_call(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (sys_failed(at))
		return false;
	pool_add(pool, (uint8_t *)at, pool->chunk);
	return true;
}

HOT_IN(dialogue) void *pool_get(struct pool *pool)
{
	/* O: acquire puts our use of the object behind the last one's; pairs with N. */
	uint64_t top = atomic_load_explicit(&pool->top, memory_order_acquire);

	for (;;) {
		uint64_t next;

		if (!(top & POOL_ADDRESS)) {
			if (!pool_grow(pool))
				return NULL;
			top = atomic_load_explicit(&pool->top, memory_order_acquire);
			continue;
		}
		next = atomic_load_explicit(pool_link(top), memory_order_relaxed) & POOL_ADDRESS;
		if (atomic_compare_exchange_weak_explicit(
			    &pool->top, &top, ((top & ~POOL_ADDRESS) + POOL_TURN) | next,
			    memory_order_acquire, memory_order_acquire))
			return (void *)(uintptr_t)(top & POOL_ADDRESS);
	}
}
