/*
 * redis_member - a member comes into a set, whose time is at least the member's, or neither is so.
 *
 * Threads:  as redis_client.
 * Memory:   one of each that waits for a set's time, freed when that is known.
 * Errors:   as redis_client.
 *
 * MULTI, SADD, PEXPIRE NX, PEXPIRE GT, EXEC, in one write and of one key, so that they are of one
 * node. NX and GT are Redis 7's: of an older one the set's time is asked for first. Between the two
 * another agent may lengthen it, and is lost to; the time is that of our member then.
 */
#include "redis_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_MEMBER_SINCE 7 /* NX and GT */

struct redis_member {
	struct redis *redis;
	struct redis_then then;
	uint64_t ttl_ms;
	size_t key, member; /* of bytes, one behind the other */
	char bytes[];
};

/* Of a server that is not connected yet nothing is known: it is one of today's. */
static bool redis_member_is_old(const struct redis *r)
{
	for (uint32_t i = 0; i < r->nodes.top; i++) {
		const struct redis_link *l = &r->nodes.at[i].link;

		if (r->nodes.at[i].used && l->state == REDIS_LINK_READY && *l->info.version &&
		    strtoul(l->info.version, NULL, 10) < REDIS_MEMBER_SINCE)
			return true;
	}
	return false;
}

/* key: the whole one. lengthen: the time may only become longer by it, as a newer server can. */
static int redis_member_put(struct redis *r, const struct redis_text *key,
			    const struct redis_member *m, bool lengthen)
{
	char number[24];
	const struct redis_text multi[] = { REDIS_TEXT("MULTI") }, exec[] = { REDIS_TEXT("EXEC") };
	const struct redis_text add[] = { REDIS_TEXT("SADD"),
					  *key,
					  { m->bytes + m->key, m->member } };
	struct redis_text expire[] = {
		REDIS_TEXT("PEXPIRE"), *key, { number, 0 }, REDIS_TEXT("NX")
	};
	struct redis_call *c;
	int ret = redis_call_new(r, multi, 1, &c);

	if (ret)
		return ret;
	expire[2].length =
		(size_t)snprintf(number, sizeof(number), "%llu", (unsigned long long)m->ttl_ms);
	ret = redis_call_append(c, add, 3);
	if (!ret)
		ret = redis_call_append(c, expire, lengthen ? 4 : 3);
	expire[3] = REDIS_TEXT("GT");
	if (!ret && lengthen)
		ret = redis_call_append(c, expire, 4);
	if (!ret)
		ret = redis_call_append(c, exec, 1);
	if (ret) {
		redis_call_answer(c, REDIS_CLOSED, NULL); /* it has no done: nobody is told */
		return ret;
	}
	c->taken = REDIS_BIT(REDIS_ARRAY);
	return redis_own_ask(r, c, key, &m->then);
}

static int redis_member_now(const struct redis_member *m, bool lengthen)
{
	struct redis_text key = { m->bytes, m->key };
	char *whole = redis_own_key(m->redis, &key);
	int ret = whole ? redis_member_put(m->redis, &key, m, lengthen) : -ENOMEM;

	free(whole);
	return ret;
}

/* The set's time: -1: it has none, which is put right; -2: there is no set. */
static void redis_member_left(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct redis_member *m = ctx;
	bool asks = fault == REDIS_FINE;

	if (asks && v->number > 0 && (uint64_t)v->number > m->ttl_ms)
		m->ttl_ms = (uint64_t)v->number;
	if (asks && redis_member_now(m, false))
		fault = REDIS_AWAY;
	if (fault != REDIS_FINE && m->then.done)
		m->then.done(m->then.ctx, fault, asks ? NULL : v);
	free(m);
}

static int redis_member_ask_left(struct redis_member *m)
{
	struct redis_text words[] = { REDIS_TEXT("PTTL"), { m->bytes, m->key } };
	const struct redis_then then = { redis_member_left, m };
	char *whole = redis_own_key(m->redis, &words[1]);
	struct redis_call *c;
	int ret = whole ? redis_call_new(m->redis, words, 2, &c) : -ENOMEM;

	if (!ret) {
		c->taken = REDIS_BIT(REDIS_INTEGER);
		ret = redis_own_ask(m->redis, c, &words[1], &then);
	}
	free(whole);
	return ret;
}

int redis_member_add(struct redis *r, const struct redis_text *key, const struct redis_text *member,
		     uint64_t ttl_ms, const struct redis_then *then)
{
	struct redis_member *m = calloc(1, sizeof(*m) + key->length + member->length);
	bool is_old = redis_member_is_old(r);
	int ret;

	if (!m)
		return -ENOMEM;
	*m = (struct redis_member){
		.redis = r, .ttl_ms = ttl_ms, .key = key->length, .member = member->length
	};
	if (then)
		m->then = *then;
	memcpy(m->bytes, key->bytes, key->length);
	memcpy(m->bytes + key->length, member->bytes, member->length);
	ret = is_old ? redis_member_ask_left(m) : redis_member_now(m, true);
	if (ret || !is_old)
		free(m);
	return ret;
}
