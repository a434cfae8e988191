/*
 * cfi - stacks by the unwind information of ELF files, by libdw, opened here at first use. The only
 *       user of it.
 *
 * Threads:  one, in the symbolizer: files and stacks are hostile.
 * Memory:   cfi_open allocates, cfi_close frees; descriptors stay the caller's.
 * Errors:   0 or -errno: -ELIBACC: no such library here.
 */
#ifndef PROFILE_CFI_H
#define PROFILE_CFI_H

#include <stdbool.h>
#include <stdint.h>

struct cfi;
struct snapshot;

int cfi_load(void); /* before the jail */
int cfi_open(struct cfi **out);
void cfi_close(struct cfi *c); /* NULL is fine */

/* Where code is mapped, and from which part of its file. */
struct cfi_range {
	uint64_t start, end, offset;
};

/* In order of their addresses. -ENOEXEC: not usable. */
int cfi_file_add(struct cfi *c, const struct cfi_range *at, int fd);
int cfi_vdso_add(struct cfi *c, const struct cfi_range *at); /* the same in each process: ours */
int cfi_files_end(struct cfi *c);                            /* -ENODATA: none could be used */

/*
 * Places of code, innermost first; their number, at least 1. *whole: up to the outermost one, not
 * to where unwind information or the snapshot end.
 */
uint32_t cfi_unwind(struct cfi *c, const struct snapshot *s, uint64_t *out, uint32_t room,
		    bool *whole);

#endif
