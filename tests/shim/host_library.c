/*
 * A host whose allocator is a library of its own behind the shim: counted by the sizes that it
 * tells; one that tells none is left in peace, and no zeros are shown for it. A sanitizer's is
 * called as if by the host itself, and not asked: its reports name who called, and what is wrong.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

size_t library_blocks(void);
const void *library_caller(void);
#pragma weak library_blocks
#pragma weak library_caller

extern const char __executable_start[], etext[];

/* The last call to the allocator came from this program. */
static bool host_was_caller(void)
{
	const char *caller = library_caller();

	return caller >= __executable_start && caller < etext;
}

int main(int argc, char **argv)
{
	struct rs_header *header = host_segment_wanted();
	bool tells = argc > 1 && !strcmp(argv[1], "tells");
	bool sanitizes = argc > 1 && !strcmp(argv[1], "sanitizes");
	uint64_t bytes;
	struct host_pair pair;
	void *block;
	size_t before;

	HOST_CHECK(library_blocks);
	before = library_blocks();
	bytes = HOST_SUM(header, allocated_bytes);
	block = malloc(100);
	HOST_CHECK(block && library_blocks() == before + 1);
	HOST_CHECK(host_was_caller() == !tells);
	block = realloc(block, 10000);
	HOST_CHECK(block && library_blocks() == before + 2);
	HOST_CHECK(host_was_caller() == !tells);
	HOST_CHECK(!sanitizes || !HOST_SUM(header, allocations));
	HOST_CHECK(header->allocator == (tells ? RS_ALLOCATOR_SEEN : RS_ALLOCATOR_HIDDEN));
	HOST_CHECK(HOST_SUM(header, allocated_bytes) - bytes == (tells ? 4096 + 12288 : 0));
	free(block);
	HOST_CHECK(host_was_caller());
	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/library"));
	HOST_CHECK(HOST_SUM(header, requests) == 1);
	return 0;
}
