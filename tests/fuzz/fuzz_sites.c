/*
 * fuzz_sites - files of any bytes: what is found stands in the file, or nothing is.
 */
#include "cleartext.h"
#include "sites.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct image image;
	static int fd = -1;
	struct sites sites;

	if (fd < 0)
		fd = memfd_create("file", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	if (image_open(&image, fd))
		return 0;
	for (uint32_t runtime = RUNTIME_NONE; runtime < RUNTIMES; runtime++) {
		if (runtime == RUNTIME_NONE)
			cleartext_read(&image, &sites);
		else
			sites_read(&image, (enum runtime)runtime, &sites);
		if (!sites_are_sane(&sites, (enum runtime)runtime))
			abort();
		for (uint32_t i = 0; i < sites.count; i++)
			if (sites.at[i].offset >= size || sites.at[i].semaphore >= size)
				abort();
	}
	return 0;
}
