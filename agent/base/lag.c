#include "lag.h"

static uint32_t lag_bucket(uint64_t ns)
{
	uint32_t power = 63 - (uint32_t)__builtin_clzll(ns | 4);

	return ns < 4 ? (uint32_t)ns : power * 4 + (uint32_t)(ns >> (power - 2) & 3);
}

void lag_add(struct lag *g, uint64_t took_ns)
{
	g->buckets[lag_bucket(took_ns)]++;
	g->count++;
	g->sum_ns += took_ns;
}

uint64_t lag_p99_ns(const struct lag *g)
{
	uint64_t wanted = g->count - g->count / 100, seen = 0;
	uint32_t i = 0;

	if (!g->count)
		return 0;
	while (i < LAG_BUCKETS && (seen += g->buckets[i]) < wanted)
		i++;
	/* where the next bucket begins */
	return i < 8 ? i + 1 : (uint64_t)(5 + i % 4) << (i / 4 - 2);
}
