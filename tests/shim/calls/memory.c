/*
 * memory - the family of malloc: sizes that are none, that are too large, and odd alignments.
 */
#include "calls.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static volatile size_t all = SIZE_MAX, half = (size_t)PTRDIFF_MAX, none;
static size_t wanted = 16; /* alignment */

/* A block has no address here: whether there is one, how it is aligned, how large it is. */
static void *say(const char *name, const char *of, void *block)
{
	int error = errno;
	uintptr_t at = (uintptr_t)block;

	calls_say(name, of, block != NULL, error);
	if (block) {
		calls_note("aligned", at % wanted == 0);
		calls_note("usable", (long)malloc_usable_size(block));
	}
	errno = CALLS_UNTOUCHED;
	return block;
}

static void drop(void *block)
{
	CALL("free", "a block", (free(block), 0));
}

static void sizes(void)
{
	static const size_t tried[] = { 1, 24, 25, 100, 1000, 4096, 100000, 1 << 20, 64 << 20 };

	errno = CALLS_UNTOUCHED;
	free(say("malloc", "nothing", malloc(none)));
	free(say("malloc", "half of all", malloc(half)));
	free(say("malloc", "all", malloc(all)));
	for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++)
		free(say("malloc", "some", malloc(tried[i])));
	free(say("calloc", "nothing", calloc(none, 8)));
	free(say("calloc", "of nothing", calloc(8, none)));
	free(say("calloc", "overflow", calloc(half, 4)));
	free(say("calloc", "too much", calloc(1, half)));
	free(say("calloc", "some", calloc(30, 4)));
	CALL("free", "NULL", (free(NULL), 0));
	CALL("malloc_usable_size", "NULL", malloc_usable_size(calls_null));
}

static void is_zero(void)
{
	unsigned char *block = malloc(500);
	long sum = 0;

	CALLS_DO(block);
	memset(block, 0xff, 500);
	free(block);
	block = calloc(5, 100);
	CALLS_DO(block);
	for (int i = 0; i < 500; i++)
		sum += block[i];
	calls_note("calloc's bytes", sum);
	drop(block);
}

/* A block that could not be resized is as it was, which the compiler does not believe. */
static void too_much(char *block)
{
	char *volatile kept = block;

	CALLS_DO(!say("realloc", "too much", realloc(kept, half)));
	calls_bytes(kept, 9);
	CALLS_DO(!say("reallocarray", "overflow", reallocarray(kept, half, 16)));
	CALLS_DO(!say("reallocarray", "too much", reallocarray(kept, 1, half)));
}

static void resized(void)
{
	char *block = say("realloc", "NULL", realloc(NULL, 10));

	CALLS_DO(block);
	memcpy(block, "123456789", 10);
	block = say("realloc", "more", realloc(block, 5000));
	CALLS_DO(block);
	calls_bytes(block, 9);
	block = say("realloc", "less", realloc(block, 30));
	CALLS_DO(block);
	calls_bytes(block, 9);
	too_much(block);
	block = say("reallocarray", "more", reallocarray(block, 100, 10));
	CALLS_DO(block);
	calls_bytes(block, 9);
	block = say("realloc", "large", realloc(block, 1 << 20));
	CALLS_DO(block);
	calls_bytes(block, 9);
	block = say("realloc", "larger", realloc(block, 8 << 20));
	CALLS_DO(block);
	calls_bytes(block, 9);
	say("realloc", "nothing", realloc(block, none));
	free(say("reallocarray", "NULL", reallocarray(NULL, 3, 3)));
	free(say("realloc", "NULL and nothing", realloc(NULL, none)));
}

static void aligned(void)
{
	static const size_t alignments[] = { 0, 1, 3, 8, 16, 24, 64, 4096 };
	void *block = &block;

	errno = CALLS_UNTOUCHED;
	for (size_t i = 0; i < sizeof(alignments) / sizeof(alignments[0]); i++) {
		volatile size_t alignment = alignments[i];
		int result;

		calls_note("alignment", (long)alignment);
		wanted = alignment & (alignment - 1) || alignment < 16 ? 16 : alignment;
		free(say("aligned_alloc", "100", aligned_alloc(alignment, 100)));
		free(say("memalign", "100", memalign(alignment, 100)));
		block = &block;
		result = posix_memalign(&block, alignment, 100);
		calls_say("posix_memalign", "100", result, errno);
		calls_note("untouched", block == &block);
		if (!result)
			free(block);
	}
	wanted = 4096;
	free(say("aligned_alloc", "too much", aligned_alloc(64, half)));
	free(say("memalign", "too much", memalign(64, half)));
	CALL("posix_memalign", "too much", posix_memalign(&block, 64, half));
	CALL("posix_memalign", "nothing", posix_memalign(&block, 64, none));
	free(block);
	free(say("memalign", "an alignment too large", memalign(half, 1)));
	errno = CALLS_UNTOUCHED;
	free(say("valloc", "100", valloc(100)));
	free(say("valloc", "too much", valloc(half)));
#ifdef __GLIBC__
	free(say("pvalloc", "100", pvalloc(100)));
	free(say("pvalloc", "too much", pvalloc(all)));
#endif
}

void calls_of_memory(void)
{
	sizes();
	is_zero();
	resized();
	aligned();
	calls_descriptors();
}
