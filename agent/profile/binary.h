/*
 * binary - the functions of an ELF file, by libelf, the only user of it, or by the table of Go.
 *
 * Threads:  one, in the symbolizer: files are hostile.
 * Memory:   a value; binary_fini frees. The library reads by pread into memory of its own.
 * Errors:   0 or -errno: -ENOEXEC no ELF file, -ENODATA it has no symbols.
 */
#ifndef PROFILE_BINARY_H
#define PROFILE_BINARY_H

#include "symtab.h"

#include <stdbool.h>

#define BINARY_SEGMENTS 32
#define BINARY_ID_TEXT 72 /* a build id of 20 bytes is usual */

struct binary_segment {
	uint64_t offset, size, address;
};

struct binary {
	struct binary_segment segments[BINARY_SEGMENTS]; /* executable ones, of the mapped file */
	uint32_t segment_count;
	struct symtab symbols;
	bool whole;                    /* all functions, not the exported ones alone */
	char build_id[BINARY_ID_TEXT]; /* hexadecimal; "": none */
};

/*
 * The mapped file itself; and, over its symbols, those of its debug file, which has to have the
 * same build id (-ESTALE).
 */
int binary_read(struct binary *e, int fd);
int binary_debug_read(struct binary *e, int fd);
void binary_fini(struct binary *e);

#define BINARY_NOWHERE UINT64_MAX
/* The address, as the file's symbols have it, of code at this offset in it; or BINARY_NOWHERE. */
uint64_t binary_address(const struct binary *e, uint64_t offset);

/* By place in the file: what was mapped where is the caller's to know. NULL: no name. */
const char *binary_find(const struct binary *e, uint64_t offset);

#endif
