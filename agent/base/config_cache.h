/*
 * config_cache - what the cache's settings must be, alone and together.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   -EINVAL with "where: key: reason".
 */
#ifndef BASE_CONFIG_CACHE_H
#define BASE_CONFIG_CACHE_H

#include "config.h"

#define CONFIG_CACHE_VALUE_MAX (UINT64_C(16) << 20) /* the API holds it in memory as it comes */
#define CONFIG_CACHE_ENTRY (UINT64_C(128) << 10)    /* more than all that stands beside a value */

int config_cache_check(const struct config *c, struct config_error *error);

#endif
