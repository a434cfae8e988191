/*
 * note - what the notes of a program or library in memory say of it.
 *
 * Threads:  any.
 * Memory:   none; what is found lies in the image itself.
 * Errors:   what is malformed, or not in memory, is as if it were not there.
 * Source:   System V ABI, "Note Section"; in segments aligned to 8 bytes name and content are, too.
 */
#ifndef SHIM_NOTE_H
#define SHIM_NOTE_H

#include <link.h>
#include <stddef.h>
#include <stdint.h>

struct note_image {
	const ElfW(Phdr) * segments;
	size_t count;
	uintptr_t base; /* what is added to the addresses in it */
};

/* The image whose table of segments is mapped there, by what the table says of itself. */
struct note_image note_image_of(const ElfW(Phdr) * segments, size_t count);

/* Its content; NULL: there is none. name: with its NUL, which counts in name_bytes. */
const uint8_t *note_find(const struct note_image *image, const char *name, size_t name_bytes,
			 uint32_t type, size_t *bytes);

#endif
