/*
 * redis_greeting - what a connection begins with: password, database, what the server is.
 *
 * Threads:  one.
 * Memory:   calls go to the link's queue.
 * Errors:   -ENOMEM; what the server refuses dooms the link.
 */
#ifndef REDIS_GREETING_H
#define REDIS_GREETING_H

#include "redis_link.h"

/* In front of all that is not sent; the link is ready when the last one was answered. */
int redis_greeting_put(struct redis_link *l, uint64_t now_ns);

#endif
