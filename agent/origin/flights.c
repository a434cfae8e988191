#include "flights.h"

#include "siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FLIGHTS_BUCKETS 1024u /* a power of two */

struct flights {
	struct flight *buckets[FLIGHTS_BUCKETS];
	uint64_t hash_key[2];
	uint32_t waiters;
};

int flights_open(struct flights **out, const uint64_t hash_key[2])
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	memcpy((*out)->hash_key, hash_key, sizeof((*out)->hash_key));
	return 0;
}

static void flight_free(struct flights *f, struct flight *one)
{
	struct flight_waiter *next;

	for (struct flight_waiter *w = one->first; w; w = next) {
		next = w->next;
		f->waiters--;
		free(w);
	}
	free(one);
}

void flights_close(struct flights *f)
{
	struct flight *one;

	if (!f)
		return;
	while ((one = flights_any(f))) {
		flights_take(f, one);
		flight_free(f, one);
	}
	free(f);
}

struct flight *flights_find(const struct flights *f, const struct cache_bytes *key)
{
	uint64_t hash = siphash(f->hash_key, key->at, key->length);
	struct flight *one = f->buckets[hash % FLIGHTS_BUCKETS];

	while (one && (one->hash != hash || one->key_length != key->length ||
		       memcmp(one->key, key->at, key->length) != 0))
		one = one->chain;
	return one;
}

int flights_add(struct flights *f, const struct cache_bytes *key, struct flight **out)
{
	struct flight *one = calloc(1, sizeof(*one) + key->length), **bucket;

	*out = one;
	if (!one)
		return -ENOMEM;
	one->end = &one->first;
	one->hash = siphash(f->hash_key, key->at, key->length);
	one->key_length = key->length;
	memcpy(one->key, key->at, key->length);
	bucket = &f->buckets[one->hash % FLIGHTS_BUCKETS];
	one->chain = *bucket;
	*bucket = one;
	return 0;
}

int flights_join(struct flights *f, struct flight *one, const struct origin_then *then)
{
	struct flight_waiter *w;

	if (f->waiters == FLIGHTS_WAITERS)
		return -ENOBUFS;
	w = malloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct flight_waiter){ .then = *then };
	*one->end = w;
	one->end = &w->next;
	f->waiters++;
	return 0;
}

void flights_take(struct flights *f, struct flight *one)
{
	struct flight **at = &f->buckets[one->hash % FLIGHTS_BUCKETS];

	while (*at != one)
		at = &(*at)->chain;
	*at = one->chain;
}

void flight_tell(struct flights *f, struct flight *one, struct origin_answer *answer)
{
	for (const struct flight_waiter *w = one->first; w; w = w->next) {
		answer->first = w == one->first;
		w->then.done(w->then.ctx, answer);
	}
	flight_free(f, one);
}

struct flight *flights_any(const struct flights *f)
{
	for (uint32_t i = 0; i < FLIGHTS_BUCKETS; i++)
		if (f->buckets[i])
			return f->buckets[i];
	return NULL;
}
