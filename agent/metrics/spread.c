#include "spread.h"

#include <math.h>

#define SPREAD_WIDE 4    /* buckets of schema 5 in one of schema 3 */
#define SPREAD_UNIT 1000 /* ranks are in thousandths */

static const uint64_t spread_thousandths[METRICS_RANKS] = { 500, 900, 950, 990, 999 };

double spread_middle_ns(uint32_t slot)
{
	return exp2(((double)slot - RS_HIST_BIAS - 0.5) / (1 << RS_HIST_SCHEMA)) * 1e9;
}

static uint64_t spread_count(const uint64_t buckets[RS_HIST_SLOTS])
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < RS_HIST_SLOTS; i++)
		count += buckets[i];
	return count;
}

static double spread_clamp(double value, const struct metrics_sums *sums)
{
	if (sums->min_ns > sums->max_ns)
		return value;
	if (value < (double)sums->min_ns)
		return (double)sums->min_ns;
	return value > (double)sums->max_ns ? (double)sums->max_ns : value;
}

static double spread_value(uint32_t slot, const struct metrics_sums *sums)
{
	return spread_clamp(spread_middle_ns(slot), sums);
}

static uint64_t spread_nearest(uint64_t count, uint64_t thousandths)
{
	uint64_t whole = count / SPREAD_UNIT, rest = count % SPREAD_UNIT;

	return whole * thousandths + (rest * thousandths + SPREAD_UNIT - 1) / SPREAD_UNIT;
}

static uint64_t spread_block(const uint64_t buckets[SLOT_BLOCK])
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < SLOT_BLOCK; i++)
		count += buckets[i];
	return count;
}

/* Those that were touched alone: most of a window's blocks are empty. */
static uint64_t spread_blocks(const struct slot_window *window)
{
	uint64_t count = 0;

	for (uint64_t blocks = window->blocks; blocks;)
		count += spread_block(window->buckets + slot_block_take(&blocks));
	return count;
}

/* A walk through the buckets of those blocks, from one rank to a higher one. */
struct spread_walk {
	uint64_t blocks, below;
	uint32_t slot, end;
};

/* There are so many at least. */
static uint32_t spread_walk(struct spread_walk *w, const uint64_t *buckets, uint64_t rank)
{
	while (w->slot == w->end || w->below + buckets[w->slot] < rank) {
		if (w->slot == w->end) {
			w->slot = slot_block_take(&w->blocks);
			w->end = w->slot + SLOT_BLOCK;
		} else {
			w->below += buckets[w->slot++];
		}
	}
	return w->slot;
}

void spread_ranks(const struct slot_window *window, double out[METRICS_RANKS])
{
	struct spread_walk walk = { .blocks = window->blocks };
	uint64_t count = spread_blocks(window);

	for (int i = 0; i < METRICS_RANKS; i++) {
		uint64_t rank = spread_nearest(count, spread_thousandths[i]);

		out[i] = count ? spread_value(spread_walk(&walk, window->buckets, rank),
					      &window->sums)
			       : METRICS_UNKNOWN;
	}
}

/* RS_HIST_SLOTS: there is none. */
static uint32_t spread_find(const uint64_t buckets[RS_HIST_SLOTS], uint32_t thousandths)
{
	uint64_t count = spread_count(buckets), below = 0;
	uint64_t rank = spread_nearest(count, thousandths);
	uint32_t slot = 0;

	while (slot < RS_HIST_SLOTS - 1 && below + buckets[slot] < rank)
		below += buckets[slot++];
	return count ? slot : RS_HIST_SLOTS;
}

double spread_rank(const uint64_t buckets[RS_HIST_SLOTS], const struct metrics_sums *sums,
		   uint32_t thousandths)
{
	uint32_t slot = spread_find(buckets, thousandths);

	return slot < RS_HIST_SLOTS ? spread_value(slot, sums) : METRICS_UNKNOWN;
}

double spread_rank_wide(const uint64_t buckets[RS_HIST_SLOTS], const struct metrics_sums *sums,
			uint32_t thousandths)
{
	uint32_t slot = spread_find(buckets, thousandths);
	double wide = ceil(((double)slot - RS_HIST_BIAS) / SPREAD_WIDE);

	if (slot == RS_HIST_SLOTS)
		return METRICS_UNKNOWN;
	return spread_clamp(exp2((wide - 0.5) * SPREAD_WIDE / (1 << RS_HIST_SCHEMA)) * 1e9, sums);
}

double spread_apdex(const struct slot_window *window)
{
	uint64_t count = 0, satisfied = 0, tolerating = 0;
	uint32_t first = rs_hist_slot(SPREAD_APDEX_NS), second = rs_hist_slot(4 * SPREAD_APDEX_NS);

	for (uint64_t blocks = window->blocks; blocks;) {
		uint32_t at = slot_block_take(&blocks);

		count += spread_block(window->buckets + at);
		for (uint32_t i = at; i < at + SLOT_BLOCK && i <= second; i++)
			*(i <= first ? &satisfied : &tolerating) += window->buckets[i];
	}
	if (!count)
		return METRICS_UNKNOWN;
	return ((double)satisfied + (double)tolerating / 2) / (double)count;
}
