/*
 * histogram - the bucket of a duration: base-2 exponential, schema 5, in seconds.
 *
 * Format: Prometheus native histograms; bucket i holds (2^((i-1)/32), 2^(i/32)] seconds. Stored as
 *         slot = i + RS_HIST_BIAS: slot 0 takes all up to 1 us, the last one all over 1 h.
 * Error:  a bucket's geometric middle is within 1.09 % of any value in it (2^(1/64) - 1).
 * Both sides of the shared memory use this one function, so that a fold equals an aggregate.
 */
#ifndef RINGSIDE_HISTOGRAM_H
#define RINGSIDE_HISTOGRAM_H

#include <stdint.h>
#include <string.h>

#define RS_HIST_SCHEMA 5
#define RS_HIST_BIAS 637   /* 2^(-637/32) s = 1.017 us is the first upper bound */
#define RS_HIST_SLOTS 1016 /* the last slot's lower bound, 2^(378/32) s, is 3,596 s */

/* The upper bounds of the 32 buckets that end in an octave of nanoseconds, as 52-bit mantissas. */
static const uint64_t rs_hist_bound[32] = {
	UINT64_C(0x03ff4f52a9394), UINT64_C(0x09b0c4da6231a), UINT64_C(0x0f82246b06da2),
	UINT64_C(0x157420eb1c3d4), UINT64_C(0x1b87712c02c94), UINT64_C(0x21bccfffec000),
	UINT64_C(0x2814fc504b3f6), UINT64_C(0x2e90b934c455b), UINT64_C(0x3530ce0a9aa24),
	UINT64_C(0x3bf6068ca3933), UINT64_C(0x42e132ebbf60c), UINT64_C(0x49f327e7daf6c),
	UINT64_C(0x512cbee97e0ca), UINT64_C(0x588ed61be87ee), UINT64_C(0x601a5087c20c1),
	UINT64_C(0x67d0162e5faa3), UINT64_C(0x6fb11425a1bb3), UINT64_C(0x77be3cb46e79c),
	UINT64_C(0x7ff8876fcc095), UINT64_C(0x8860f1589da8f), UINT64_C(0x90f87cfa079b7),
	UINT64_C(0x99c032887d6ad), UINT64_C(0xa2b920017e423), UINT64_C(0xabe4594c032e8),
	UINT64_C(0xb542f859a32aa), UINT64_C(0xbed61d4870f27), UINT64_C(0xc89eee8596adc),
	UINT64_C(0xd29e98f0b39c2), UINT64_C(0xdcd6500000000), UINT64_C(0xe7474de53ba18),
	UINT64_C(0xf1f2d3b36b57f), UINT64_C(0xfcda29856a228),
};

/* How many of them lie before each 64th part of the octave; none holds more than one. */
static const uint8_t rs_hist_before[64] = {
	0,  1,  1,  2,  3,  3,  4,  5,  5,  6,  6,  7,  8,  8,  9,  10, 10, 11, 11, 12, 12, 13,
	13, 14, 14, 15, 16, 16, 17, 17, 18, 18, 19, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23, 24,
	24, 24, 25, 25, 26, 26, 26, 27, 27, 28, 28, 28, 29, 29, 30, 30, 30, 31, 31, 31,
};

#define RS_HIST_FIRST (956 - RS_HIST_BIAS) /* 956: of whole buckets between 1 ns and 1 s */

/* ns: 0 … 2^63. Returns 0 … RS_HIST_SLOTS - 1. */
static inline uint32_t rs_hist_slot(uint64_t ns)
{
	double value = (double)(int64_t)ns; /* 2^63 is negative: the largest exponents */
	uint64_t bits, mantissa;
	uint32_t k;
	int i;

	memcpy(&bits, &value, sizeof(bits));
	mantissa = bits & ((UINT64_C(1) << 52) - 1);
	k = rs_hist_before[mantissa >> 46]; /* no loop: its end would be anybody's guess */
	k += mantissa > rs_hist_bound[k];
	i = ((int)(bits >> 52) - 1023) * 32 + (int)k - RS_HIST_FIRST;
	if (i < 0)
		return 0;
	return i < RS_HIST_SLOTS ? (uint32_t)i : RS_HIST_SLOTS - 1;
}

#endif
