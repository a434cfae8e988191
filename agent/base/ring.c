#include "ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING_BUSY (UINT32_C(1) << 31)
#define RING_DISCARDED (UINT32_C(1) << 30)
#define RING_LENGTH (RING_DISCARDED - 1)
#define RING_HEAD 8u /* bytes in front of each record */

struct ring {
	_Atomic uint64_t *consumer; /* a page of its own */
	char *producer;             /* its page, then the data twice */
	const char *data;
	size_t page;
	uint32_t bytes;
};

int ring_open(struct ring **out, int fd, uint32_t bytes)
{
	struct ring *r;
	void *consumer, *producer;

	*out = NULL;
	if (!bytes || (bytes & (bytes - 1)))
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->bytes = bytes;
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	consumer = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	producer =
		mmap(NULL, r->page + 2 * (size_t)bytes, PROT_READ, MAP_SHARED, fd, (off_t)r->page);
	r->consumer = consumer == MAP_FAILED ? NULL : consumer;
	r->producer = producer == MAP_FAILED ? NULL : producer;
	if (!r->consumer || !r->producer) {
		int error = errno;

		ring_close(r);
		return -error;
	}
	r->data = r->producer + r->page;
	*out = r;
	return 0;
}

void ring_close(struct ring *r)
{
	if (!r)
		return;
	if (r->consumer)
		munmap((void *)(uintptr_t)r->consumer, r->page);
	if (r->producer)
		munmap(r->producer, r->page + 2 * (size_t)r->bytes);
	free(r);
}

uint32_t ring_read(struct ring *r, ring_fn each, void *ctx)
{
	uint64_t at = atomic_load_explicit(r->consumer, memory_order_relaxed);
	/* A: acquire keeps the records behind it; pairs with the kernel's release of it */
	uint64_t end =
		atomic_load_explicit((_Atomic uint64_t *)(void *)r->producer, memory_order_acquire);
	uint32_t count = 0;

	while (at < end) {
		const char *head = r->data + (at & (r->bytes - 1));
		/* B: acquire keeps the bytes behind the length; pairs with the kernel's commit */
		uint32_t length = atomic_load_explicit((const _Atomic uint32_t *)(const void *)head,
						       memory_order_acquire);

		if (length & RING_BUSY)
			break;
		if (!(length & RING_DISCARDED)) {
			each(ctx, head + RING_HEAD, length & RING_LENGTH);
			count++;
		}
		at += ((length & RING_LENGTH) + RING_HEAD + 7) / 8 * 8;
		/* C: release: we are done with its bytes; pairs with the kernel's acquire */
		atomic_store_explicit(r->consumer, at, memory_order_release);
	}
	return count;
}
