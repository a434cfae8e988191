/*
 * Every member of the malloc family, counted in exact usable bytes.
 */
#include "host.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct heap {
	uint64_t allocations, frees, allocated, freed;
};

static const struct rs_header *header;

static struct heap look(void)
{
	return (struct heap){ HOST_SUM(header, allocations), HOST_SUM(header, frees),
			      HOST_SUM(header, allocated_bytes), HOST_SUM(header, freed_bytes) };
}

/* The last call allocated block and nothing else. */
static void got_exactly(const struct heap *before, void *block)
{
	struct heap now = look();

	HOST_CHECK(block != NULL);
	HOST_CHECK(now.allocations == before->allocations + 1);
	HOST_CHECK(now.allocated == before->allocated + malloc_usable_size(block));
	HOST_CHECK(now.frees == before->frees && now.freed == before->freed);
}

static void gave_exactly(void *block)
{
	size_t bytes = malloc_usable_size(block);
	struct heap before = look();
	struct heap now;

	free(block);
	now = look();
	HOST_CHECK(now.frees == before.frees + 1 && now.freed == before.freed + bytes);
	HOST_CHECK(now.allocations == before.allocations && now.allocated == before.allocated);
}

#define EACH(call)                                                                                 \
	do {                                                                                       \
		struct heap before_ = look();                                                      \
		void *block_ = (call);                                                             \
		got_exactly(&before_, block_);                                                     \
		memset(block_, 1, malloc_usable_size(block_));                                     \
		gave_exactly(block_);                                                              \
	} while (0)

static void *aligned(size_t alignment, size_t bytes)
{
	void *block;

	HOST_CHECK(!posix_memalign(&block, alignment, bytes));
	HOST_CHECK((uintptr_t)block % alignment == 0);
	return block;
}

static void every_way_in(void)
{
	/* 300,000 is a mapping of its own in glibc. */
	static const size_t sizes[] = { 0, 1, 24, 25, 1000, 4096, 100000, 300000, 5000000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];

		EACH(malloc(n));
		EACH(calloc(n, 1));
		EACH(realloc(NULL, n));
		EACH(reallocarray(NULL, n, 1));
		EACH(aligned(64, n));
		EACH(aligned_alloc(64, n));
		EACH(memalign(256, n));
		EACH(valloc(n));
		EACH(pvalloc(n));
	}
}

static void resizing_gives_and_gets(void)
{
	void *block = malloc(10);
	size_t was = malloc_usable_size(block);
	struct heap before = look();
	struct heap now;

	block = realloc(block, 5000);
	now = look();
	HOST_CHECK(now.freed == before.freed + was && now.frees == before.frees + 1);
	HOST_CHECK(now.allocated == before.allocated + malloc_usable_size(block));
	was = malloc_usable_size(block);
	before = look();
	HOST_CHECK(realloc(block, 0) == NULL);
	now = look();
	HOST_CHECK(now.freed == before.freed + was && now.allocated == before.allocated);
}

static void refusals_count_nothing(void)
{
	volatile size_t absurd = SIZE_MAX / 2;
	struct heap before = look();
	struct heap now;
	void *block = &now;

	errno = 0;
	HOST_CHECK(!malloc(absurd) && errno == ENOMEM);
	errno = 0;
	HOST_CHECK(!calloc(absurd, 3) && errno == ENOMEM);
	errno = 0;
	HOST_CHECK(!reallocarray(NULL, absurd, 3) && errno == ENOMEM);
	errno = 0;
	HOST_CHECK(posix_memalign(&block, 3, 8) == EINVAL && errno == 0 && block == &now);
	errno = 77;
	free(NULL);
	HOST_CHECK(errno == 77);
	now = look();
	HOST_CHECK(!memcmp(&now, &before, sizeof(now)));
	block = malloc(100);
	before = look();
	HOST_CHECK(!realloc(block, absurd));
	now = look();
	HOST_CHECK(!memcmp(&now, &before, sizeof(now)));
	free(block);
}

static void *churn(void *unused)
{
	void *blocks[100];

	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < 100; i++)
			blocks[i] = malloc((size_t)(i * 13 + round));
		for (int i = 0; i < 100; i++)
			free(blocks[i]);
	}
	return unused;
}

static void threads_leave_nothing_behind(void)
{
	struct heap before = look();
	struct heap now;
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		HOST_CHECK(!pthread_create(&threads[i], NULL, churn, NULL));
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	now = look();
	HOST_CHECK(now.allocations - before.allocations >= 800000);
	/* What is left is what libc keeps for its threads' stacks. */
	HOST_CHECK(now.allocations - before.allocations - (now.frees - before.frees) < 50);
	HOST_CHECK((int64_t)(now.allocated - before.allocated - (now.freed - before.freed)) <
		   20000);
}

int main(void)
{
	header = host_segment_wanted();
	HOST_CHECK(header->allocator == RS_ALLOCATOR_SEEN);
	every_way_in();
	resizing_gives_and_gets();
	refusals_count_nothing();
	threads_leave_nothing_behind();
	return 0;
}
