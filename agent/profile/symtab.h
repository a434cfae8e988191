/*
 * symtab - addresses to names: the one sorted table that every source of symbols fills.
 *
 * Threads:  one.
 * Memory:   a value, zero at first; symtab_fini frees. Names are copied.
 * Errors:   0 or -errno.
 */
#ifndef PROFILE_SYMTAB_H
#define PROFILE_SYMTAB_H

#include <stddef.h>
#include <stdint.h>

#define SYMTAB_ENTRIES (4u << 20)
#define SYMTAB_TEXT (512u << 20)

struct symtab_entry {
	uint64_t start, size; /* size 0: up to the next one */
	uint32_t name;        /* where it begins in text */
};

struct symtab {
	struct symtab_entry *entries;
	uint32_t count, room;
	char *text;
	size_t text_length, text_room;
};

/* -E2BIG: more than any sane program has. */
int symtab_add(struct symtab *t, const struct symtab_entry *entry, const char *name, size_t length);
void symtab_sort(struct symtab *t);                                /* behind the last symtab_add */
const char *symtab_find(const struct symtab *t, uint64_t address); /* NULL: no name */
void symtab_fini(struct symtab *t);

/* /proc/kallsyms: "address type name [module]"; functions alone are taken. */
int symtab_kernel(struct symtab *t, const char *text, size_t length);
/* /tmp/perf-PID.map: "address size name", hexadecimal. Other lines are left out. */
int symtab_perf(struct symtab *t, const char *text, size_t length);

#endif
