/*
 * program - what kind of file a command is: can a library be preloaded into it?
 *
 * Threads:  any.
 * Memory:   the caller's.
 * Errors:   program_find: 0 or -errno. program_look: what cannot be read is PROGRAM_UNKNOWN.
 */
#ifndef RINGSIDE_PROGRAM_H
#define RINGSIDE_PROGRAM_H

#include <stddef.h>

#define PROGRAM_PATH 4096
#define PROGRAM_REASON 512

enum program_kind {
	PROGRAM_DYNAMIC,    /* its loader will take the library in */
	PROGRAM_STATIC,     /* no loader */
	PROGRAM_FOREIGN,    /* of another machine, or 32 bits wide */
	PROGRAM_PRIVILEGED, /* its loader drops LD_PRELOAD */
	PROGRAM_UNKNOWN,    /* no ELF file, not readable, a missing interpreter */
};

/* As execvp finds it: -ENOENT: nowhere; -EACCES: found, but not to be executed. */
int program_find(const char *name, const char *path_list, char out[PROGRAM_PATH]);

/* A script is judged by its interpreter. reason: why not, a sentence; "" for PROGRAM_DYNAMIC. */
enum program_kind program_look(const char *path, char reason[PROGRAM_REASON]);

#endif
