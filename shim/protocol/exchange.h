/*
 * exchange - one HTTP/1.x connection of a server: which response answers which request, and when a
 * request is over.
 *
 * Threads:  one reader and one writer at a time, which may be two threads; the owner of both for
 *           init, close and adopt. Requests pass from reader to writer by a queue.
 * Memory:   EXCHANGE_INLINE waiting requests inside, more in a block that the caller lends.
 * Errors:   by the unparsed callback; a direction that is lost stays lost, the rest goes on.
 * Cost:     five callbacks a request.
 *
 * A request runs from its first byte read to the last byte of its response written, also when that
 * comes before the end of its body; the rest of that body starts no new request.
 */
#ifndef PROTOCOL_EXCHANGE_H
#define PROTOCOL_EXCHANGE_H

#include "hello.h"
#include "http1.h"
#include "memo.h"
#include "preface.h"
#include "served.h"

#include <stdatomic.h>
#include <stdbool.h>

#define EXCHANGE_INLINE 4u /* a power of two */
#define EXCHANGE_MORE 64u  /* in the block; a power of two */

/* client_gone */
#define EXCHANGE_EOF 1
#define EXCHANGE_RESET 2

/* How sure it is that this is a server's connection. */
enum exchange_trust {
	EXCHANGE_UNKNOWN,  /* a request is one when HTTP/1. was written behind it */
	EXCHANGE_ACCEPTED, /* a request is one when its first line was read */
	EXCHANGE_HTTP,     /* a request is one from its first byte on */
};

struct exchange_request {
	uint64_t t0;
	_Atomic uint64_t bytes_in;
	_Atomic int32_t open; /* the caller's handle, -1: none */
	_Atomic uint16_t shape;
	_Atomic uint8_t method; /* enum rs_method */
	_Atomic bool gone;      /* answered to its end; the reader may be in its body still */
	uint8_t flags;          /* enum rs_flag */
	bool begun;             /* the caller was told */
	bool has_path;          /* the caller keeps its path */
};

struct exchange_queue {
	_Atomic uint32_t head; /* the writer's */
	_Atomic uint32_t tail; /* the reader's */
};

struct exchange_block {
	struct exchange_queue queue;
	struct exchange_request requests[EXCHANGE_MORE];
};

/* A request that is over. connection, path and protocol are the caller's to know. */
struct exchange_done {
	struct served request;
	int32_t open;
	bool has_path;
};

/* What the program does about it; context is that of the call. */
struct exchange_ops {
	uint64_t (*now)(void *context);
	int32_t (*begun)(void *context, uint64_t t0); /* the handle of its open entry, or -1 */
	uint16_t (*target)(void *context, const struct http1 *head, bool *has_path); /* its shape */
	void (*step)(void *context, const struct exchange_request *r, uint8_t state); /* rs_open */
	void (*done)(void *context, struct exchange_done *done);
	void (*unparsed)(void *context, uint8_t why);  /* enum rs_unparsed */
	struct exchange_block *(*lend)(void *context); /* zeroed, NULL: no */
	void (*give_back)(void *context, struct exchange_block *block);
};

/* One for all connections, defined by its user: so the shim, linked as one, calls it directly. */
extern const struct exchange_ops exchange_ops;

/* One call of the host: its clock is read once, and only when a time is wanted. */
struct exchange_call {
	void *context;
	uint64_t now;        /* 0: not read yet */
	const uint8_t *rest; /* of what was moved last: behind what was parsed */
	struct memo *memo;   /* of this thread; NULL: none */
	bool goes_on;        /* the same call moves more: nobody looks in between */
};

struct exchange {
	_Atomic uint8_t trust;  /* enum exchange_trust */
	_Atomic uint8_t tunnel; /* no HTTP/1.x any more */
	_Atomic uint8_t connect_refused;
	_Atomic uint8_t client_gone; /* 1 end of file, 2 reset */
	bool no_http;                /* the first bytes read were no request */
	bool answered;               /* a byte of an answer was written */
	struct preface preface;
	struct hello hello;
	struct exchange_queue queue;
	struct exchange_block *_Atomic more;
	struct exchange_request *reading;
	struct exchange_request *answering;
	uint64_t first_byte; /* of the response being written */
	uint64_t bytes_out;
	uint16_t status; /* 0: no final status line yet */
	uint8_t waiting; /* requests, when bytes of a body were written last: see unseen */
	struct exchange_request requests[EXCHANGE_INLINE];
	struct http1 in;
	struct http1 out;
};

void exchange_init(struct exchange *x, enum exchange_trust trust);

/* false: nothing of this direction is of interest any more. */
bool exchange_read(struct exchange *x, struct exchange_call *call, const uint8_t *at, size_t n);
bool exchange_write(struct exchange *x, struct exchange_call *call, const uint8_t *at, size_t n);

/* As above, of bytes that were moved unseen. */
bool exchange_read_unseen(struct exchange *x, struct exchange_call *call, uint64_t n);
bool exchange_write_unseen(struct exchange *x, struct exchange_call *call, uint64_t n);

void exchange_client_gone(struct exchange *x, bool reset);
void exchange_shutdown(struct exchange *x, struct exchange_call *call); /* no more is written */
void exchange_close(struct exchange *x, struct exchange_call *call);

/*
 * In a fork child that goes on with it: what the parent has open is not ours. Returns how many of
 * the requests that wait the parent was told of.
 */
uint32_t exchange_adopt(struct exchange *x);

static inline uint32_t exchange_queued(const struct exchange_queue *q)
{
	/* B: acquire puts the look at a request behind its place in the queue; pairs with A. */
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);

	/* D: acquire puts a new request into a place behind the end of the old; pairs with C. */
	return tail - atomic_load_explicit(&q->head, memory_order_acquire);
}

/* Requests that wait for their answer, the one in progress included. */
static inline uint32_t exchange_waiting(const struct exchange *x)
{
	const struct exchange_block *more = atomic_load_explicit(&x->more, memory_order_acquire);

	return exchange_queued(&x->queue) + (more ? exchange_queued(&more->queue) : 0);
}

#endif
