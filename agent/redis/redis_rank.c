/*
 * redis_rank - members of a sorted set by their scores, and the clock of the server that has it.
 *
 * Threads:  as redis_client.
 * Memory:   as redis_client.
 * Errors:   as redis_client.
 */
#include "redis_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define REDIS_RANK_NUMBER 24

static struct redis_text redis_rank_number(char out[REDIS_RANK_NUMBER], const char *before,
					   int64_t number)
{
	int length = snprintf(out, REDIS_RANK_NUMBER, "%s%lld", before, (long long)number);

	return (struct redis_text){ out, (size_t)length };
}

int redis_time(struct redis *r, const struct redis_text *key, const struct redis_then *then)
{
	const struct redis_text words[] = { REDIS_TEXT("TIME") };
	struct redis_text whole = *key;
	char *bytes = redis_own_key(r, &whole);
	struct redis_call *c;
	int ret = bytes ? redis_call_new(r, words, 1, &c) : -ENOMEM;

	if (!ret) {
		c->taken = REDIS_BIT(REDIS_ARRAY);
		ret = redis_own_ask(r, c, &whole, then);
	}
	free(bytes);
	return ret;
}

int64_t redis_time_ms(const struct redis_value *v)
{
	long long seconds, micros;

	if (v->type != REDIS_ARRAY || v->count != 2 || v->items[0]->type != REDIS_STRING ||
	    v->items[1]->type != REDIS_STRING)
		return -1;
	seconds = strtoll(v->items[0]->text, NULL, 10);
	micros = strtoll(v->items[1]->text, NULL, 10);
	if (seconds <= 0 || seconds > INT64_C(100000000000) || micros < 0 || micros > 999999)
		return -1;
	return (int64_t)(seconds * 1000 + micros / 1000);
}

/* Its parts behind MULTI, which c is already. key: the whole one. */
static int redis_rank_append(struct redis_call *c, const struct redis_text *key,
			     const struct redis_rank *rank)
{
	char score[REDIS_RANK_NUMBER], least[REDIS_RANK_NUMBER], ttl[REDIS_RANK_NUMBER];
	const struct redis_text add[] = { REDIS_TEXT("ZADD"), *key,
					  redis_rank_number(score, "", rank->score), rank->member };
	const struct redis_text trim[] = { REDIS_TEXT("ZREMRANGEBYSCORE"), *key, REDIS_TEXT("-inf"),
					   redis_rank_number(least, "(", rank->least) };
	const struct redis_text expire[] = { REDIS_TEXT("PEXPIRE"), *key,
					     redis_rank_number(ttl, "", (int64_t)rank->ttl_ms) };
	const struct redis_text exec[] = { REDIS_TEXT("EXEC") };
	int ret = redis_call_append(c, add, 4);

	if (!ret)
		ret = redis_call_append(c, trim, 4);
	if (!ret)
		ret = redis_call_append(c, expire, 3);
	return ret ? ret : redis_call_append(c, exec, 1);
}

int redis_rank_put(struct redis *r, const struct redis_text *key, const struct redis_rank *rank,
		   const struct redis_then *then)
{
	const struct redis_text multi[] = { REDIS_TEXT("MULTI") };
	struct redis_text whole = *key;
	char *bytes = redis_own_key(r, &whole);
	struct redis_call *c = NULL;
	int ret = bytes ? redis_call_new(r, multi, 1, &c) : -ENOMEM;

	if (!ret)
		ret = redis_rank_append(c, &whole, rank);
	if (ret && c)
		redis_call_answer(c, REDIS_CLOSED, NULL); /* it has no done: nobody is told */
	if (!ret) {
		c->taken = REDIS_BIT(REDIS_ARRAY);
		ret = redis_own_ask(r, c, &whole, then);
	}
	free(bytes);
	return ret;
}

int redis_rank_list(struct redis *r, const struct redis_text *key, uint32_t most,
		    const struct redis_then *then)
{
	char count[REDIS_RANK_NUMBER];
	struct redis_text words[] = { REDIS_TEXT("ZREVRANGEBYSCORE"),
				      *key,
				      REDIS_TEXT("+inf"),
				      REDIS_TEXT("-inf"),
				      REDIS_TEXT("WITHSCORES"),
				      REDIS_TEXT("LIMIT"),
				      REDIS_TEXT("0"),
				      redis_rank_number(count, "", most) };
	char *bytes = redis_own_key(r, &words[1]);
	struct redis_call *c;
	int ret = bytes ? redis_call_new(r, words, sizeof(words) / sizeof(words[0]), &c) : -ENOMEM;

	if (!ret) {
		c->taken = REDIS_BIT(REDIS_ARRAY);
		ret = redis_own_ask(r, c, &words[1], then);
	}
	free(bytes);
	return ret;
}
