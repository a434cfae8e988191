#include "probes.h"

#include "log.h"

#include <string.h>

static void probes_tell(struct probes *p, const struct probe_state *state)
{
	for (uint32_t i = 0; i < state->count; i++)
		outbox_facility(p->outbox, &state->facilities[i]);
}

static void probes_open_life(struct probes *p)
{
	struct probe_state state;

	if (life_open(&p->life, p->filter, &state))
		log_warning("eBPF is not used: %s", facility_error_text(state.facilities[0].error));
	p->told = p->life && probe_whole(&state);
	probes_tell(p, &state);
}

void probes_open(struct probes *p, struct outbox *outbox)
{
	memset(p, 0, sizeof(*p));
	p->outbox = outbox;
	probe_filter_open(&p->filter); /* refused: so are the sets, which say why */
	probes_open_life(p);
}

void probes_close(struct probes *p)
{
	life_close(p->life);
	probe_filter_close(p->filter);
	memset(p, 0, sizeof(*p));
}

bool probes_watch(struct probes *p, int32_t pid)
{
	/* a full map: it is watched without the kernel */
	return probe_filter_put(p->filter, pid, true) == 0 && p->life;
}

void probes_forget(struct probes *p, int32_t pid)
{
	probe_filter_put(p->filter, pid, false);
	if (p->life)
		life_forget(p->life, pid);
}

void probes_read(struct probes *p, life_fn each, void *ctx)
{
	if (p->life)
		life_read(p->life, each, ctx);
}

uint64_t probes_dropped(const struct probes *p)
{
	return p->life ? life_dropped(p->life) : 0;
}

void probes_second(struct probes *p)
{
	struct probe_state state;

	if (!p->life)
		return;
	life_look(p->life, &state);
	probes_tell(p, &state);
}
