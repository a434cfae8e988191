/*
 * drained - the agent's side of a test: what it makes of the records of one lane.
 */
#ifndef TESTS_DRAINED_H
#define TESTS_DRAINED_H

#include <ringside/abi.h>

void drained_open(struct rs_head *slots, uint32_t count);
void drained_close(void);

/* The next request's path, "" where it is not known. Returns its status; -1: there is none. */
int drained_next(char path[RS_PATH_BYTES + 1]);

/* Up to where all was taken. */
uint64_t drained_tail(void);

#endif
