/*
 * redis_evicts - whether a node may give up keys by itself, asked of one after the other.
 *
 * Threads:  as redis_client.
 * Memory:   one of each question that is under way, freed when it is over.
 * Errors:   the first fault ends it; who may not ask is told that it may be so.
 */
#include "redis_own.h"

#include <errno.h>
#include <stdlib.h>

struct redis_evicts {
	struct redis *redis;
	struct redis_then then;
	uint32_t node;
};

static void redis_evicts_end(struct redis_evicts *e, enum redis_fault fault, bool evicts)
{
	const struct redis_value answer = { .type = REDIS_INTEGER, .number = evicts };

	if (e->then.done)
		e->then.done(e->then.ctx, fault, fault == REDIS_FINE ? &answer : NULL);
	free(e);
}

static void redis_evicts_told(void *ctx, enum redis_fault fault, const struct redis_value *v);

static int redis_evicts_ask(struct redis_evicts *e)
{
	const struct redis_text words[] = { REDIS_TEXT("INFO"), REDIS_TEXT("memory") };
	struct redis_call *c;
	int ret = redis_call_new(e->redis, words, sizeof(words) / sizeof(words[0]), &c);

	if (ret)
		return ret;
	c->taken = REDIS_BIT(REDIS_STRING);
	ret = redis_nodes_ask_one(&e->redis->nodes, e->node, c);
	if (ret) {
		redis_call_answer(c, REDIS_AWAY, NULL); /* of whom nobody is told: it has no done */
		return ret;
	}
	c->done = redis_evicts_told;
	c->ctx = e;
	return 0;
}

static void redis_evicts_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct redis_evicts *e = ctx;
	struct redis_info info = { .limited = false };

	if (fault == REDIS_FINE)
		redis_info_read(&info, v->text, v->length);
	if (fault == REDIS_NOPERM || (fault == REDIS_FINE && redis_info_evicts(&info))) {
		redis_evicts_end(e, REDIS_FINE, true);
		return;
	}
	e->node = redis_nodes_next(&e->redis->nodes, e->node + 1);
	if (fault != REDIS_FINE || e->node == REDIS_NODES)
		redis_evicts_end(e, fault, false);
	else if (redis_evicts_ask(e))
		redis_evicts_end(e, REDIS_AWAY, false);
}

int redis_evicts(struct redis *r, const struct redis_then *then)
{
	struct redis_evicts *e = malloc(sizeof(*e));
	int ret;

	if (!e)
		return -ENOMEM;
	*e = (struct redis_evicts){ .redis = r, .then = *then };
	e->node = redis_nodes_next(&r->nodes, 0);
	ret = e->node < REDIS_NODES ? redis_evicts_ask(e) : -EHOSTDOWN;
	if (ret)
		free(e);
	return ret;
}
