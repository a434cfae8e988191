/*
 * A host whose allocator is a library of its own behind the shim: counted by the sizes that it
 * tells; one that tells none is left in peace, and no zeros are shown for it.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

size_t library_blocks(void);
#pragma weak library_blocks

int main(int argc, char **argv)
{
	struct rs_header *header = host_segment_wanted();
	bool tells = argc > 1 && !strcmp(argv[1], "tells");
	uint64_t bytes;
	struct host_pair pair;
	void *block;
	size_t before;

	HOST_CHECK(library_blocks);
	before = library_blocks();
	bytes = HOST_SUM(header, allocated_bytes);
	block = malloc(100);
	HOST_CHECK(block && library_blocks() == before + 1);
	block = realloc(block, 10000);
	HOST_CHECK(block && library_blocks() == before + 2);
	HOST_CHECK(header->allocator == (tells ? RS_ALLOCATOR_SEEN : RS_ALLOCATOR_HIDDEN));
	HOST_CHECK(HOST_SUM(header, allocated_bytes) - bytes == (tells ? 4096 + 12288 : 0));
	free(block);
	host_connect(&pair);
	HOST_CHECK(host_serve(&pair, "/library"));
	HOST_CHECK(HOST_SUM(header, requests) == 1);
	return 0;
}
