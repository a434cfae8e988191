#include "governor.h"

#include <string.h>

static const struct {
	uint8_t level;
	uint32_t sample;
} governor_steps[GOVERNOR_STEPS] = {
	{ DRAIN_DETAIL_ALL, 1 },      { DRAIN_DETAIL_NO_STRINGS, 1 }, { DRAIN_DETAIL_SAMPLED, 8 },
	{ DRAIN_DETAIL_SAMPLED, 64 }, { DRAIN_DETAIL_SAMPLED, 512 },
};

void governor_init(struct governor *g)
{
	memset(g, 0, sizeof(*g));
	g->share = -1;
}

static enum governor_turn governor_down(struct governor *g, uint64_t now_ns)
{
	/* The step up was too much: wait longer before the next one. */
	if (g->was_up && now_ns - g->moved_ns < GOVERNOR_LONGEST_NS)
		g->wait_ns =
			2 * g->wait_ns < GOVERNOR_LONGEST_NS ? 2 * g->wait_ns : GOVERNOR_LONGEST_NS;
	else if (!g->step)
		g->wait_ns = GOVERNOR_WAIT_NS;
	g->was_up = false;
	g->moved_ns = g->calm_ns = now_ns;
	g->step++;
	return GOVERNOR_DOWN;
}

static enum governor_turn governor_up(struct governor *g, uint64_t now_ns)
{
	g->was_up = true;
	g->moved_ns = g->calm_ns = now_ns;
	g->step--;
	return GOVERNOR_UP;
}

static enum governor_turn governor_judge(struct governor *g, double budget, double cores,
					 uint64_t now_ns)
{
	bool busy = cores > GOVERNOR_CORE;

	if (busy && g->share > budget && g->step + 1 < GOVERNOR_STEPS)
		return governor_down(g, now_ns);
	if (busy && g->share > budget / 2)
		g->calm_ns = now_ns;
	if (g->step && now_ns - g->calm_ns >= g->wait_ns)
		return governor_up(g, now_ns);
	return GOVERNOR_STAYS;
}

enum governor_turn governor_step(struct governor *g, double budget,
				 const struct governor_load *load, uint64_t now_ns)
{
	uint64_t span_ns = now_ns - g->from_ns, cpu_ns, own_ns;
	enum governor_turn turn = GOVERNOR_STAYS;

	if (g->from_ns && span_ns < GOVERNOR_WINDOW_NS)
		return GOVERNOR_STAYS;
	/* Totals go back where a restart of ours forgot them: a new window, no verdict. */
	if (g->from_ns && load->cpu_ns >= g->from.cpu_ns && load->own_ns >= g->from.own_ns) {
		cpu_ns = load->cpu_ns - g->from.cpu_ns;
		own_ns = load->own_ns - g->from.own_ns;
		g->share = cpu_ns ? 100 * (double)own_ns / (double)cpu_ns : -1;
		if (budget > 0)
			turn = governor_judge(g, budget, (double)cpu_ns / (double)span_ns, now_ns);
	}
	g->from_ns = now_ns;
	g->from = *load;
	return turn;
}

void governor_detail(const struct governor *g, struct drain_detail *out)
{
	*out = (struct drain_detail){ .level = governor_steps[g->step].level,
				      .sample = governor_steps[g->step].sample,
				      .since_ns = g->moved_ns,
				      .share = g->share };
}
