/*
 * A host that a sanitizer watches: its allocator is asked nothing, and the shim says that it sees
 * none of it. What a sanitizer prints is compared by unnoticed.py.
 */
#include "host.h"

#include <malloc.h>
#include <stdlib.h>

/* By this name the shim knows one. */
size_t __sanitizer_get_heap_size(void);
size_t __sanitizer_get_heap_size(void)
{
	return 0;
}

int main(void)
{
	struct rs_header *header = host_segment_wanted();
	struct host_pair pair;
	void *block = realloc(malloc(100), 5000);

	free(block);
	free(calloc(7, 7));
	free(reallocarray(NULL, 7, 7));
	free(memalign(64, 64));
	free(aligned_alloc(64, 64));
	free(valloc(64));
	free(pvalloc(64));
	HOST_CHECK(!posix_memalign(&block, 64, 64));
	free(block);
	HOST_CHECK(header->allocator == RS_ALLOCATOR_HIDDEN);
	HOST_CHECK(HOST_SUM(header, allocations) == 0 && HOST_SUM(header, frees) == 0);
	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/sanitized"));
	HOST_CHECK(HOST_SUM(header, requests) == 1);
	return 0;
}
