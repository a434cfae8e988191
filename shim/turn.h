/*
 * turn - whose turn it is to parse a direction of a connection.
 *
 * Threads:  any; who loses a turn never waits, and the direction is RS_UNPARSED_RACE from then on.
 * Memory:   words of the connection.
 * Errors:   none.
 * Cost:     a compare and swap, none in a process of one thread.
 */
#ifndef SHIM_TURN_H
#define SHIM_TURN_H

#include "connection.h"
#include "emit.h"
#include "guard.h"

/* glibc's word that no second thread was ever begun: then there is nobody to lock out. */
extern char __libc_single_threaded;
#pragma weak __libc_single_threaded

/* Inherited by a fork: from now on it is this process's. */
void connection_adopt(struct connection *c);

/* As the ops of every protocol call them; context is the connection. */
uint64_t connection_now(void *context);
int32_t connection_begun(void *context, uint64_t t0);
void connection_unparsed(void *context, uint8_t why);

/* A path's shape. *has_path: the connection keeps the path itself until the request is emitted. */
uint16_t connection_route(struct connection *c, const uint8_t *path, size_t length, bool *has_path);
void connection_emit(struct connection *c, struct served *request, bool has_path);

/* Inside a turn. false: nothing more of this direction is of interest. */
bool connection_pass(struct connection *c, enum connection_way way, const struct iovec *iov,
		     size_t bytes);

/* What was read may be TLS: of a hello that came whole the library's next call will know. */
void connection_hear(struct connection *c, bool prefaced, const struct iovec *iov, size_t bytes);

/* Of what is no HTTP/1.x any more the bytes count still. */
static inline bool connection_is_tunnel(const struct connection *c)
{
	return atomic_load_explicit(&c->exchange.tunnel, memory_order_relaxed) && !c->dialect;
}

static inline bool connection_may_be_tls(const struct connection *c)
{
	return atomic_load_explicit(&c->exchange.hello.got, memory_order_relaxed) != HELLO_NONE;
}

/* Inside a turn of way: what follows is TLS. Its dialect is closed. false: not to be had. */
bool connection_restart(struct connection *c, enum connection_way way);

/* Its object is nobody's any more. */
void connection_give_back(struct connection *c);
uint32_t connection_adopt_requests(struct connection *c);

/* Of the connections that are closed but for a parse, one ends if that is over. */
extern _Atomic uint32_t closing_waiting;
void connection_end_one(void);

static inline void connection_end_waiting(void)
{
	if (__builtin_expect(atomic_load_explicit(&closing_waiting, memory_order_relaxed) != 0, 0))
		connection_end_one();
}

/* Without a word to whoever has it. */
static inline __attribute__((always_inline)) bool connection_try(struct connection *c,
								 enum connection_way way)
{
	uint8_t nobody = 0;

	if (&__libc_single_threaded && __libc_single_threaded &&
	    !atomic_load_explicit(&c->owned[way], memory_order_relaxed)) {
		atomic_store_explicit(&c->owned[way], 1, memory_order_relaxed);
		return true;
	}
	/* Q: acquire puts this parse behind the last one; pairs with R. */
	return atomic_compare_exchange_strong_explicit(&c->owned[way], &nobody, 1,
						       memory_order_acquire, memory_order_relaxed);
}

static inline __attribute__((always_inline)) bool connection_own(struct connection *c,
								 enum connection_way way)
{
	if (__builtin_expect(connection_try(c, way), 1))
		return true;
	atomic_store_explicit(&c->raced[way], 1, memory_order_relaxed);
	emit_lost(RS_LOST_RACE);
	return false;
}

static inline __attribute__((always_inline)) void connection_disown(struct connection *c,
								    enum connection_way way)
{
	/* R: release puts this parse ahead of the next one; pairs with Q. */
	atomic_store_explicit(&c->owned[way], 0, memory_order_release);
}

static inline __attribute__((always_inline)) void connection_touch(struct connection *c)
{
	if (c->generation != guard_generation())
		connection_adopt(c);
	c->forks = atomic_load_explicit(&connection_forks, memory_order_relaxed);
}

#endif
