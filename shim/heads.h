/*
 * heads - the memo of message heads that a thread keeps.
 *
 * Threads:  inside a guard; a memo is one thread's until it ends.
 * Memory:   a pool of memos, the process's own: nothing in them is shared, and heads are in them as
 *           they were read. The first is static, and most processes never touch it.
 * Errors:   none: without one all heads are parsed.
 * Cost:     a load; a memo is had once in a thread's life, each second one for a mapping.
 *
 * Only threads that have served some requests have one, and only those that have a block of their
 * own, since they alone are seen to end.
 */
#ifndef SHIM_HEADS_H
#define SHIM_HEADS_H

void heads_want(void);   /* a head was parsed: would this thread rather know it again? */
void heads_return(void); /* this thread ends, or is another process's now */

#endif
