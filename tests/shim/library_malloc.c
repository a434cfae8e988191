/*
 * library_malloc - an allocator behind the shim: each block begins a page, and the page before it
 * cannot be read. With SIZES it tells how large its blocks are, as jemalloc does; else it does not.
 * With SANITIZES it is one that ends the program when asked, as AddressSanitizer does of a block
 * that was freed, and remembers who called it.
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
const void *library_caller(void);
int __sanitizer_get_ownership(const volatile void *block);

static struct {
	void *at;
	size_t bytes;
} blocks[BLOCKS];
static _Atomic size_t used;
static const void *caller;

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
	caller = __builtin_return_address(0);
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
	caller = __builtin_return_address(0);
}

void *calloc(size_t count, size_t bytes)
{
	caller = __builtin_return_address(0);
	return take(count * bytes); /* a page is used once, so it is zero */
}

void *realloc(void *old, size_t bytes)
{
	void *block = take(bytes);
	size_t before = old ? bytes_of(old) : 0;

	caller = __builtin_return_address(0);
	return old && block ? memcpy(block, old, before < bytes ? before : bytes) : block;
}

#ifdef SIZES
size_t malloc_usable_size(void *block)
{
	return bytes_of(block);
}
#endif

#ifdef SANITIZES
size_t malloc_usable_size(void *block)
{
	(void)block;
	abort();
}

int __sanitizer_get_ownership(const volatile void *block)
{
	return block != NULL;
}
#endif

const void *library_caller(void)
{
	return caller;
}

size_t library_blocks(void)
{
	return used;
}
