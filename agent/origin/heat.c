#include "heat.h"

#include "siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEAT_WAYS 8u

struct heat_one {
	uint64_t hash, count; /* count 0: it is free */
	unsigned char *key;
	size_t length;
};

struct heat {
	struct heat_one sets[HEAT_KEYS / HEAT_WAYS][HEAT_WAYS];
	uint64_t hash_key[2];
	uint32_t asks; /* since they were halved */
};

int heat_open(struct heat **out, const uint64_t hash_key[2])
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	memcpy((*out)->hash_key, hash_key, sizeof((*out)->hash_key));
	return 0;
}

static const struct heat_one *heat_at(const struct heat *h, uint32_t i)
{
	return &h->sets[i / HEAT_WAYS][i % HEAT_WAYS];
}

void heat_close(struct heat *h)
{
	for (uint32_t i = 0; h && i < HEAT_KEYS; i++)
		free(heat_at(h, i)->key);
	free(h);
}

static void heat_cool(struct heat *h)
{
	if (++h->asks < HEAT_ASKS)
		return;
	h->asks = 0;
	for (uint32_t i = 0; i < HEAT_KEYS; i++)
		h->sets[i / HEAT_WAYS][i % HEAT_WAYS].count /= 2;
}

static bool heat_is(const struct heat_one *one, uint64_t hash, const struct cache_bytes *key)
{
	return one->key && one->hash == hash && one->length == key->length &&
	       !memcmp(one->key, key->at, key->length);
}

void heat_asked(struct heat *h, const struct cache_bytes *key)
{
	uint64_t hash = siphash(h->hash_key, key->at, key->length);
	struct heat_one *set = h->sets[hash % (HEAT_KEYS / HEAT_WAYS)], *coldest = set;
	unsigned char *copy;

	heat_cool(h);
	for (uint32_t i = 0; i < HEAT_WAYS; i++) {
		if (heat_is(&set[i], hash, key)) {
			set[i].count++;
			return;
		}
		if (set[i].count < coldest->count)
			coldest = &set[i];
	}
	copy = key->length <= HEAT_KEY ? malloc(key->length + 1) : NULL;
	if (!copy)
		return;
	memcpy(copy, key->at, key->length);
	free(coldest->key);
	*coldest = (struct heat_one){ hash, coldest->count + 1, copy, key->length };
}

static int heat_compare(const void *left, const void *right)
{
	uint64_t a = (*(const struct heat_one *const *)left)->count;
	uint64_t b = (*(const struct heat_one *const *)right)->count;

	return a < b ? 1 : a > b ? -1 : 0;
}

uint32_t heat_top(const struct heat *h, const struct cache_bytes *prefix,
		  struct cache_bytes out[HEAT_TOP], uint32_t most)
{
	const struct heat_one *hot[HEAT_KEYS];
	uint32_t count = 0;

	for (uint32_t i = 0; i < HEAT_KEYS; i++) {
		const struct heat_one *one = heat_at(h, i);

		if (one->count && one->length >= prefix->length &&
		    !memcmp(one->key, prefix->at, prefix->length))
			hot[count++] = one;
	}
	qsort(hot, count, sizeof(const struct heat_one *), heat_compare);
	count = count < most ? count : most;
	count = count < HEAT_TOP ? count : HEAT_TOP;
	for (uint32_t i = 0; i < count; i++)
		out[i] = (struct cache_bytes){ hot[i]->key, hot[i]->length };
	return count;
}
