/*
 * moves - for tests of what a connection speaks: bytes that move on it, and what is recorded then.
 */
#ifndef TESTS_MOVES_H
#define TESTS_MOVES_H

#include "connection.h"
#include "core.h"

static inline bool move(struct connection *c, enum connection_way way, const void *bytes, size_t n)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = n };

	return connection_move(c, way, &iov, n);
}

#define READ(c, text) move(c, CONNECTION_READ, text, sizeof(text) - 1)
#define WRITE(c, text) move(c, CONNECTION_WRITE, text, sizeof(text) - 1)

static inline int setup(void **state)
{
	core_setup(state);
	return guard_enter() ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	guard_leave();
	return 0;
}

static inline struct rs_head *record(uint64_t position)
{
	return (struct rs_head *)(void *)here.slots + (position & here.mask);
}

#endif
