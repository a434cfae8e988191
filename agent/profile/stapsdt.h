/*
 * stapsdt - the notes of a program's own probes (USDT): where they stand, and their arguments.
 *
 * Threads:  any.
 * Memory:   what a note points to lies in the bytes that were read.
 * Errors:   false, and nothing behind it is looked at; stapsdt_argument: 0 or -errno.
 * The format is that of systemtap's <sys/sdt.h>: note type 3 of the owner "stapsdt" in a section
 * .note.stapsdt; three addresses, then provider, name and arguments, each closed by a NUL. An
 * argument is N@OPERAND as the assembler of the machine writes it; N are its bytes, signed if
 * negative.
 */
#ifndef PROFILE_STAPSDT_H
#define PROFILE_STAPSDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STAPSDT_SECTION ".note.stapsdt"
#define STAPSDT_BASE ".stapsdt.base"

struct stapsdt_note {
	uint64_t place;     /* address of its instruction */
	uint64_t base;      /* where STAPSDT_BASE was when the note was written */
	uint64_t semaphore; /* address of the counter that switches it on; 0: it is always on */
	const char *provider, *name, *arguments;
};

enum stapsdt_operand { STAPSDT_CONSTANT, STAPSDT_REGISTER, STAPSDT_MEMORY };

struct stapsdt_argument {
	enum stapsdt_operand operand;
	uint8_t bytes; /* 1, 2, 4, 8 */
	bool is_signed;
	uint8_t place;  /* its register, or the one it lies at: the how-manieth of struct pt_regs */
	int32_t number; /* the constant, or the distance from the register */
};

/* Moves *at behind the next note of a probe; others are passed over. */
bool stapsdt_next(const void *section, size_t bytes, size_t *at, struct stapsdt_note *out);

/*
 * The index-th argument of a probe's; -ENOENT: it has fewer; -EINVAL: that is none; -ENOTSUP: it
 * stands where we do not look for it: two registers, a name, half a register, a float.
 */
int stapsdt_argument(const char *arguments, unsigned int index, struct stapsdt_argument *out);

#endif
