#include "redis_call.h"

#include "redis_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int redis_call_open(struct redis_call **out, const struct redis_text *words, size_t count)
{
	struct redis_call *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (c)
		c->question = redis_wire_question(words, count, &c->length);
	if (!c || !c->question) {
		free(c);
		return -ENOMEM;
	}
	c->slot = REDIS_SLOTS;
	*out = c;
	return 0;
}

int redis_call_append(struct redis_call *c, const struct redis_text *words, size_t count)
{
	size_t length;
	char *more = redis_wire_question(words, count, &length);
	char *question = more ? realloc(c->question, c->length + length) : NULL;

	if (question) {
		c->question = question;
		memcpy(question + c->length, more, length);
		c->length += length;
		c->parts++;
	}
	free(more);
	return question ? 0 : -ENOMEM;
}

void redis_call_ready(struct redis_call *c)
{
	c->written = 0;
	c->ahead = c->parts;
	redis_value_free(c->refusal);
	c->refusal = NULL;
}

bool redis_call_takes(const struct redis_call *c, const struct redis_value *v)
{
	return v->type == REDIS_REFUSAL ||
	       (c->ahead ? v->type == REDIS_STATUS : (c->taken & REDIS_BIT(v->type)) != 0);
}

bool redis_call_part(struct redis_call *c, struct redis_value *v)
{
	if (!c->ahead)
		return false;
	c->ahead--;
	if (v->type == REDIS_REFUSAL && !c->refusal)
		c->refusal = v;
	else
		redis_value_free(v);
	return true;
}

const struct redis_value *redis_call_refusal(const struct redis_call *c,
					     const struct redis_value *v)
{
	if (c->refusal || v->type == REDIS_REFUSAL)
		return c->refusal ? c->refusal : v;
	for (size_t i = 0; c->parts && i < v->count; i++)
		if (v->items[i]->type == REDIS_REFUSAL)
			return v->items[i];
	return NULL;
}

void redis_call_answer(struct redis_call *c, enum redis_fault fault, const struct redis_value *v)
{
	if (c->done)
		c->done(c->ctx, fault, v);
	redis_value_free(c->refusal);
	free(c->question);
	free(c);
}

void redis_queue_init(struct redis_queue *q)
{
	q->first = NULL;
	q->end = &q->first;
	q->count = q->bytes = 0;
}

void redis_queue_insert(struct redis_queue *q, struct redis_call **at, struct redis_call *c)
{
	c->next = *at;
	*at = c;
	if (!c->next)
		q->end = &c->next;
	q->count++;
	q->bytes += c->length;
}

void redis_queue_put(struct redis_queue *q, struct redis_call *c)
{
	redis_queue_insert(q, q->end, c);
}

struct redis_call *redis_queue_take_at(struct redis_queue *q, struct redis_call **at)
{
	struct redis_call *c = *at;

	if (!c)
		return NULL;
	*at = c->next;
	if (!c->next)
		q->end = at;
	c->next = NULL;
	q->count--;
	q->bytes -= c->length;
	return c;
}

struct redis_call *redis_queue_take(struct redis_queue *q)
{
	return redis_queue_take_at(q, &q->first);
}

uint64_t redis_queue_deadline_ns(const struct redis_queue *q)
{
	uint64_t earliest_ns = UINT64_MAX;

	for (const struct redis_call *c = q->first; c; c = c->next)
		if (c->deadline_ns < earliest_ns)
			earliest_ns = c->deadline_ns;
	return earliest_ns;
}
