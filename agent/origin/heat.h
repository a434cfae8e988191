/*
 * heat - which keys are asked for most.
 *
 * Threads:  one.
 * Memory:   heat_open allocates, heat_close frees; keys are copied: HEAT_KEYS of HEAT_KEY bytes at
 *           most.
 * Errors:   -ENOMEM. A key that is longer, or that there is no memory for, is not watched.
 * Source:   Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in
 *           Data Streams, ICDT 2005, by sets of eight: a new key takes the place of the coldest of
 *           its set, and its count. Counts are halved as time goes on, so that what was hot cools.
 */
#ifndef ORIGIN_HEAT_H
#define ORIGIN_HEAT_H

#include "value.h"

#define HEAT_KEYS 2048u
#define HEAT_KEY 512u    /* bytes */
#define HEAT_TOP 1000u   /* that may be asked for */
#define HEAT_ASKS 65536u /* between two halvings */

struct heat;

int heat_open(struct heat **out, const uint64_t hash_key[2]);
void heat_close(struct heat *h); /* NULL is allowed */
void heat_asked(struct heat *h, const struct cache_bytes *key);

/* The hottest that begin so, the hottest first; they are good until the next call. How many. */
uint32_t heat_top(const struct heat *h, const struct cache_bytes *prefix,
		  struct cache_bytes out[HEAT_TOP], uint32_t most);

#endif
