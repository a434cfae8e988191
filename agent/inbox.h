/*
 * inbox - what the broker tells the worker, handed to the stage that it is for.
 *
 * Threads:  the worker's main thread.
 * Memory:   all pointers are borrowed; descriptors that come along are passed on or closed.
 * Errors:   a message that cannot be followed is logged and left.
 */
#ifndef AGENT_INBOX_H
#define AGENT_INBOX_H

#include <stdbool.h>
#include <stdint.h>

struct drain;
struct health;
struct metrics;
struct profile;

struct inbox {
	int link;
	struct drain *drain;
	struct metrics *metrics;
	struct health *health;
	struct profile *profile;
	void *ctx;
	void (*reload)(void *ctx, int fd); /* the configuration's file; closed behind it */
	void (*rules)(void *ctx, int fd);  /* those of alert rules; the same */
	void (*password)(void *ctx, const char *text); /* of the Redis */
};

/* Takes what is waiting, a bounded number. False: the broker is gone. */
bool inbox_read(const struct inbox *i, int64_t wall_ms);

#endif
