/*
 * child - starts the symbolizer with a question, and waits for its end.
 *
 * Threads:  any, one child each.
 * Memory:   none; descriptors are the caller's.
 * Errors:   0 or -errno: -ETIMEDOUT, -EPROTO it was killed or failed, -ELIBACC it lacks a library.
 */
#ifndef PROFILE_CHILD_H
#define PROFILE_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#define CHILD_NO_LIBRARY 3 /* its exit code */
#define CHILD_SYMBOLIZE "--symbolize"
#define CHILD_UNWIND "--unwind"
#define CHILD_PLACES "--places"

struct child_start {
	const char *program, *word; /* what it is, and its one argument */
	int question, answer;       /* its standard input and output */
	const int *passed;          /* it gets them under their own numbers; -1: left out */
	uint32_t passed_count;
};

/* The whole life of a process that was started so; -1: word is none of ours. */
int child_main(const char *word);

int child_start(const struct child_start *start, pid_t *out);

/* -EAGAIN: it runs on, after this time. */
int child_wait(pid_t pid, int wait_ms);
void child_kill(pid_t pid); /* it is waited for as well */

#endif
