/*
 * stacks - the samples of the last minutes: each stack once, and a ring of who had it when.
 *
 * Threads:  one at a time; profile locks.
 * Memory:   stacks_open allocates the ring (pages are taken as it fills), each stack is one
 *           allocation that lives while a sample in the ring has it; at most STACKS_BYTES in all.
 * Errors:   0 or -errno.
 */
#ifndef PROFILE_STACKS_H
#define PROFILE_STACKS_H

#include <stdint.h>

#define STACKS_SPAN_S 300u
#define STACKS_BYTES (32u << 20) /* of all stacks together */

struct stacks;

/* Innermost frame first, the kernel's in front of the user's. */
struct stack {
	uint64_t key; /* of its process */
	uint64_t hash;
	struct stack *next; /* in its bucket */
	uint32_t uses;      /* samples in the ring */
	uint32_t count;     /* of the stacks_each under way */
	uint16_t kernel_count, user_count;
	uint64_t addresses[];
};

struct stacks_sample {
	uint64_t key;
	uint32_t second; /* of CLOCK_MONOTONIC, never smaller than before */
	uint16_t kernel_count, user_count;
	const uint64_t *addresses;
};

/* Which samples: of these processes, from a second on, before another. */
struct stacks_range {
	const uint64_t *keys;
	uint32_t key_count;
	uint32_t from, to;
};

struct stacks_counts {
	uint64_t samples;  /* taken in, ever */
	uint64_t no_room;  /* lost: STACKS_BYTES were in use */
	uint64_t early;    /* left the ring before their time: more CPUs than it was made for */
	uint32_t distinct; /* now */
	uint64_t bytes;    /* now, of stacks */
};

/* Samples of any process that were lost: that many of this second. */
void stacks_lose(struct stacks *s, uint32_t second, uint64_t samples);
/* … from this second on, up to now; with those that stacks_put counted. */
uint64_t stacks_lost(const struct stacks *s, uint32_t from, uint32_t now);

typedef int (*stacks_fn)(void *ctx, const struct stack *stack, uint32_t samples);

int stacks_open(struct stacks **out, uint32_t samples); /* how many the ring holds */
void stacks_close(struct stacks *s);                    /* NULL is fine */

/* -ENOSPC, -ENOMEM: counted as no_room. */
int stacks_put(struct stacks *s, const struct stacks_sample *sample);
void stacks_expire(struct stacks *s, uint32_t second);

/* Each stack once, with how many samples of the range had it; what each returns but 0 ends it. */
int stacks_each(struct stacks *s, const struct stacks_range *range, stacks_fn each, void *ctx);
void stacks_counts_get(const struct stacks *s, struct stacks_counts *out);

#endif
