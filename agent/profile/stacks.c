#include "stacks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STACKS_LOSSES 512u    /* seconds: a power of two beyond STACKS_SPAN_S */
#define STACKS_BUCKETS 16384u /* a power of two; some ten thousand stacks are usual */

struct stacks_use {
	struct stack *stack;
	uint32_t second;
};

/* What was lost of a second; its place is taken by a later one. */
struct stacks_loss {
	uint64_t samples;
	uint32_t second;
};

struct stacks {
	struct stacks_loss losses[STACKS_LOSSES];
	struct stack *buckets[STACKS_BUCKETS];
	struct stacks_use *uses; /* a ring: [first, first + count) */
	uint32_t size, first, count;
	struct stacks_counts counts;
};

int stacks_open(struct stacks **out, uint32_t samples)
{
	struct stacks *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->size = samples ? samples : 1;
	s->uses = calloc(s->size, sizeof(*s->uses));
	if (!s->uses) {
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

static struct stacks_use *stacks_use_at(const struct stacks *s, uint32_t i)
{
	uint64_t at = (uint64_t)s->first + i;

	return &s->uses[at < s->size ? at : at - s->size];
}

static size_t stacks_bytes(const struct stack *stack)
{
	return sizeof(*stack) +
	       ((size_t)stack->kernel_count + stack->user_count) * sizeof(stack->addresses[0]);
}

static void stacks_drop(struct stacks *s, struct stack *stack)
{
	struct stack **at = &s->buckets[stack->hash & (STACKS_BUCKETS - 1)];

	while (*at != stack)
		at = &(*at)->next;
	*at = stack->next;
	s->counts.distinct--;
	s->counts.bytes -= stacks_bytes(stack);
	free(stack);
}

static void stacks_pop(struct stacks *s)
{
	struct stack *stack = s->uses[s->first].stack;

	s->first = s->first + 1 == s->size ? 0 : s->first + 1;
	s->count--;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): each use in the ring is counted in uses */
	if (--stack->uses == 0)
		stacks_drop(s, stack);
}

void stacks_close(struct stacks *s)
{
	if (!s)
		return;
	while (s->count)
		stacks_pop(s);
	free(s->uses);
	free(s);
}

void stacks_expire(struct stacks *s, uint32_t second)
{
	while (s->count && second - s->uses[s->first].second >= STACKS_SPAN_S)
		stacks_pop(s);
}

static uint64_t stacks_hash(const struct stacks_sample *sample)
{
	size_t count = (size_t)sample->kernel_count + sample->user_count;
	uint64_t hash = sample->key ^ UINT64_C(0xcbf29ce484222325);

	hash = (hash ^ sample->kernel_count) * UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ sample->addresses[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

static bool stacks_same(const struct stack *a, const struct stacks_sample *b)
{
	return a->key == b->key && a->kernel_count == b->kernel_count &&
	       a->user_count == b->user_count &&
	       memcmp(a->addresses, b->addresses,
		      ((size_t)b->kernel_count + b->user_count) * sizeof(b->addresses[0])) == 0;
}

static int stacks_find(struct stacks *s, const struct stacks_sample *sample, struct stack **out)
{
	size_t count = (size_t)sample->kernel_count + sample->user_count;
	uint64_t hash = stacks_hash(sample);
	struct stack **bucket = &s->buckets[hash & (STACKS_BUCKETS - 1)];
	size_t bytes = sizeof(**out) + count * sizeof(sample->addresses[0]);

	for (*out = *bucket; *out; *out = (*out)->next)
		if ((*out)->hash == hash && stacks_same(*out, sample))
			return 0;
	if (s->counts.bytes + bytes > STACKS_BYTES)
		return -ENOSPC;
	*out = malloc(bytes);
	if (!*out)
		return -ENOMEM;
	**out = (struct stack){ .key = sample->key,
				.hash = hash,
				.next = *bucket,
				.kernel_count = sample->kernel_count,
				.user_count = sample->user_count };
	memcpy((*out)->addresses, sample->addresses, count * sizeof(sample->addresses[0]));
	*bucket = *out;
	s->counts.distinct++;
	s->counts.bytes += bytes;
	return 0;
}

void stacks_lose(struct stacks *s, uint32_t second, uint64_t samples)
{
	struct stacks_loss *loss = &s->losses[second % STACKS_LOSSES];

	if (loss->second != second)
		*loss = (struct stacks_loss){ .second = second };
	loss->samples += samples;
}

uint64_t stacks_lost(const struct stacks *s, uint32_t from, uint32_t now)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; i < STACKS_LOSSES; i++)
		if (s->losses[i].second >= from && s->losses[i].second + STACKS_LOSSES > now)
			lost += s->losses[i].samples;
	return lost;
}

int stacks_put(struct stacks *s, const struct stacks_sample *sample)
{
	struct stack *stack;
	int result;

	stacks_expire(s, sample->second);
	s->counts.samples++;
	result = stacks_find(s, sample, &stack);
	if (result) {
		s->counts.no_room++;
		stacks_lose(s, sample->second, 1);
		return result;
	}
	stack->uses++; /* before the oldest goes, which may be the same stack's */
	if (s->count == s->size) {
		stacks_lose(s, stacks_use_at(s, 0)->second, 1); /* its own, which lacks it now */
		stacks_pop(s);
		s->counts.early++;
	}
	*stacks_use_at(s, s->count++) = (struct stacks_use){ stack, sample->second };
	return 0;
}

static bool stacks_wanted(const struct stacks_range *range, const struct stacks_use *use)
{
	if (use->second < range->from || use->second >= range->to)
		return false;
	for (uint32_t i = 0; i < range->key_count; i++)
		if (range->keys[i] == use->stack->key)
			return true;
	return false;
}

int stacks_each(struct stacks *s, const struct stacks_range *range, stacks_fn each, void *ctx)
{
	int result = 0;

	for (uint32_t i = 0; i < s->count; i++)
		if (stacks_wanted(range, stacks_use_at(s, i)))
			stacks_use_at(s, i)->stack->count++;
	for (uint32_t i = 0; i < s->count; i++) {
		struct stack *stack = stacks_use_at(s, i)->stack;
		uint32_t count = stack->count;

		stack->count = 0;
		if (count && !result)
			result = each(ctx, stack, count);
	}
	return result;
}

void stacks_counts_get(const struct stacks *s, struct stacks_counts *out)
{
	*out = s->counts;
}
