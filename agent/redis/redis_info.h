/*
 * redis_info - what a Redis says of itself, as far as it matters to who keeps things there.
 *
 * Threads:  pure functions on a value.
 * Memory:   the caller's.
 * Errors:   none: what is not said is not known.
 */
#ifndef REDIS_INFO_H
#define REDIS_INFO_H

#include "redis_wire.h"

#include <stdbool.h>

#define REDIS_INFO_VERSION 24

enum redis_persistence { REDIS_UNKNOWN, REDIS_NONE, REDIS_RDB, REDIS_AOF };

struct redis_info {
	char version[REDIS_INFO_VERSION]; /* "": it does not say */
	bool cluster, replica, loading;
	bool aof;
	bool limited, keeps;     /* its memory; no key is given up for that */
	bool saves_known, saves; /* snapshots, by CONFIG GET save */
};

/* The answer to INFO, lines of "name:value"; what it does not say stays. */
void redis_info_read(struct redis_info *i, const char *text, size_t length);
/* The answer to CONFIG GET save. */
void redis_info_save(struct redis_info *i, const struct redis_value *answer);

/* May it give up keys of ours, whose times are known to it all? */
bool redis_info_evicts(const struct redis_info *i);
enum redis_persistence redis_info_persistence(const struct redis_info *i);
const char *redis_persistence_name(enum redis_persistence p); /* "aof", "rdb", "none", "unknown" */

#endif
