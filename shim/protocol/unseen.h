/*
 * unseen - a body that the host sent by a call nobody sees (a system call of its own, as Bun makes
 *          for files): the next answer would be taken for its bytes.
 *
 * Threads:  the writer of the exchange.
 * Memory:   none.
 * Errors:   each such body is told RS_UNPARSED_UNSEEN_IO.
 * Cost:     a comparison a write, two loads more where a body is not over yet.
 *
 * A status line in the middle of a body is an answer only where a request was read behind the last
 * bytes that were seen of that body: who read ahead before, has not begun to answer it.
 */
#ifndef PROTOCOL_UNSEEN_H
#define PROTOCOL_UNSEEN_H

#include "exchange.h"

/* Of a body that is not over: what was written here begins the next answer, maybe. */
void unseen_catch_up(struct exchange *x, struct exchange_call *call, const uint8_t *at, size_t n);

static inline bool unseen_note(struct exchange *x, bool more)
{
	if (__builtin_expect(x->out.step == HTTP1_AT_BODY, 0))
		x->waiting = (uint8_t)exchange_waiting(x);
	return more;
}

static inline bool unseen_write(struct exchange *x, struct exchange_call *call, const uint8_t *at,
				size_t n)
{
	if (__builtin_expect(x->out.step == HTTP1_AT_BODY && n && *at == 'H', 0))
		unseen_catch_up(x, call, at, n);
	return unseen_note(x, exchange_write(x, call, at, n));
}

#endif
