/*
 * backoff - how long to wait after a failure: longer each time, and never as long as the others.
 *
 * Threads:  pure functions.
 * Memory:   none.
 * Errors:   none.
 */
#ifndef SEND_BACKOFF_H
#define SEND_BACKOFF_H

#include <stdint.h>

/* tries: failures in a row, from 1 on; random: any number. 0.5 s to 450 s. */
int64_t backoff_wait_ns(uint32_t tries, uint32_t random);

#endif
