/*
 * code - where the machine code of a function can be stopped at: behind its prologue, and at each
 *        of its returns; by libcapstone, the only user of it.
 *
 * Threads:  one, in the symbolizer: code is hostile.
 * Memory:   none; the library is opened once, ahead of the jail.
 * Errors:   0 or -errno: -ELIBACC the library is not there, -ENOEXEC bytes that are no instruction,
 *           -E2BIG more returns than there is room for: some of them would not do.
 */
#ifndef PROFILE_CODE_H
#define PROFILE_CODE_H

#include <stddef.h>
#include <stdint.h>

#define CODE_RETURNS 16u

struct code_stops {
	uint32_t begin; /* from the function's first byte on */
	uint32_t returns[CODE_RETURNS];
	uint32_t count;
};

int code_open(void);

/*
 * Of a function that Go made: begin is the jump to where its stack grows, if it has one: arguments
 * are as they came, and the kernel needs no single step for it, which costs 10 us on some machines.
 */
int code_stops_find(const uint8_t *code, size_t bytes, struct code_stops *out);

/*
 * Of a function of C whose first instruction would be stepped over: behind it the first that is
 * not, with the arguments as they came; and, ahead of each return, the jump by which it is found
 * that the stack is whole, with the result as it goes. -ENOTSUP: it has no such places.
 */
int code_cheap_find(const uint8_t *code, size_t bytes, struct code_stops *out);

#endif
