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

/* The upper bounds of the 32 buckets of an octave, 2^(k/32) for k = 1 … 32, as 52-bit mantissas. */
static const uint64_t rs_hist_bound[32] = {
	UINT64_C(0x059b0d3158574), UINT64_C(0x0b5586cf9890f), UINT64_C(0x11301d0125b50),
	UINT64_C(0x172b83c7d517a), UINT64_C(0x1d4873168b9aa), UINT64_C(0x2387a6e756238),
	UINT64_C(0x29e9df51fdee1), UINT64_C(0x306fe0a31b715), UINT64_C(0x371a7373aa9ca),
	UINT64_C(0x3dea64c123422), UINT64_C(0x44e086061892d), UINT64_C(0x4bfdad5362a27),
	UINT64_C(0x5342b569d4f81), UINT64_C(0x5ab07dd485429), UINT64_C(0x6247eb03a5584),
	UINT64_C(0x6a09e667f3bcc), UINT64_C(0x71f75e8ec5f73), UINT64_C(0x7a11473eb0186),
	UINT64_C(0x82589994cce12), UINT64_C(0x8ace5422aa0db), UINT64_C(0x93737b0cdc5e4),
	UINT64_C(0x9c49182a3f090), UINT64_C(0xa5503b23e255c), UINT64_C(0xae89f995ad3ad),
	UINT64_C(0xb7f76f2fb5e46), UINT64_C(0xc199bdd85529c), UINT64_C(0xcb720dcef9069),
	UINT64_C(0xd5818dcfba487), UINT64_C(0xdfc97337b9b5e), UINT64_C(0xea4afa2a490d9),
	UINT64_C(0xf50765b6e4540), UINT64_C(0xfffffffffffff),
};

/* How many of them lie before each 64th part of the octave; none holds more than one. */
static const uint8_t rs_hist_before[64] = {
	0,  0,  1,  2,  2,  3,  4,  4,  5,  6,  6,  7,  7,  8,  9,  9,  10, 10, 11, 12, 12, 13,
	13, 14, 14, 15, 15, 16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 21, 22, 22, 23, 23,
	24, 24, 25, 25, 25, 26, 26, 27, 27, 27, 28, 28, 29, 29, 29, 30, 30, 30, 31, 31,
};

/* ns: 0 … 2^63. Returns 0 … RS_HIST_SLOTS - 1. */
static inline uint32_t rs_hist_slot(uint64_t ns)
{
	double seconds = (double)ns * 1e-9;
	uint64_t bits, mantissa;
	uint32_t k;
	int i;

	if (ns <= 1000)
		return 0;
	memcpy(&bits, &seconds, sizeof(bits));
	mantissa = bits & ((UINT64_C(1) << 52) - 1);
	k = rs_hist_before[mantissa >> 46]; /* no loop: its end would be anybody's guess */
	k += mantissa > rs_hist_bound[k];
	/* A power of two itself is the last bucket of the octave below. */
	i = ((int)(bits >> 52) - 1023) * 32 + (int)k + (mantissa != 0) + RS_HIST_BIAS;
	if (i < 0)
		return 0;
	return i < RS_HIST_SLOTS ? (uint32_t)i : RS_HIST_SLOTS - 1;
}

#endif
