#include "pace.h"

#define PACE_HOLD_MOST_NS (2 * PACE_MOST_NS)
#define PACE_FORGET_NS UINT64_C(1000000000) /* hold grows by itself in so much time */

static uint64_t pace_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void pace_init(struct pace *p, uint64_t now_ns)
{
	p->last_ns = now_ns;
	p->period_ns = 0;
	p->hold_ns = PACE_HOLD_MOST_NS;
}

void pace_step(struct pace *p, uint64_t now_ns, uint32_t fill)
{
	uint64_t passed = now_ns > p->last_ns ? now_ns - p->last_ns : 0;
	uint64_t most = fill ? PACE_LOAD_NS : PACE_MOST_NS;

	passed = pace_min(passed, PACE_FORGET_NS);
	p->hold_ns += p->hold_ns * passed / PACE_FORGET_NS;
	p->hold_ns = pace_min(p->hold_ns, PACE_HOLD_MOST_NS);
	if (fill && passed)
		p->hold_ns = pace_min(p->hold_ns, passed * PACE_FULL / fill);
	if (!fill)
		most = pace_min(most, 2 * p->period_ns);
	p->period_ns = pace_min(p->hold_ns / 2, most);
	if (p->period_ns < PACE_LEAST_NS)
		p->period_ns = PACE_LEAST_NS;
	if (p->hold_ns < PACE_LEAST_NS)
		p->hold_ns = PACE_LEAST_NS; /* what is nothing would never grow again */
	p->last_ns = now_ns;
}
