/*
 * spread - percentiles of a merged histogram (ringside/histogram.h).
 *
 * Threads:  pure functions.
 * Memory:   none.
 * Errors:   METRICS_UNKNOWN where nothing was counted.
 */
#ifndef METRICS_SPREAD_H
#define METRICS_SPREAD_H

#include "slot.h"

#define SPREAD_APDEX_NS UINT64_C(500000000) /* satisfied up to T, tolerating up to 4 T */

/* The geometric middle of a bucket, in nanoseconds: within 1.09 % of any value in it. */
double spread_middle_ns(uint32_t slot);

/* Nearest rank, out in the order of METRICS_P50 …; clamped to min and max where these are known. */
void spread_ranks(const struct slot_window *window, double out[METRICS_RANKS]);

/* Any rank, in thousandths: 950 is p95. */
double spread_rank(const uint64_t buckets[RS_HIST_SLOTS], const struct metrics_sums *sums,
		   uint32_t thousandths);
/* Of buckets of which some stand for four, as at schema 3: within 4.5 %. */
double spread_rank_wide(const uint64_t buckets[RS_HIST_SLOTS], const struct metrics_sums *sums,
			uint32_t thousandths);

/* (satisfied + tolerating / 2) / all. */
double spread_apdex(const struct slot_window *window);

#endif
