/*
 * inlined - the functions that the compiler put into others, by the debug information of an ELF
 *           file; by libdw, which is opened here as in cfi.h.
 *
 * Threads:  one, in the symbolizer: files are hostile.
 * Memory:   inlined_open allocates, inlined_close frees; the descriptor is borrowed until then.
 * Errors:   0 or -errno: -ELIBACC: no such library here; -ENODATA: it has no such information.
 */
#ifndef PROFILE_INLINED_H
#define PROFILE_INLINED_H

#include <stdint.h>

struct inlined;

int inlined_load(void); /* before the jail */
int inlined_open(struct inlined **out, int fd);
void inlined_close(struct inlined *in); /* NULL is fine */

/* Those that the code at this address (as the file has it) is of, innermost first. */
typedef void (*inlined_fn)(void *ctx, const char *name);
void inlined_each(const struct inlined *in, uint64_t address, inlined_fn each, void *ctx);

#endif
