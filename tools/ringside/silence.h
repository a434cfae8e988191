/*
 * silence - writes the word "off" into the segments of processes, with or without an agent.
 *
 * Threads:  one.
 * Memory:   silence_open keeps one descriptor, silence_close ends it; rows are the caller's.
 * Errors:   told by row: why is NULL or a sentence.
 * The segment is opened as the agent would (accept.h); where this user may not do that, by the
 * memory of the process, which its owner may write.
 */
#ifndef RINGSIDE_SILENCE_H
#define RINGSIDE_SILENCE_H

#include "accept.h"
#include "admit.h"

#include <sys/types.h>

struct silence {
	struct accept accept;
	struct admit *admit; /* names by the configuration */
};

enum silence_result {
	SILENCE_OFF,     /* it was told so now: silent from its next event on */
	SILENCE_ALREADY, /* it was off before */
	SILENCE_NONE,    /* it has no segment, or is no process (any more) */
	SILENCE_FAILED,
};

struct silence_row {
	pid_t pid;
	enum silence_result result;
	const char *why; /* of SILENCE_NONE and SILENCE_FAILED */
	char service[72];
	char exe[256];
};

/* config: it may name services (targets.names), as the agent takes it. -errno. */
int silence_open(struct silence *s, const char *run_dir, const struct config *config);
void silence_close(struct silence *s);

/* pattern: a line of a list that must name it, NULL: whatever it is. */
void silence_process(const struct silence *s, pid_t pid, const char *pattern,
		     struct silence_row *out);

/*
 * Every process that the pattern names (NULL: every one), until a look finds no new one. The number
 * of rows in *out, which the caller frees, or -errno.
 */
int silence_all(const struct silence *s, const char *pattern, struct silence_row **out);

const char *silence_result_text(enum silence_result result);

#endif
