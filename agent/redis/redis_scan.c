/*
 * redis_scan - every key of ours that a pattern fits, node by node and page by page.
 *
 * Threads:  as redis_client.
 * Memory:   one of each scan that is under way, freed when it is over.
 * Errors:   the first fault of a page ends it.
 */
#include "redis_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_SCAN_PAGE "500" /* keys that the server looks at for one answer */
#define REDIS_SCAN_CURSOR 24

struct redis_scan {
	struct redis *redis;
	redis_key_fn each;
	struct redis_then then;
	uint32_t node;
	char cursor[REDIS_SCAN_CURSOR];
	size_t length;
	char pattern[];
};

static void redis_scan_page(void *ctx, enum redis_fault fault, const struct redis_value *v);

static int redis_scan_ask(struct redis_scan *s)
{
	const struct redis_text words[] = { REDIS_TEXT("SCAN"),  { s->cursor, strlen(s->cursor) },
					    REDIS_TEXT("MATCH"), { s->pattern, s->length },
					    REDIS_TEXT("COUNT"), REDIS_TEXT(REDIS_SCAN_PAGE) };
	struct redis_call *c;
	int ret = redis_call_new(s->redis, words, sizeof(words) / sizeof(words[0]), &c);

	if (ret)
		return ret;
	c->taken = REDIS_BIT(REDIS_ARRAY);
	ret = redis_nodes_ask_one(&s->redis->nodes, s->node, c);
	if (ret) {
		redis_call_answer(c, REDIS_AWAY, NULL); /* of whom nobody is told: it has no done */
		return ret;
	}
	c->done = redis_scan_page;
	c->ctx = s;
	return 0;
}

static void redis_scan_end(struct redis_scan *s, enum redis_fault fault)
{
	if (s->then.done)
		s->then.done(s->then.ctx, fault, NULL);
	free(s);
}

static bool redis_scan_is_page(const struct redis_value *v)
{
	const struct redis_value *cursor = v->count == 2 ? v->items[0] : NULL;

	return cursor && cursor->type == REDIS_STRING && cursor->length &&
	       cursor->length < REDIS_SCAN_CURSOR && v->items[1]->type == REDIS_ARRAY &&
	       strspn(cursor->text, "0123456789") == cursor->length;
}

static void redis_scan_keys(const struct redis_scan *s, const struct redis_value *keys)
{
	size_t prefix = strlen(s->redis->prefix);

	for (size_t i = 0; i < keys->count; i++) {
		const struct redis_value *key = keys->items[i];

		/* whatever it is that answers: another program's key is none of ours */
		if (key->type == REDIS_STRING && key->length >= prefix &&
		    !memcmp(key->text, s->redis->prefix, prefix))
			s->each(s->then.ctx, key->text + prefix, key->length - prefix);
	}
}

static void redis_scan_page(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct redis_scan *s = ctx;

	if (fault == REDIS_FINE && !redis_scan_is_page(v))
		fault = REDIS_ODD;
	if (fault != REDIS_FINE) {
		redis_scan_end(s, fault);
		return;
	}
	redis_scan_keys(s, v->items[1]);
	memcpy(s->cursor, v->items[0]->text, v->items[0]->length + 1);
	if (!strcmp(s->cursor, "0"))
		s->node = redis_nodes_next(&s->redis->nodes, s->node + 1);
	if (s->node == REDIS_NODES)
		redis_scan_end(s, REDIS_FINE);
	else if (redis_scan_ask(s))
		redis_scan_end(s, REDIS_AWAY);
}

int redis_scan(struct redis *r, const struct redis_text *pattern, redis_key_fn each,
	       const struct redis_then *then)
{
	size_t room = strlen(r->prefix) + 2 * pattern->length + 1;
	struct redis_scan *s = calloc(1, sizeof(*s) + room);
	int ret;

	if (!s)
		return -ENOMEM;
	*s = (struct redis_scan){ .redis = r, .each = each, .then = *then, .cursor = "0" };
	s->length = (size_t)redis_key_pattern(r->prefix, pattern->bytes, pattern->length,
					      s->pattern, room);
	s->node = redis_nodes_next(&r->nodes, 0);
	ret = s->node < REDIS_NODES ? redis_scan_ask(s) : -EHOSTDOWN;
	if (ret)
		free(s);
	return ret;
}
