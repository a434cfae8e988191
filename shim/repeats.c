#include "repeats.h"

#include "mem.h"

#include <stdatomic.h>

#define REPEATS_FACTOR UINT64_C(0x9e3779b97f4a7c15)

_Static_assert(RS_PLACES == 1u << REPEATS_PLACE_BITS, "a word is a number and a place");
_Static_assert(sizeof(struct repeats_block) == 64, "a cache line");

static uint32_t repeats_hash(const uint8_t *at, size_t n)
{
	uint64_t hash = n, word;

	for (; n >= sizeof(word); at += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * REPEATS_FACTOR;
		hash ^= hash >> 32;
	}
	for (; n; at++, n--)
		hash = (hash ^ *at) * REPEATS_FACTOR;
	return (uint32_t)(hash >> 32);
}

static uint32_t repeats_take(struct repeats *r, uint32_t at)
{
	struct repeats_block *b = &r->blocks[at];

	atomic_fetch_add_explicit(&b->open, 1, memory_order_relaxed);
	return b->number << REPEATS_PLACE_BITS | at;
}

uint32_t repeats_find(struct repeats *r, const uint8_t *bytes, size_t n)
{
	uint32_t hash;

	if (n > REPEATS_BYTES)
		return 0;
	hash = repeats_hash(bytes, n);
	for (uint32_t i = 0; i < RS_PLACES; i++) {
		struct repeats_block *b = &r->blocks[i];

		if (r->hash[i] == hash && b->valid && b->length == n &&
		    !memcmp(b->bytes, bytes, n)) {
			b->used = 1;
			return repeats_take(r, i);
		}
	}
	return 0;
}

/* The second time that the hand comes by, nothing is used any more, but for what is referred to. */
uint8_t repeats_place(struct repeats *r, size_t n, uint32_t number)
{
	if (n > REPEATS_BYTES || number >= RS_BLOCK_MOST)
		return 0;
	for (uint32_t i = 0; i < 2 * RS_PLACES; i++) {
		uint32_t at = r->hand++ % RS_PLACES;
		struct repeats_block *b = &r->blocks[at];

		if (atomic_load_explicit(&b->open, memory_order_relaxed))
			continue;
		if (!b->valid || !b->used)
			return (uint8_t)(at + 1);
		b->used = 0;
	}
	return 0;
}

uint32_t repeats_keep(struct repeats *r, uint8_t place, uint32_t number, const uint8_t *bytes,
		      size_t n)
{
	struct repeats_block *b = &r->blocks[place - 1];

	b->number = number + 1;
	b->valid = 1;
	b->used = 0; /* one that does not come again goes first */
	b->length = (uint8_t)n;
	memcpy(b->bytes, bytes, n);
	r->hash[place - 1] = repeats_hash(bytes, n);
	return repeats_take(r, place - 1u);
}

void repeats_forget(struct repeats *r)
{
	for (uint32_t i = 0; i < RS_PLACES; i++)
		r->blocks[i].valid = 0;
}

void repeats_release(struct repeats *r, uint32_t word)
{
	if (word)
		atomic_fetch_sub_explicit(&r->blocks[word % RS_PLACES].open, 1,
					  memory_order_relaxed);
}
