#include "rates.h"

#include <string.h>

void rates_init(struct rates *r)
{
	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
}

void rates_fini(struct rates *r)
{
	pthread_mutex_destroy(&r->lock);
}

void rates_note(struct rates *r, uint64_t now_ns, const struct rates_counts *counts)
{
	uint64_t last;

	pthread_mutex_lock(&r->lock);
	last = r->count ? r->marks[(r->count - 1) % RATES_STEPS].at_ns : 0;
	r->now = *counts;
	if (!r->count || now_ns - last >= RATES_STEP_NS) {
		r->marks[r->count % RATES_STEPS].at_ns = now_ns;
		r->marks[r->count++ % RATES_STEPS].counts = *counts;
	}
	pthread_mutex_unlock(&r->lock);
}

/* As they stood at that time: the newest mark not after it; before all marks: the oldest one. */
static struct rates_counts rates_at(const struct rates *r, uint64_t at_ns)
{
	uint64_t oldest = r->count > RATES_STEPS ? r->count - RATES_STEPS : 0;
	uint64_t i = r->count;

	while (i > oldest + 1 && r->marks[(i - 1) % RATES_STEPS].at_ns > at_ns)
		i--;
	return i ? r->marks[(i - 1) % RATES_STEPS].counts : r->now;
}

void rates_window(struct rates *r, uint64_t from_ns, uint64_t to_ns, struct rates_counts *out)
{
	struct rates_counts from;

	pthread_mutex_lock(&r->lock);
	from = rates_at(r, from_ns);
	*out = to_ns == UINT64_MAX ? r->now : rates_at(r, to_ns);
	pthread_mutex_unlock(&r->lock);
	out->hits -= from.hits;
	out->misses -= from.misses;
	out->evictions -= from.evictions;
}
