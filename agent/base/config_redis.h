/*
 * config_redis - what the settings of the Redis must be, alone and together.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   -EINVAL with "where: key: reason".
 */
#ifndef BASE_CONFIG_REDIS_H
#define BASE_CONFIG_REDIS_H

#include "config.h"

int config_redis_check(const struct config *c, struct config_error *error);

#endif
