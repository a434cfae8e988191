/*
 * cache_control - the directives of Cache-Control that a shared cache has to know (RFC 9111, 5.2,
 *                 and RFC 5861).
 *
 * Threads:  any; pure.
 * Memory:   a value.
 * Errors:   none: what cannot be read is taken in the sense that keeps less, for less long.
 */
#ifndef PROXY_CACHE_CONTROL_H
#define PROXY_CACHE_CONTROL_H

#include "http_head.h"

#define CACHE_CONTROL_ABSENT (-1)
#define CACHE_CONTROL_MOST INT64_C(2147483648) /* seconds; what is more is this */

struct cache_control {
	bool no_store, no_cache, only_if_cached, must_revalidate, proxy_revalidate;
	bool is_private, is_public; /* a private or no-cache of some fields is one of all */
	bool said;                  /* there is a Cache-Control */
	int64_t max_age, s_maxage, min_fresh;
	int64_t stale_while, stale_error; /* -revalidate, -if-error */
};

/* Of all its Cache-Control fields together. */
void cache_control_read(struct cache_control *c, const struct http_head *h);

#endif
