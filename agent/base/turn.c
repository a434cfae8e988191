#include "turn.h"

#include <stdatomic.h>

/* All is relaxed: who reads between two stores gets the most of one window less, or late. */
static uint64_t turn_get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void turn_set(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static uint64_t turn_overdue_ns(const struct turn *t, uint64_t now_ns)
{
	uint64_t due_ns = turn_get(&t->due_ns);

	return due_ns && now_ns > due_ns ? now_ns - due_ns : 0;
}

void turn_begin(struct turn *t, uint64_t now_ns)
{
	uint64_t window = now_ns / TURN_WINDOW_NS, last = turn_get(&t->window);
	uint64_t late_ns = turn_overdue_ns(t, now_ns);

	if (window != last) {
		turn_set(&t->before_ns, window == last + 1 ? turn_get(&t->most_ns) : 0);
		turn_set(&t->most_ns, 0);
		turn_set(&t->window, window);
	}
	if (late_ns > turn_get(&t->most_ns))
		turn_set(&t->most_ns, late_ns);
}

void turn_due(struct turn *t, uint64_t due_ns)
{
	turn_set(&t->due_ns, due_ns);
}

uint64_t turn_late_ns(const struct turn *t, uint64_t now_ns)
{
	uint64_t late_ns = turn_overdue_ns(t, now_ns);
	uint64_t most_ns = turn_get(&t->most_ns), before_ns = turn_get(&t->before_ns);

	if (most_ns < before_ns)
		most_ns = before_ns;
	return late_ns > most_ns ? late_ns : most_ns;
}
