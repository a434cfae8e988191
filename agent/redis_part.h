/*
 * redis_part - the worker's Redis: opened where one is configured, driven, and told of in health.
 *
 * Threads:  the worker's main thread.
 * Memory:   redis_part_open, redis_part_close, for the caller's memory.
 * Errors:   none stops the worker: they are told in health, as the part "redis".
 */
#ifndef AGENT_REDIS_PART_H
#define AGENT_REDIS_PART_H

#include "config.h"
#include "health.h"
#include "redis_client.h"
#include "secret.h"

struct redis_part {
	struct redis *redis; /* NULL: none is configured, or it cannot be opened */
	struct health *health;
	uint64_t failures; /* looks in a row, one a second, that found something wrong */
	/* Who listens, as redis_config has it; set before it is opened. NULL: nobody. */
	const char *channel;
	void (*heard)(void *ctx, const void *message, size_t length);
	void *ctx;
};

void redis_part_open(struct redis_part *p, const struct config *c, const struct secret *password,
		     struct health *health, int64_t wall_ms);
/* It is another one now. */
void redis_part_password(const struct redis_part *p, const char *password);
void redis_part_close(struct redis_part *p);

int redis_part_fd(const struct redis_part *p); /* -1: none */
/* What is to be done now; how long to wait for more, most_ms at most. */
int redis_part_step(struct redis_part *p, uint64_t now_ns, int most_ms);
/* NAN: there is none. */
double redis_part_failures(const struct redis_part *p);
void redis_part_tell(struct redis_part *p, int64_t wall_ms);

#endif
