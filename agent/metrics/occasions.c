#include "occasions.h"

#define OCCASIONS_TEN SERIES_COARSE_SECONDS

/* Empties the places of the seconds that came since the last one. */
static void occasions_roll(struct occasions *o, uint32_t second)
{
	uint32_t old = o->newest;

	if (second <= old)
		return;
	for (uint32_t i = 1; i <= SERIES_FINE_SLOTS && old + i <= second; i++)
		o->fine[(old + i) % SERIES_FINE_SLOTS] = 0;
	for (uint32_t i = 1;
	     i <= SERIES_COARSE_SLOTS && old / OCCASIONS_TEN + i <= second / OCCASIONS_TEN; i++)
		o->coarse[(old / OCCASIONS_TEN + i) % SERIES_COARSE_SLOTS] = 0;
	o->newest = second;
}

void occasions_add(struct occasions *o, uint32_t second)
{
	uint16_t *fine = &o->fine[second % SERIES_FINE_SLOTS];

	occasions_roll(o, second);
	o->total++;
	if (second + SERIES_FINE_SLOTS > o->newest && *fine < UINT16_MAX)
		(*fine)++;
	if (second / OCCASIONS_TEN + SERIES_COARSE_SLOTS > o->newest / OCCASIONS_TEN)
		o->coarse[second / OCCASIONS_TEN % SERIES_COARSE_SLOTS]++;
}

static uint64_t occasions_fine(const struct occasions *o, uint32_t from, uint32_t to)
{
	uint64_t sum = 0;

	for (uint32_t s = from; s < to && s <= o->newest; s++)
		sum += o->fine[s % SERIES_FINE_SLOTS];
	return sum;
}

uint64_t occasions_count(const struct occasions *o, uint32_t from, uint32_t to)
{
	uint32_t ten, oldest;
	uint64_t sum = 0;

	if (!o)
		return 0;
	if (from + SERIES_FINE_SLOTS > o->newest)
		return occasions_fine(o, from, to);
	ten = from / OCCASIONS_TEN;
	oldest = o->newest / OCCASIONS_TEN;
	oldest = oldest >= SERIES_COARSE_SLOTS ? oldest - SERIES_COARSE_SLOTS + 1 : 0;
	for (ten = ten > oldest ? ten : oldest;
	     ten * OCCASIONS_TEN < to && ten <= o->newest / OCCASIONS_TEN; ten++)
		sum += o->coarse[ten % SERIES_COARSE_SLOTS];
	return sum;
}
