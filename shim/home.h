/*
 * home - this process's segment: its mapping, its state, and the word that every hook looks at first.
 *
 * Threads:  made by the constructor or by the atfork child handler while they are alone in the
 *           process; afterwards all fields but the atomic ones are read only.
 * Memory:   the segment is a shared mapping without a descriptor; it does not cross a fork.
 * Errors:   whatever cannot be had leaves the shim inert; the host never notices.
 * Cost:     looking at control.live is one load.
 */
#ifndef SHIM_HOME_H
#define SHIM_HOME_H

#include <ringside/segment.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A page of its own that the kernel wipes in every child that got a copy of our memory. */
struct control {
	_Alignas(RS_PAGE) _Atomic uint32_t live; /* 0: do not touch the segment */
	uint8_t rest[RS_PAGE - sizeof(uint32_t)];
};

extern struct control control;

struct home {
	uint8_t *base;             /* RS_START_BYTES of the segment */
	struct rs_header *header;
	uint32_t generation;       /* 1, 2 …: this is so many segments away from the first process */
	uint32_t clock;            /* enum rs_clock, the one in use */
	_Atomic uint32_t active;   /* it was seen doing a server's work: everything needed is populated */
	_Atomic uint32_t connections; /* ids given so far */
	bool expected;             /* control.live was raised in this process or in its parent */
};

extern struct home home;

/* A server's work began (listen, accept, a watched read). Cheap when it had begun before. */
void home_activate(void);

/* Silent for good; why goes into the segment. */
void home_leave(enum rs_why why);

/* False: a system call for our own sake could kill the host, or the segment is not ours. */
static inline bool home_may_grow(void)
{
	return !atomic_load_explicit(&home.header->frozen, memory_order_relaxed);
}

/* Makes bytes from offset (whole pages) writable without a fault; 0 or -errno. Changes no content. */
int home_populate(size_t offset, size_t bytes);

#endif
