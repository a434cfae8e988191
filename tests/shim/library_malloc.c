/*
 * library_malloc - an allocator behind the shim: each block begins a page, and the page before it
 * cannot be read. With SIZES it tells how large its blocks are, as jemalloc does; else it does not.
 */
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096u
#define BLOCKS 4096u

size_t library_blocks(void);

static struct {
	void *at;
	size_t bytes;
} blocks[BLOCKS];
static _Atomic size_t used;

static void *take(size_t bytes)
{
	size_t whole = (bytes + PAGE) & ~(size_t)(PAGE - 1);
	size_t n = used++;
	uint8_t *at;

	if (n >= BLOCKS)
		return NULL;
	at = mmap(NULL, whole + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED || mprotect(at, PAGE, PROT_NONE))
		return NULL;
	blocks[n].at = at + PAGE;
	blocks[n].bytes = whole;
	return at + PAGE;
}

void *malloc(size_t bytes)
{
	return take(bytes);
}

static size_t bytes_of(const void *block)
{
	for (size_t n = 0; n < BLOCKS; n++) {
		if (blocks[n].at == block)
			return blocks[n].bytes;
	}
	return 0;
}

void free(void *block)
{
	(void)block;
}

void *calloc(size_t count, size_t bytes)
{
	return take(count * bytes); /* a page is used once, so it is zero */
}

void *realloc(void *old, size_t bytes)
{
	void *block = take(bytes);
	size_t before = old ? bytes_of(old) : 0;

	return old && block ? memcpy(block, old, before < bytes ? before : bytes) : block;
}

#ifdef SIZES
size_t malloc_usable_size(void *block)
{
	return bytes_of(block);
}
#endif

size_t library_blocks(void)
{
	return used;
}
