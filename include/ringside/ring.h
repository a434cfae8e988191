/*
 * ring - the sequence words of a lane: how a record is published and recognised.
 *
 * A lane has a power of two of slots. Position p (0, 1, 2 …, never reset) lies in slot p % slots.
 * The word of a published slot is  (p + 1) << 8 | k << 4 | (n - 1) :  slot k of a record of n.
 *
 * Writer: room = head + n <= tail + slots, or nothing is written (all or nothing). Bodies first,
 *         then the words of slots n-1 … 1, then the word of slot 0, each with release; then its
 *         private head += n. An owner interrupted before that writes the same positions again.
 * Reader: at tail t, slot 0's word says whether a record begins there; then each k < n must carry
 *         its own word. Slots are copied out before tail is released by t + n.
 * Why release and acquire on the words themselves suffice: a body is only read after its own word
 * was seen (A with B), and only overwritten after tail was seen to have passed it (C with D).
 */
#ifndef RINGSIDE_RING_H
#define RINGSIDE_RING_H

#include "abi.h"

static inline uint64_t ring_word(uint64_t position, uint32_t k, uint32_t n)
{
	return (position + 1) << 8 | (uint64_t)(k & 15u) << 4 | ((n - 1) & 15u);
}

static inline uint64_t ring_word_position(uint64_t word)
{
	return (word >> 8) - 1;
}

static inline uint32_t ring_word_k(uint64_t word)
{
	return (uint32_t)(word >> 4) & 15u;
}

static inline uint32_t ring_word_n(uint64_t word)
{
	return ((uint32_t)word & 15u) + 1;
}

/* A: release puts the body ahead of its word; pairs with B. */
static inline void ring_publish(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

/* B: acquire puts the copy of the body behind its word; pairs with A. */
static inline uint64_t ring_look(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

/* C: release puts the reader's copies ahead of the new tail; pairs with D. */
static inline void ring_release(_Atomic uint64_t *tail, uint64_t position)
{
	atomic_store_explicit(tail, position, memory_order_release);
}

/* D: acquire puts the writer's bodies behind the tail it saw; pairs with C. */
static inline uint64_t ring_tail(const _Atomic uint64_t *tail)
{
	return atomic_load_explicit(tail, memory_order_acquire);
}

#endif
