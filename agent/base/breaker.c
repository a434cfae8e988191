#include "breaker.h"

static void breaker_turn(struct breaker *b, enum breaker_state state, uint64_t now_ns)
{
	if (b->state != state)
		b->since_ns = now_ns;
	b->state = state;
}

bool breaker_allows(struct breaker *b, uint64_t now_ns)
{
	if (b->state == BREAKER_OPEN && now_ns >= b->due_ns) {
		breaker_turn(b, BREAKER_HALF_OPEN, now_ns);
		return true;
	}
	return b->state == BREAKER_CLOSED;
}

void breaker_answered(struct breaker *b, uint64_t now_ns)
{
	breaker_turn(b, BREAKER_CLOSED, now_ns);
	b->failures = b->waits = 0;
}

uint64_t breaker_wait_ns(const struct breaker_limits *limits, uint32_t tries, uint32_t random)
{
	uint64_t wait_ns = limits->first_ns;

	while (tries-- && wait_ns < limits->most_ns)
		wait_ns *= 2;
	if (wait_ns > limits->most_ns)
		wait_ns = limits->most_ns;
	return wait_ns / 2 + (uint64_t)((double)wait_ns * ((double)random / (double)UINT32_MAX));
}

void breaker_failed(struct breaker *b, const struct breaker_limits *limits, uint64_t now_ns,
		    uint32_t random)
{
	if (b->state == BREAKER_OPEN)
		return;
	if (b->failures < UINT32_MAX)
		b->failures++;
	if (b->state == BREAKER_CLOSED && b->failures < limits->failures)
		return;
	breaker_turn(b, BREAKER_OPEN, now_ns);
	b->due_ns = now_ns + breaker_wait_ns(limits, b->waits++, random);
}

void breaker_rest(struct breaker *b, uint64_t now_ns, uint64_t due_ns)
{
	breaker_turn(b, BREAKER_OPEN, now_ns);
	b->due_ns = due_ns;
}

const char *breaker_state_name(enum breaker_state state)
{
	static const char *const names[] = { "closed", "open", "half-open" };

	return names[state];
}
