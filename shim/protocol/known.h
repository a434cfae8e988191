/*
 * known - the short way of messages whose heads are known, through an exchange at once.
 *
 * Threads:  as exchange.h; the memo is that of the thread which calls.
 * Memory:   none of its own.
 * Errors:   false: nothing was done, and exchange_read or exchange_write is to be called.
 * Cost:     a comparison of the head.
 *
 * Only the plainest turn is taken: a request that comes whole while none waits, and its answer by
 * Content-Length. What comes out is what the parser would have said of the same bytes.
 */
#ifndef PROTOCOL_KNOWN_H
#define PROTOCOL_KNOWN_H

#include "exchange.h"

/* context: as in struct exchange_call. memo: of this thread, NULL: none. */
bool known_read(struct exchange *x, void *context, struct memo *memo, const uint8_t *at, size_t n);

/* Of n bytes so many are seen, at at; the others are the body's if the head is known. */
bool known_write(struct exchange *x, void *context, struct memo *memo, const uint8_t *at,
		 size_t seen, uint64_t n);

/* The rest is between exchange.c and this one. */
#define exchange_get(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define exchange_set(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

static inline uint64_t exchange_now(struct exchange_call *call)
{
	if (!call->now)
		call->now = exchange_ops.now(call->context);
	return call->now;
}

/* The front request r of the queue is over. */
void exchange_finish(struct exchange *x, struct exchange_call *call, struct exchange_request *r,
		     struct exchange_queue *q, uint8_t flags);

/* Where a request begins that may be kept. */
struct known_start {
	const uint8_t *at; /* NULL: none does */
	uint32_t tail;     /* of the queue, ahead of it */
};

struct known_start known_start_read(const struct exchange *x, const uint8_t *at);
const uint8_t *known_start_write(struct exchange *x, const uint8_t *at); /* as of an answer */

/* All that was read from start to end was parsed, and is whole requests. */
void known_keep_request(const struct exchange *x, const struct exchange_call *call,
			const struct known_start *start, const uint8_t *end);

/* At at came this event; is the head of the answer at *start over? Then *start is NULL. */
void known_keep_answer(const struct exchange *x, const struct exchange_call *call,
		       enum http1_event event, const uint8_t **start, const uint8_t *at);

#endif
