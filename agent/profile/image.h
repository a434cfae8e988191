/*
 * image - an ELF file of this machine: its heads, and functions by name.
 *
 * Threads:  one, in a locked-down child: files are hostile, and are read by pread alone.
 * Memory:   a value of a megabyte, taken before: nothing is allocated here. The file is borrowed.
 * Errors:   0 or -errno: -ENOEXEC: it is none, or shorter than it says; -ENODATA.
 */
#ifndef PROFILE_IMAGE_H
#define PROFILE_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_ROOM (1u << 20)
#define IMAGE_SECTIONS 1024u
#define IMAGE_SEGMENTS 128u

struct image {
	int fd;
	uint32_t section_count, segment_count;
	Elf64_Ehdr head;
	Elf64_Shdr sections[IMAGE_SECTIONS];
	Elf64_Phdr segments[IMAGE_SEGMENTS];
	char bytes[IMAGE_ROOM]; /* of whoever reads just now */
};

int image_open(struct image *file, int fd);
int image_read(const struct image *file, void *out, size_t bytes, uint64_t offset);

/* NULL: there is none. Names are shorter than 32. */
const Elf64_Shdr *image_section(const struct image *file, const char *name);

/*
 * The file's place of what is loaded at this address, with these rights; 0: there is none, or the
 * file is shorter than it says.
 */
uint64_t image_offset(const struct image *file, uint64_t address, uint32_t rights);

struct image_name {
	const char *text;
	bool begins;   /* only how it begins; one with a dot behind is a part of a function */
	uint32_t kind; /* the caller's */
};

typedef void (*image_fn)(void *ctx, const struct image_name *name, uint64_t offset, uint64_t size);

/*
 * Of functions alone: the exported ones, or, where it exports none of these, all. Calls each for
 * those that are there, with their place in the file.
 */
int image_look_up(struct image *file, const struct image_name *names, uint32_t count, image_fn each,
		  void *ctx);

#endif
