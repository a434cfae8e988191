#include "unseen.h"

#include <ringside/abi.h>
#include <string.h>

#define UNSEEN_LINE 12u /* HTTP/1.1 200 */

_Static_assert(EXCHANGE_INLINE + EXCHANGE_MORE <= UINT8_MAX, "exchange.waiting is a byte");

static bool unseen_is_digit(uint8_t byte)
{
	return (uint8_t)(byte - '0') <= 9;
}

static bool unseen_is_status(const uint8_t *at, size_t n)
{
	return n >= UNSEEN_LINE && !memcmp(at, "HTTP/1.", 7) && unseen_is_digit(at[7]) &&
	       at[8] == ' ' && unseen_is_digit(at[9]) && unseen_is_digit(at[10]) &&
	       unseen_is_digit(at[11]);
}

static uint32_t unseen_load(const _Atomic uint32_t *at)
{
	/* B: as in exchange, behind its place in the queue is the request. */
	return atomic_load_explicit(at, memory_order_acquire);
}

/* When the request behind the one that is being answered began, or 0. */
static uint64_t unseen_next_began(const struct exchange *x)
{
	const struct exchange_block *more = atomic_load_explicit(&x->more, memory_order_acquire);
	uint32_t head = unseen_load(&x->queue.head);
	uint32_t inside = unseen_load(&x->queue.tail) - head;
	uint32_t beyond;

	if (inside > 1)
		return x->requests[(head + 1) & (EXCHANGE_INLINE - 1)].t0;
	if (!more)
		return 0;
	beyond = unseen_load(&more->queue.head) + 1 - inside;
	if (beyond == unseen_load(&more->queue.tail))
		return 0;
	return more->requests[beyond & (EXCHANGE_MORE - 1)].t0;
}

void unseen_catch_up(struct exchange *x, struct exchange_call *call, const uint8_t *at, size_t n)
{
	uint64_t began;

	if (!unseen_is_status(at, n) || exchange_waiting(x) <= x->waiting)
		return;
	exchange_ops.unparsed(call->context, RS_UNPARSED_UNSEEN_IO);
	/* Nobody saw when the body ended: at the latest when its client asked for more. */
	began = unseen_next_began(x);
	call->now = began > x->first_byte ? began : x->first_byte;
	x->bytes_out += http1_skip(&x->out, x->out.left);
	exchange_write(x, call, at, 0);
	call->now = 0;
}
