/*
 * mem - memcpy and its relatives for a library that links no libc.
 *
 * Threads:  any.
 * Memory:   none; the definitions are hidden, the host keeps its own.
 * Errors:   none.
 * Cost:     eight bytes a step; meant for lengths below a few hundred.
 */
#ifndef SHIM_MEM_H
#define SHIM_MEM_H

#include <stddef.h>
#include <string.h> /* memcpy, memmove, memset, memcmp, strlen are defined in mem.c */

/* Copies at most bytes - 1 characters of from and always ends to with NUL; returns their number. */
size_t mem_copy_text(char *to, size_t bytes, const char *from);

#endif
