#include "deadline.h"

#include <limits.h>
#include <stddef.h>

#define DEADLINE_MS_NS UINT64_C(1000000)

void deadline_drop(struct deadline *d)
{
	struct deadline_queue *q = d->queue;

	if (!q)
		return;
	*(d->before ? &d->before->after : &q->first) = d->after;
	*(d->after ? &d->after->before : &q->last) = d->before;
	d->before = d->after = NULL;
	d->queue = NULL;
}

void deadline_put(struct deadline_queue *q, struct deadline *d, uint64_t now_ns)
{
	deadline_drop(d);
	d->queue = q;
	d->due_ns = now_ns + q->span_ns;
	d->before = q->last;
	*(q->last ? &q->last->after : &q->first) = d;
	q->last = d;
}

struct deadline *deadline_take(struct deadline_queue *q, uint64_t now_ns)
{
	struct deadline *d = q->first;

	if (!d || d->due_ns > now_ns)
		return NULL;
	deadline_drop(d);
	return d;
}

int deadline_wait_ms(const struct deadline_queue *q, uint64_t now_ns, int most)
{
	uint64_t ms;

	if (!q->first)
		return most;
	if (q->first->due_ns <= now_ns)
		return 0;
	/* Rounded up: a wake-up too early would be one for nothing. */
	ms = (q->first->due_ns - now_ns + DEADLINE_MS_NS - 1) / DEADLINE_MS_NS;
	if (ms > INT_MAX)
		ms = INT_MAX;
	return most >= 0 && ms > (uint64_t)most ? most : (int)ms;
}
