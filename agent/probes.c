#include "probes.h"

#include "filter.h"
#include "http_event.h"
#include "log.h"
#include "moment.h"
#include "sets.h"

#include <string.h>

#define PROBES_WALK_EVERY 5u /* seconds: a walk looks at each descriptor of the machine */
/*
 * Loading takes tens of milliseconds, in which no new process is found: a server that starts has
 * its workers by then.
 */
#define PROBES_QUIET_S 1u
#define PROBES_PATIENCE_S 10u
#define PROBES_LINGER_S 10u /* that its programs stay loaded for a target to come */

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

static void probes_open_http(struct probes *p)
{
	struct probe_state state;

	for (uint32_t source = 0; source < HTTP_SOURCES && !p->http && p->filter; source++) {
		if (!(p->http_sources & ~p->http_refused & 1u << source))
			continue;
		if (http_open(&p->http, source, p->filter, &state))
			p->http_refused |= 1u << source;
		p->http_sent = 0;
		probes_tell(p, &state);
	}
}

static void probes_http_rest(struct probes *p)
{
	struct probe_state state;

	if (p->http)
		p->http_sent = 0;
	taps_rest(&p->taps);
	http_close(p->http);
	p->http = NULL;
	for (uint32_t source = 0; source < HTTP_SOURCES && p->outbox; source++) {
		if (p->http_refused & 1u << source)
			continue;
		probe_idle(http_set(source), &state);
		probes_tell(p, &state);
	}
}

static void probes_open_arrival(struct probes *p)
{
	struct probe_state state;

	if (p->arrival || p->arrival_refused || !p->filter)
		return;
	p->arrival_refused = arrival_open(&p->arrival, p->filter, &state) != 0;
	probes_tell(p, &state);
}

static void probes_arrival_rest(struct probes *p)
{
	struct probe_state state;

	arrival_close(p->arrival);
	p->arrival = NULL;
	if (p->arrival_refused || !p->outbox)
		return;
	probe_idle(sets_at(SETS_ARRIVAL), &state);
	probes_tell(p, &state);
}

/* Of both sets; a process is in one of them. */
static void probes_arrival_watch(struct probes *p, int32_t pid, bool carried, bool bare)
{
	if (p->arrival)
		arrival_watch(arrival_probe(p->arrival), pid, carried);
	if (p->http)
		arrival_watch(http_probe(p->http), pid, bare);
}

static void probes_open_inputs(struct probes *p)
{
	struct probe_state state;

	if (p->inputs || p->inputs_refused)
		return;
	if (p->filter)
		inputs_open(&p->inputs, p->filter, &state);
	else
		probe_refused(sets_at(SETS_INPUTS), p->filter_error, &state);
	p->inputs_refused = !p->inputs;
	if (p->inputs)
		inputs_watch_all(p->inputs, p->filter);
	probes_tell(p, &state);
}

static void probes_inputs_rest(struct probes *p)
{
	struct probe_state state;

	inputs_close(p->inputs);
	p->inputs = NULL;
	if (p->inputs_refused || !p->outbox)
		return;
	probe_idle(sets_at(SETS_INPUTS), &state);
	probes_tell(p, &state);
}

void probes_step(struct probes *p)
{
	struct link_message message = { .kind = p->http ? LINK_HTTP : LINK_NO_HTTP };

	victims_send(&p->victims, p->outbox->link);
	runtimes_step(&p->runtimes, moment_monotonic_ns());
	waits_step(&p->waits, moment_monotonic_ns());
	if (p->http && p->http_seek)
		http_find(p->http); /* in vain: they are met when they are made */
	p->http_seek = false;
	if (p->arrival && p->arrival_seek)
		arrival_find(p->arrival); /* in vain: as above */
	p->arrival_seek = false;
	taps_step(&p->taps, p->http, moment_monotonic_ns());
	if (p->http_sent == p->outbox->worker)
		return;
	message.samples.ring_bytes = HTTP_RING_BYTES;
	if (link_send(p->outbox->link, &message, p->http ? http_ring(p->http) : -1) == 0)
		p->http_sent = p->outbox->worker;
}

void probes_rest(struct probes *p, bool asked, bool bare, bool carried)
{
	if (!asked)
		waits_rest(&p->waits);
	if (!bare)
		probes_http_rest(p);
	if (!carried)
		probes_arrival_rest(p);
}

void probes_open(struct probes *p, struct outbox *outbox, uint32_t sources)
{
	memset(p, 0, sizeof(*p));
	p->outbox = outbox;
	p->http_sources = sources;
	/* refused: so are the sets, which say why */
	p->filter_error = probe_filter_open(&p->filter);
	probes_open_life(p);
	taps_open(&p->taps, outbox, p->filter);
	waits_open(&p->waits, outbox, p->filter, p->filter_error);
	probes_rest(p, false, false, false);
	probes_inputs_rest(p);
	runtimes_open(&p->runtimes, outbox, probes_targets(p));
}

void probes_close(struct probes *p)
{
	taps_close(&p->taps);
	runtimes_close(&p->runtimes);
	arrival_close(p->arrival);
	http_close(p->http);
	inputs_close(p->inputs);
	waits_close(&p->waits);
	life_close(p->life);
	probe_filter_close(p->filter);
	memset(p, 0, sizeof(*p));
}

int probes_targets(const struct probes *p)
{
	return p->filter ? probe_filter_fd(p->filter) : p->filter_error;
}

/*
 * Has it open what is not marked? Who was forked by such a target has what that had, and what is
 * accepted is marked with its listener: a walk over all descriptors of the machine finds no more.
 */
static bool probes_seeks(const struct probes *p, int32_t pid)
{
	return !p->http || !(probe_filter_why(p->filter, pid) & FILTER_BARE);
}

/* As above, of its threads too: they are marked when they are made. */
static bool probes_is_news(const struct probes *p, int32_t pid, uint32_t why)
{
	why ^= probe_filter_why(p->filter, pid);
	return (why & (FILTER_ASKED | FILTER_BARE)) != 0;
}

static void probes_seek(struct probes *p, int32_t pid, uint32_t why)
{
	p->http_seek = p->http_seek || (why & FILTER_BARE && probes_seeks(p, pid));
	p->inputs_seek = true;
	if (why & FILTER_ASKED && !(why & FILTER_BARE))
		p->arrival_seek = p->arrival_seek || probes_is_news(p, pid, why);
}

bool probes_watch(struct probes *p, int32_t pid, bool asked, bool bare)
{
	uint32_t why = FILTER_WATCHED | (asked ? FILTER_ASKED : 0) | (bare ? FILTER_BARE : 0);

	probes_seek(p, pid, why);
	waits_watch(&p->waits, pid, asked, probes_is_news(p, pid, why));
	if (bare)
		probes_open_http(p);
	else if (asked)
		probes_open_arrival(p);
	probes_arrival_watch(p, pid, asked && !bare, bare);
	(bare ? taps_watch : taps_forget)(&p->taps, pid);
	if (p->outbox)
		runtimes_watch(&p->runtimes, pid, asked || bare);
	if (p->inputs)
		inputs_watch(p->inputs, pid);
	p->quiet_s = 0;
	/* a full map: it is watched without the kernel */
	return probe_filter_put(p->filter, pid, why) == 0 && p->life;
}

static void probes_forget(struct probes *p, int32_t pid)
{
	if (p->outbox)
		runtimes_forget(&p->runtimes, pid);
	probe_filter_put(p->filter, pid, 0);
	taps_forget(&p->taps, pid);
	probes_arrival_watch(p, pid, false, false);
	if (p->http)
		http_forget(p->http, pid);
	if (p->inputs)
		inputs_forget(p->inputs, pid);
	if (p->life)
		life_forget(p->life, pid);
}

/* What is known of it, from all sets. */
static void probes_strain(const struct probes *p, int32_t pid, struct strain *out)
{
	uint64_t now_ns = moment_monotonic_ns();

	memset(out, 0, sizeof(*out));
	if (p->inputs)
		inputs_strain_take(p->inputs, pid, out);
	if (p->http)
		arrival_strain_add(http_probe(p->http), pid, now_ns, out);
	if (p->arrival)
		arrival_strain_add(arrival_probe(p->arrival), pid, now_ns, out);
}

_Static_assert(LINK_CLASSES == HTTP_CLASSES, "classes of a status");

/* A set that was loaded again begins at 0. */
static bool probes_lost(const struct probes *p, int32_t pid, uint64_t told[LINK_CLASSES],
			uint64_t out[LINK_CLASSES])
{
	struct http_lost now = { 0 };
	uint64_t more = 0;

	if (!p->http || http_lost_read(p->http, pid, &now))
		return false;
	for (int i = 0; i < LINK_CLASSES; i++) {
		out[i] = now.status[i] - (now.status[i] < told[i] ? 0 : told[i]);
		told[i] = now.status[i];
		more += out[i];
	}
	return more != 0;
}

void probes_gone(struct probes *p, const struct finder_target *gone, struct link_end *end)
{
	uint64_t told[LINK_CLASSES];

	*end = gone->end;
	memcpy(told, gone->lost, sizeof(told));
	if (gone->fd < 0)
		probes_lost(p, gone->target.pid, told, end->lost);
	end->waited = waits_read(&p->waits, gone->target.pid, &end->waits);
	if (gone->over && !end->at_ns)
		end->at_ns = moment_boot_ns();
	probes_strain(p, gone->target.pid, &end->strain);
	waits_forget(&p->waits, gone->target.pid, !gone->over);
	victims_over(&p->victims, gone->target.pid, gone->target.key);
	probes_forget(p, gone->target.pid);
}

void probes_read(struct probes *p, life_fn each, void *ctx)
{
	if (p->life)
		life_read(p->life, each, ctx);
}

void probes_end_keep(struct link_end *end, const struct life_told *told)
{
	const struct life_used *used = told->used;

	if (used->run_ns > end->run_ns)
		*end = (struct link_end){ .run_ns = used->run_ns,
					  .user_ns = used->user_ns,
					  .system_ns = used->system_ns,
					  .major_faults = used->major_faults,
					  .read_bytes = used->read_bytes,
					  .write_bytes = used->write_bytes,
					  .at_ns = told->at_ns };
}

struct probes_kill {
	struct victims *victims;
	struct finder *finder;
};

static void probes_kill(void *ctx, int32_t pid)
{
	const struct probes_kill *to = ctx;

	victims_kill(to->victims, to->finder, pid);
}

void probes_kills(struct probes *p, struct finder *f)
{
	struct probes_kill to = { &p->victims, f };

	if (p->inputs)
		inputs_kills_read(p->inputs, probes_kill, &to);
}

uint64_t probes_dropped(const struct probes *p)
{
	return p->life ? life_dropped(p->life) : 0;
}

static int probes_tell_waits(const struct probes *p, const struct finder_target *t)
{
	struct link_message message = { .kind = LINK_WAITS, .key = t->target.key };

	if (!waits_read(&p->waits, t->target.pid, &message.waits))
		return 0;
	return link_send(p->outbox->link, &message, -1);
}

static int probes_tell_strain(const struct probes *p, const struct finder_target *t)
{
	struct link_message message = { .kind = LINK_STRAIN, .key = t->target.key };

	probes_strain(p, t->target.pid, &message.strain);
	if (!message.strain.known)
		return 0;
	return link_send(p->outbox->link, &message, -1);
}

static int probes_tell_lost(struct probes *p, struct finder_target *t)
{
	struct link_message message = { .kind = LINK_LOST, .key = t->target.key };
	uint64_t told[LINK_CLASSES];
	int result = runtimes_tell(&p->runtimes, t);

	if (result)
		return result;
	memcpy(told, t->lost, sizeof(told));
	if (t->fd < 0 && probes_lost(p, t->target.pid, t->lost, message.lost))
		result = link_send(p->outbox->link, &message, -1);
	if (result)
		memcpy(t->lost, told, sizeof(told));
	return result;
}

int probes_tell_target(struct probes *p, struct finder_target *t)
{
	int result = probes_tell_waits(p, t);

	if (!result)
		result = probes_tell_strain(p, t);
	return result ? result : probes_tell_lost(p, t);
}

bool probes_miss_rings(const struct probes *p, bool bare)
{
	return !bare || !p->http || !http_sees_rings(p->http);
}

/* Settles what targets have open; kills that found no room are events lost. */
static void probes_inputs_second(struct probes *p, uint32_t targets)
{
	struct probe_state state;

	p->idle_s = targets ? 0 : p->idle_s + 1;
	p->waited_s = targets ? p->waited_s + 1 : 0;
	p->quiet_s++;
	if (targets && (p->quiet_s > PROBES_QUIET_S || p->waited_s > PROBES_PATIENCE_S)) {
		probes_open_inputs(p);
		waits_census(&p->waits);
	}
	if (p->idle_s == PROBES_LINGER_S) {
		probes_inputs_rest(p);
		waits_census_rest(&p->waits);
	}
	if (!p->inputs)
		return;
	if (p->inputs_seek || p->seconds % PROBES_WALK_EVERY == 0)
		inputs_walk(p->inputs); /* refused: its facility says so */
	p->inputs_seek = false;
	inputs_look(p->inputs, &state);
	for (uint32_t i = 0; i < state.count; i++)
		state.facilities[i].dropped += p->victims.lost;
	probes_tell(p, &state);
}

void probes_second(struct probes *p, uint32_t targets)
{
	struct probe_state state;

	p->seconds++;
	probes_inputs_second(p, targets);
	runtimes_second(&p->runtimes);
	if (p->life) {
		life_look(p->life, &state);
		probes_tell(p, &state);
	}
	if (p->http) {
		http_look(p->http, &state);
		probes_tell(p, &state);
		p->http_seek = p->http_seek || http_ends_wait(p->http);
	}
	if (p->arrival) {
		arrival_look(p->arrival, &state);
		probes_tell(p, &state);
	}
	taps_second(&p->taps);
	waits_second(&p->waits);
}
