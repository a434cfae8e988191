/*
 * fuzz_sites - files of any bytes: what is found stands in the file, or nothing is.
 */
#include "sites.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sites_room room;
	static int fd = -1;
	struct sites sites;

	if (fd < 0)
		fd = memfd_create("file", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	for (uint32_t runtime = RUNTIME_NONE; runtime < RUNTIMES; runtime++) {
		sites_read(fd, (enum runtime)runtime, &room, &sites);
		if (!sites_sane(&sites))
			abort();
		for (uint32_t i = 0; i < sites.count; i++)
			if (sites.at[i].offset >= size || sites.at[i].semaphore >= size)
				abort();
	}
	return 0;
}
