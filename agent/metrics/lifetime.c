#include "lifetime.h"

const double metrics_bounds_s[METRICS_BOUNDS] = { 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
						  0.005,  0.01,    0.025,  0.05,  0.075,
						  0.1,    0.25,    0.5,    0.75,  1,
						  2.5,    5,       7.5,    10 };

/* The last bucket that lies below each bound in full. */
static const uint16_t lifetime_last[METRICS_BOUNDS] = { 211, 254, 286, 318, 360, 392, 424,
							466, 498, 517, 530, 573, 605, 623,
							637, 679, 711, 730, 743 };

void lifetime_add(struct lifetime *lifetime, const struct slot *slot)
{
	unsigned int step = 0;

	if (!lifetime->sums.max_ns)
		lifetime->sums.min_ns = UINT64_MAX; /* nothing was measured yet */
	slot_sums_add(&lifetime->sums, &slot->sums);
	for (uint64_t blocks = slot->blocks; blocks;) {
		uint32_t at = slot_block_take(&blocks);

		for (uint32_t i = at; i < at + SLOT_BLOCK; i++) {
			while (step < METRICS_BOUNDS && i > lifetime_last[step])
				step++;
			lifetime->steps[step] += slot->buckets[i];
		}
	}
}

void lifetime_unite(struct lifetime *to, const struct lifetime *from)
{
	struct metrics_sums sums = from->sums;

	if (!sums.max_ns)
		sums.min_ns = UINT64_MAX;
	if (!to->sums.max_ns)
		to->sums.min_ns = UINT64_MAX;
	slot_sums_add(&to->sums, &sums);
	for (uint32_t i = 0; i <= METRICS_BOUNDS; i++)
		to->steps[i] += from->steps[i];
}
