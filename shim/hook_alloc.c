/*
 * hook_alloc - the whole malloc family, counted in exact usable bytes.
 *
 * Threads:  any, signal handlers too: each counter moves by one instruction of its owner.
 * Memory:   the real allocator's; blocks of the arena (arena.h) are recognised and left alone.
 * Errors:   results and errno are the real function's.
 * Cost:     2.5 ns for a pair of malloc and free.
 *
 * A child of vfork allocates from its parent's heap, so that its calls are counted there, rightly.
 */
#include "arena.h"
#include "hooks.h"
#include "hot.h"
#include "real.h"
#include "tally.h"
#include "thread.h"

#include <errno.h>
#include <link.h>
#include <stdint.h>

#pragma weak dl_iterate_phdr

/* Every sanitizer that comes with an allocator of its own has this, in gcc's form and clang's. */
size_t __sanitizer_get_heap_size(void);
#pragma weak __sanitizer_get_heap_size

/* real.malloc_usable_size, or what says 0 where that is another allocator's than real.malloc. */
static size_t (*alloc_ask)(void *block) = arena_usable;

/* All calls are tail calls, not counted: a sanitizer's reports show no frame of ours. */
static HOT_DATA bool alloc_passes;

/* Blocks are not what this library knows: also while alloc_passes. */
static HOT_DATA bool alloc_asks = true;

#if defined(__x86_64__)
#define ALLOC_CHUNK_MMAPPED 2u
#define ALLOC_CHUNK_FLAGS 7u

void *__libc_malloc(size_t bytes);
#pragma weak __libc_malloc

/*
 * glibc's own malloc keeps a chunk's size in the word before it. Reading it costs a third of asking
 * malloc_usable_size, which touches the next chunk too. Every thread's first block is checked
 * against the answer of malloc_usable_size, and a mismatch ends this short cut.
 */
static inline size_t alloc_chunk_bytes(const void *block)
{
	size_t word = ((const size_t *)block)[-1];

	return (word & ~(size_t)ALLOC_CHUNK_FLAGS) - sizeof(size_t);
}

static inline bool alloc_is_plain(const void *block)
{
	return !(((const size_t *)block)[-1] & ALLOC_CHUNK_MMAPPED);
}

static void alloc_choose_way(void)
{
	alloc_asks = real.malloc != __libc_malloc;
}
#else
static inline size_t alloc_chunk_bytes(void *block)
{
	return alloc_ask(block);
}

static inline bool alloc_is_plain(const void *block)
{
	(void)block;
	return true;
}

static void alloc_choose_way(void)
{
	alloc_asks = false;
}
#endif

static size_t alloc_bytes(void *block)
{
	return alloc_asks || !alloc_is_plain(block) ? alloc_ask(block) : alloc_chunk_bytes(block);
}

static void alloc_check(void *block)
{
	if (alloc_bytes(block) != alloc_ask(block))
		alloc_asks = true;
}

struct alloc_pair {
	uintptr_t gives, tells;
	bool apart;
};

static bool alloc_lies_in(const struct dl_phdr_info *object, uintptr_t at)
{
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD &&
		    at - object->dlpi_addr - segment->p_vaddr < segment->p_memsz)
			return true;
	}
	return false;
}

static int alloc_look(struct dl_phdr_info *object, size_t bytes, void *context)
{
	struct alloc_pair *pair = context;
	bool gives = alloc_lies_in(object, pair->gives);
	bool tells = alloc_lies_in(object, pair->tells);

	(void)bytes;
	pair->apart = gives != tells;
	return gives || tells;
}

/* Not by dladdr, which looks for the nearest symbol too: all of the C library's, 0.07 ms. */
static bool alloc_is_one(void)
{
	struct alloc_pair pair = { .gives = (uintptr_t)real.malloc,
				   .tells = (uintptr_t)real.malloc_usable_size };

	if (dl_iterate_phdr)
		dl_iterate_phdr(alloc_look, &pair);
	return !pair.apart;
}

/*
 * An allocator without the one function is asked by way of the C library's, which would crash. A
 * sanitizer's takes the question after a block that is gone for the program's own mistake.
 */
START bool hook_alloc_choose(void)
{
	if (__sanitizer_get_heap_size) {
		alloc_passes = true;
		return false;
	}
	if (!alloc_is_one())
		return false;
	alloc_ask = real.malloc_usable_size;
	alloc_choose_way();
	return true;
}

/* A thread's first call, one without a block of its own, and one that may not claim now. */
static __attribute__((noinline, cold)) void alloc_count_shared(size_t got, size_t given,
							       uint32_t gets, uint32_t gives)
{
	struct rs_block *block = here.block ? here.block : thread_block();

	if (!block)
		return;
	tally_add_shared(&block->allocations, gets);
	tally_add_shared(&block->allocated_bytes, got);
	tally_add_shared(&block->frees, gives);
	tally_add_shared(&block->freed_bytes, given);
}

static inline bool alloc_live(void)
{
	return __builtin_expect(atomic_load_explicit(&control.live, memory_order_relaxed), 1);
}

/* Any block: of an allocator that has to be asked, of a thread without a tally, or none. */
static RARE void *alloc_got_any(void *block)
{
	struct rs_block *tally = here.heap;

	if (!block || !alloc_live())
		return block;
	if (!tally) {
		alloc_check(block);
		alloc_count_shared(alloc_bytes(block), 0, 1, 0);
		return block;
	}
	tally_add(&tally->allocations, 1);
	tally_add(&tally->allocated_bytes, alloc_bytes(block));
	return block;
}

/* What is rare has one way out, without a return: no register has to be saved for it. */
static inline void *alloc_got(void *block)
{
	struct rs_block *tally = here.heap;

	if (__builtin_expect(
		    !block || !tally || alloc_asks || !alloc_live() || !alloc_is_plain(block), 0))
		return alloc_got_any(block);
	tally_add(&tally->allocations, 1);
	tally_add(&tally->allocated_bytes, alloc_chunk_bytes(block));
	return block;
}

static RARE void alloc_gave(size_t bytes)
{
	struct rs_block *tally = here.heap;

	if (!tally) {
		alloc_count_shared(0, bytes, 0, 1);
		return;
	}
	tally_add(&tally->frees, 1);
	tally_add(&tally->freed_bytes, bytes);
}

/* From the arena to the real allocator: the first resize of a block that came too early. */
static void *alloc_move(void *old, size_t bytes)
{
	size_t before = arena_usable(old);
	void *block = malloc(bytes);

	if (block)
		__builtin_memcpy(block, old, before < bytes ? before : bytes);
	return block;
}

EXPORT HOT_IN(all) void *malloc(size_t bytes)
{
	if (__builtin_expect(alloc_passes, 0))
		return real.malloc(bytes);
	return alloc_got(real.malloc(bytes));
}

EXPORT HOT_IN(all) void *calloc(size_t count, size_t bytes)
{
	if (__builtin_expect(alloc_passes, 0))
		return real.calloc(count, bytes);
	return alloc_got(real.calloc(count, bytes));
}

static RARE void free_any(void *block)
{
	if (!block || arena_owns(block))
		return;
	if (!alloc_passes && alloc_live())
		alloc_gave(alloc_bytes(block));
	real.free(block);
}

EXPORT HOT_IN(all) void free(void *block)
{
	struct rs_block *tally = here.heap;

	if (__builtin_expect(!block || !tally || arena_used || alloc_asks || !alloc_live() ||
				     !alloc_is_plain(block),
			     0)) {
		free_any(block);
		return;
	}
	tally_add(&tally->frees, 1);
	tally_add(&tally->freed_bytes, alloc_chunk_bytes(block));
	real.free(block);
}

EXPORT HOT_IN(all) void *realloc(void *old, size_t bytes)
{
	size_t before;
	void *block;

	if (arena_owns(old))
		return alloc_move(old, bytes);
	if (__builtin_expect(alloc_passes, 0))
		return real.realloc(old, bytes);
	before = old && alloc_live() ? alloc_bytes(old) : 0;
	block = real.realloc(old, bytes);
	/* Of size 0 the C library frees and returns NULL. */
	if (old && (block || !bytes) && alloc_live())
		alloc_gave(before);
	return alloc_got(block);
}

EXPORT void *reallocarray(void *old, size_t count, size_t bytes)
{
	size_t all;

	if (__builtin_mul_overflow(count, bytes, &all)) {
		real_fail(ENOMEM);
		return NULL;
	}
	return realloc(old, all);
}

EXPORT HOT_IN(all)
int posix_memalign(void **out, size_t alignment, size_t bytes)
{
	int result;

	if (__builtin_expect(alloc_passes, 0))
		return real.posix_memalign(out, alignment, bytes);
	result = real.posix_memalign(out, alignment, bytes);
	if (!result)
		alloc_got(*out);
	return result;
}

EXPORT void *aligned_alloc(size_t alignment, size_t bytes)
{
	if (__builtin_expect(alloc_passes, 0))
		return real.aligned_alloc(alignment, bytes);
	return alloc_got(real.aligned_alloc(alignment, bytes));
}

EXPORT void *memalign(size_t alignment, size_t bytes)
{
	if (__builtin_expect(alloc_passes, 0))
		return real.memalign(alignment, bytes);
	return alloc_got(real.memalign(alignment, bytes));
}

EXPORT void *valloc(size_t bytes)
{
	if (__builtin_expect(alloc_passes, 0))
		return real.valloc(bytes);
	return alloc_got(real.valloc(bytes));
}

EXPORT void *pvalloc(size_t bytes)
{
	if (__builtin_expect(alloc_passes, 0))
		return real.pvalloc(bytes);
	return alloc_got(real.pvalloc(bytes));
}

EXPORT size_t malloc_usable_size(void *block)
{
	return arena_owns(block) ? arena_usable(block) : real.malloc_usable_size(block);
}

/* C23: the sizes are promises to the allocator, free may ignore them. */
EXPORT void free_sized(void *block, size_t bytes)
{
	(void)bytes;
	free(block);
}

EXPORT void free_aligned_sized(void *block, size_t alignment, size_t bytes)
{
	(void)alignment;
	(void)bytes;
	free(block);
}
