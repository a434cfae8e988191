#include "means.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MEANS_SECOND UINT64_C(1000000000)

static void means_tier_fini(struct means_tier *tier, struct series_budget *budget)
{
	budget->used -= tier->capacity * sizeof(*tier->samples);
	free(tier->samples);
	memset(tier, 0, sizeof(*tier));
}

void means_fini(struct means *means, struct series_budget *budget)
{
	means_tier_fini(&means->fine, budget);
	means_tier_fini(&means->coarse, budget);
}

static bool means_grow(struct means_tier *tier, struct series_budget *budget)
{
	uint32_t capacity = tier->capacity ? tier->capacity * 2 : 16;
	size_t more = (capacity - tier->capacity) * sizeof(*tier->samples);
	struct means_sample *samples;

	if (tier->count < tier->capacity)
		return true;
	if (budget->used + more > budget->limit)
		return false;
	samples = realloc(tier->samples, capacity * sizeof(*samples));
	if (!samples)
		return false;
	tier->samples = samples;
	tier->capacity = capacity;
	budget->used += more;
	return true;
}

/* False: it is too near to the one before it. */
static bool means_tier_put(struct means_tier *tier, const struct means_sample *sample,
			   uint64_t step_ns, uint64_t keep_ns, struct series_budget *budget)
{
	uint32_t old = 0;

	if (tier->count && sample->time_ns < tier->samples[tier->count - 1].time_ns + step_ns / 2)
		return false;
	/* One older than the span stays: it is what the oldest window is compared with. */
	while (old + 1 < tier->count && tier->samples[old + 1].time_ns + keep_ns < sample->time_ns)
		old++;
	tier->count -= old;
	if (old)
		memmove(tier->samples, tier->samples + old, tier->count * sizeof(*sample));
	if (means_grow(tier, budget))
		tier->samples[tier->count++] = *sample;
	else
		budget->shed++;
	return true;
}

static float means_more(float a, float b)
{
	return a > b ? a : b;
}

/* The longest of a sample that is not kept is that of the one which is. */
static void means_longer(struct means_sample *kept, const struct means_sample *other)
{
	kept->collected_max_ms = means_more(kept->collected_max_ms, other->collected_max_ms);
	kept->served_max_ms = means_more(kept->served_max_ms, other->served_max_ms);
}

static uint32_t means_shorter(uint32_t a, uint32_t b)
{
	return !a || (b && b < a) ? b : a;
}

static uint32_t means_larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Of what is between two samples, each has its own. */
struct means_most {
	uint32_t (*of)(uint32_t a, uint32_t b);
	size_t at; /* of a uint32_t of struct strain */
};

static const struct means_most means_trip = { means_shorter, offsetof(struct strain, shortest_us) };
static const struct means_most means_delay = { means_larger, offsetof(struct strain, longest_us) };

static uint32_t means_tier_most(const struct means_tier *tier, const struct means_most *most,
				uint64_t from_ns, uint64_t to_ns)
{
	uint32_t us = 0, one;

	for (uint32_t i = tier->count; i > 0 && tier->samples[i - 1].time_ns > from_ns; i--) {
		if (tier->samples[i - 1].time_ns > to_ns)
			continue;
		memcpy(&one, (const char *)&tier->samples[i - 1].strain + most->at, sizeof(one));
		us = most->of(us, one);
	}
	return us;
}

static uint32_t means_most_us(const struct means *means, const struct means_most *most,
			      uint64_t from_ns, uint64_t to_ns)
{
	uint64_t fine_ns = means->fine.count ? means->fine.samples[0].time_ns : to_ns;
	uint32_t us = means_tier_most(&means->fine, most, from_ns, to_ns);

	if (from_ns >= fine_ns)
		return us;
	return most->of(us, means_tier_most(&means->coarse, most, from_ns, fine_ns));
}

uint32_t means_shortest_us(const struct means *means, uint64_t from_ns, uint64_t to_ns)
{
	return means_most_us(means, &means_trip, from_ns, to_ns);
}

uint32_t means_delay_us(const struct means *means, uint64_t from_ns, uint64_t to_ns)
{
	return means_most_us(means, &means_delay, from_ns, to_ns);
}

void means_put(struct means *means, const struct means_sample *sample, struct series_budget *budget)
{
	uint64_t coarse_ns = SERIES_COARSE_SECONDS * MEANS_SECOND;
	const struct means_tier *tier = &means->coarse;
	uint64_t before_ns = tier->count ? tier->samples[tier->count - 1].time_ns : 0;
	struct means_sample coarse = *sample;

	if (!means_tier_put(&means->fine, sample, MEANS_SECOND, SERIES_FINE_SLOTS * MEANS_SECOND,
			    budget))
		means_longer(&means->fine.samples[means->fine.count - 1], sample);
	/* step / 2 is what tells two samples apart: a coarse one comes a whole step after. */
	coarse.strain.shortest_us =
		means_tier_most(&means->fine, &means_trip, before_ns, sample->time_ns);
	coarse.strain.longest_us =
		means_tier_most(&means->fine, &means_delay, before_ns, sample->time_ns);
	coarse.collected_max_ms = means_more(means->collected_max_ms, sample->collected_max_ms);
	coarse.served_max_ms = means_more(means->served_max_ms, sample->served_max_ms);
	means->collected_max_ms = coarse.collected_max_ms;
	means->served_max_ms = coarse.served_max_ms;
	if (means_tier_put(&means->coarse, &coarse, 2 * coarse_ns - MEANS_SECOND,
			   SERIES_SECONDS * MEANS_SECOND, budget))
		means->collected_max_ms = means->served_max_ms = 0;
}

static void means_tier_end(struct means_tier *tier, const struct means_sample *sample)
{
	struct means_sample end = *sample;

	if (!tier->count || tier->samples[tier->count - 1].time_ns >= sample->time_ns)
		return;
	means_longer(&end, &tier->samples[tier->count - 1]);
	tier->samples[tier->count - 1] = end;
}

void means_end(struct means *means, const struct means_sample *sample, struct series_budget *budget)
{
	means_put(means, sample, budget);
	means_tier_end(&means->fine, sample);
}

/* The newest at or before this time; NULL: all are later. */
static const struct means_sample *means_at(const struct means_tier *tier, uint64_t ns)
{
	uint32_t low = 0, high = tier->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (tier->samples[middle].time_ns <= ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &tier->samples[low - 1] : NULL;
}

bool means_window(const struct means *means, uint64_t from_ns, uint64_t to_ns,
		  struct means_sample *first, struct means_sample *last)
{
	const struct means_sample *end = means_at(&means->fine, to_ns);
	const struct means_sample *start = means_at(&means->fine, from_ns);

	if (!end)
		end = means_at(&means->coarse, to_ns);
	if (!end)
		return false;
	if (!start)
		start = means_at(&means->coarse, from_ns);
	*last = *end;
	if (!start && means->begin_ns && means->begin_ns >= from_ns &&
	    means->begin_ns < end->time_ns) {
		*first = (struct means_sample){ .time_ns = means->begin_ns };
		return true;
	}
	if (!start)
		start = means->coarse.count ? means->coarse.samples : means->fine.samples;
	*first = *start;
	return true;
}

static void means_tier_longest(const struct means_tier *tier, uint64_t from_ns, uint64_t to_ns,
			       float *collected_max_ms, float *served_max_ms)
{
	for (uint32_t i = 0; i < tier->count; i++) {
		const struct means_sample *sample = &tier->samples[i];

		if (sample->time_ns <= from_ns || sample->time_ns > to_ns)
			continue;
		*collected_max_ms = means_more(*collected_max_ms, sample->collected_max_ms);
		*served_max_ms = means_more(*served_max_ms, sample->served_max_ms);
	}
}

void means_longest(const struct means *means, uint64_t from_ns, uint64_t to_ns,
		   float *collected_max_ms, float *served_max_ms)
{
	uint64_t fine_ns = means->fine.count ? means->fine.samples[0].time_ns : UINT64_MAX;

	*collected_max_ms = *served_max_ms = 0;
	means_tier_longest(&means->fine, from_ns, to_ns, collected_max_ms, served_max_ms);
	if (from_ns < fine_ns) /* before its first one */
		means_tier_longest(&means->coarse, from_ns, to_ns < fine_ns ? to_ns : fine_ns,
				   collected_max_ms, served_max_ms);
}
