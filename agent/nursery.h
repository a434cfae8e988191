/*
 * nursery - forks the worker, and forks it again when it dies.
 *
 * Threads:  one.
 * Memory:   none.
 * Errors:   the exit code of the process: 0 when the broker ended first, else 1.
 */
#ifndef AGENT_NURSERY_H
#define AGENT_NURSERY_H

#include "privilege.h"

#include <stdint.h>

#define NURSERY_CANNOT 70 /* a worker's exit code: starting it again would not help */

/* The worker's whole life, in the child; its result is the exit code. */
typedef int (*nursery_fn)(void *ctx);

/*
 * Becomes the user, or with NULL what privilege_runner leaves of root, and stays until the pipe
 * `alive` ends, which it does when the broker does. name: what it is in messages, "the worker". A
 * worker that does not follow within 2 s is killed.
 */
int nursery_run(const char *name, const struct privilege_user *user, int alive, nursery_fn worker,
		void *ctx);

/* How long to wait before the next worker: deaths in a row so far, how long the last one lived. */
uint32_t nursery_wait_ms(uint32_t *deaths, uint64_t lived_ms);

#endif
