/*
 * fuzz_gotable - files of any bytes as a Go program's: whatever is found in its table has a name,
 *                and is a function within the text that is run.
 */
#include "gotable.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT 0x401000u
#define TEXT_AT 8u
#define TEXT_BYTES 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int see(void *ctx, const char *name, uint64_t address, uint64_t size)
{
	const struct gotable *t = ctx;

	if (!*name || strlen(name) >= GOTABLE_NAME || !size || address < t->text)
		abort();
	return 0;
}

static void found(void *ctx, const struct image_name *name, uint64_t offset, uint64_t size)
{
	(void)ctx;
	(void)name;
	if (offset < TEXT_AT || offset >= TEXT_AT + TEXT_BYTES || !size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct image_name name = { "main.main", false, 0 };
	static struct image image;
	static struct gotable table;
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("file", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	image.fd = fd;
	image.segment_count = 2;
	image.segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = size };
	image.segments[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
					  .p_flags = PF_R | PF_X,
					  .p_offset = TEXT_AT,
					  .p_vaddr = TEXT,
					  .p_filesz = TEXT_BYTES };
	if (gotable_open(&table, &image))
		return 0;
	gotable_each(&table, see, &table);
	gotable_look_up(&table, &name, 1, found, NULL);
	return 0;
}
