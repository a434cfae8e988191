#include "origin_health.h"

#include <stdio.h>

bool origin_is_well(const struct origin_state *s)
{
	return s->fault == ORIGIN_FINE && s->circuit == BREAKER_CLOSED;
}

static void origin_health_put(struct origin_health *h, const struct origin *o, int64_t wall_ms)
{
	uint32_t count = origin_count(o), failing = 0;
	char reason[HEALTH_REASON];
	struct origin_state s;

	snprintf(reason, sizeof(reason), "%u origins", count);
	for (uint32_t i = 0; i < count; i++) {
		origin_state_get(o, i, &s);
		if (origin_is_well(&s) || failing++)
			continue;
		snprintf(reason, sizeof(reason), "%.40s %s: %.70s; its circuit is %s", s.prefix,
			 origin_fault_name(s.fault), s.text, breaker_state_name(s.circuit));
	}
	health_put(h->health, "origins", failing ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason,
		   wall_ms);
}

void origin_health_tell(struct origin_health *h, const struct origin *o, int64_t wall_ms)
{
	uint64_t ended = origin_ended(o);

	if (!h->health || (h->is_told && ended == h->ended))
		return;
	h->is_told = true;
	h->ended = ended;
	origin_health_put(h, o, wall_ms);
}
