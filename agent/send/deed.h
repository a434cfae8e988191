/*
 * deed - something done in a process of its own, which is killed with its whole group when its time
 *        is over.
 *
 * Threads:  one.
 * Memory:   the caller's; a deed that began is to be stepped until it is over, or ended.
 * Errors:   0 or -errno; how it went is in the result.
 * The process has no input, its output thrown away, no file but these, and signals as they are by
 * default. What it becomes, and runs, is the function's. Its session is its own and that of its
 * parent, which waits for it and for the end of who began it: that one may be killed, and the whole
 * group is then.
 */
#ifndef SEND_DEED_H
#define SEND_DEED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define DEED_TEXT 160

/* In the process: an exit code, and what is to be said with it; none where it became a program. */
typedef int (*deed_fn)(void *ctx, char text[DEED_TEXT]);

struct deed {
	pid_t pid; /* of the group; 0: none is under way */
	int pidfd; /* readable when there is something to step for */
	int report;
	int64_t begun_ns, due_ns;
	bool late;
};

struct deed_result {
	bool good;
	char text[DEED_TEXT];
};

int deed_begin(struct deed *d, deed_fn fn, void *ctx, int64_t now_ns, uint32_t timeout_ms);

/* True: it is over, or there was none. */
bool deed_step(struct deed *d, int64_t now_ns, struct deed_result *out);

void deed_end(struct deed *d); /* at once, whatever it did; allowed where there is none */

#endif
