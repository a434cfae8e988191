/*
 * symbols - asks the symbolizer for the names of some addresses of one process.
 *
 * Threads:  any, one question each.
 * Memory:   symbols_fini frees an answer; files and addresses are the caller's.
 * Errors:   0 or -errno: -ETIMEDOUT, -EPROTO it was killed; what it said until then is kept.
 */
#ifndef PROFILE_SYMBOLS_H
#define PROFILE_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#define SYMBOLS_WAIT_MS 2500 /* a second question, with debug files, has as long again */

#define SYMBOLS_FILES 256u /* of one process; where more are mapped, the rest is left out */

struct symbols_file {
	uint64_t start, end, offset; /* 0, 0: a perf map */
	int fd;                      /* -1: not opened */
	char name[128];
	const char *why; /* why not opened; NULL: it is */
	bool whole;      /* all its functions have names, not the exported ones alone */
};

struct symbols_question {
	const char *program;        /* ringsided, as its own process sees it */
	struct symbols_file *files; /* whole is filled in */
	uint32_t file_count;
	const uint64_t *addresses; /* in order of size, each once */
	uint32_t address_count;
	int kallsyms; /* -1: none */
};

struct symbols {
	char *text;
	const char **names;   /* of each address; NULL: none was found */
	const char **inlined; /* … what was put into it there, innermost first, by tabs; or NULL */
	uint32_t asked;       /* the first ones: no more are asked for in one question */
};

int symbols_ask(const struct symbols_question *q, struct symbols *out);
void symbols_fini(struct symbols *s);

#endif
