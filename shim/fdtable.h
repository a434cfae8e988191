/*
 * fdtable - what is known of each descriptor: nothing, that it is of no interest, or a connection.
 *
 * Threads:  any; a word per descriptor.
 * Memory:   8 bytes a descriptor in leaves of 512, the first one static; private, so a fork child
 *           has a copy.
 * Errors:   a descriptor beyond the table is counted and never watched.
 * Cost:     a load or two; one system call for a new leaf.
 *
 * An unknown descriptor is judged by its content: a request line read from it, and HTTP/1. written
 * to it afterwards, make it a server's connection. So nothing has to be known of descriptors that
 * were inherited or received.
 */
#ifndef SHIM_FDTABLE_H
#define SHIM_FDTABLE_H

#include "connection.h"

#define FDTABLE_FDS (1u << 20)
#define FDTABLE_LEAF 512u
#define FDTABLE_INHERITED 64 /* descriptors that are looked at when a program starts */

#define FDTABLE_UNKNOWN UINT64_C(0)
#define FDTABLE_FOREIGN UINT64_C(1) /* unknown, and maybe in its middle: another program had it */
#define FDTABLE_IGNORED UINT64_C(2)
/* else: connection_word */

extern _Atomic uint64_t fdtable_first[FDTABLE_LEAF];
extern _Atomic uint64_t *_Atomic fdtable_leaves[FDTABLE_FDS / FDTABLE_LEAF]; /* but the first */

void fdtable_forked(void);  /* in the parent, at a fork */
void fdtable_inherit(void); /* in the constructor: of the first, what came over exec is foreign */

/* All of the following inside a guard. */
void fdtable_accepted(int fd);
struct connection *fdtable_found(int fd); /* its first bytes look like a request; or NULL */
void fdtable_set(int fd, uint64_t word);  /* whatever it was before is gone */
void fdtable_forget(int fd);              /* is closed, or was meanwhile */
void fdtable_forget_range(unsigned int from, unsigned int to);
void fdtable_copied(int from, int to); /* dup */
/* The connection if the word still stands. */
struct connection *fdtable_connection(int fd, uint64_t word);

/* NULL: there is none yet. */
static inline _Atomic uint64_t *fdtable_leaf(unsigned int fd)
{
	return __builtin_expect(fd < FDTABLE_LEAF, 1)
		       ? fdtable_first
		       : atomic_load_explicit(&fdtable_leaves[fd / FDTABLE_LEAF],
					      memory_order_acquire);
}

static inline uint64_t fdtable_word(int fd)
{
	_Atomic uint64_t *leaf;

	if (__builtin_expect((unsigned int)fd >= FDTABLE_FDS, 0))
		return FDTABLE_UNKNOWN;
	leaf = fdtable_leaf((unsigned int)fd);
	return leaf ? atomic_load_explicit(&leaf[(unsigned int)fd % FDTABLE_LEAF],
					   memory_order_acquire)
		    : FDTABLE_UNKNOWN;
}

static inline struct connection *fdtable_peek(uint64_t word)
{
	return connection_peek(word);
}

#endif
