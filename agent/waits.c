#include "waits.h"

#include "filter.h"
#include "sets.h"

#include <string.h>

static void waits_tell(const struct waits *w, const struct probe_state *state)
{
	for (uint32_t i = 0; i < state->count; i++)
		outbox_facility(w->outbox, &state->facilities[i]);
}

static void waits_tell_idle(const struct waits *w, enum sets which)
{
	struct probe_state state;

	probe_idle(sets_at(which), &state);
	waits_tell(w, &state);
}

void waits_open(struct waits *w, struct outbox *outbox, struct probe_filter *filter, int error)
{
	memset(w, 0, sizeof(*w));
	w->outbox = outbox;
	w->filter = filter;
	w->filter_error = error;
	waits_rest(w);
	waits_census_rest(w);
}

void waits_close(struct waits *w)
{
	census_close(w->census);
	wait_close(w->wait);
	memset(w, 0, sizeof(*w));
}

static void waits_ask(struct waits *w)
{
	struct probe_state state;

	if (w->wait || w->wait_refused || !w->filter)
		return;
	w->wait_refused = wait_open(&w->wait, w->filter, &state) != 0;
	waits_tell(w, &state);
}

void waits_rest(struct waits *w)
{
	wait_close(w->wait);
	w->wait = NULL;
	if (!w->wait_refused && w->outbox)
		waits_tell_idle(w, SETS_WAIT);
}

static void waits_census_one(void *ctx, int32_t pid, uint32_t why)
{
	const struct waits *w = ctx;

	if (why & FILTER_WATCHED && !(why & FILTER_ASKED && w->wait))
		census_watch(w->census, pid);
}

void waits_census(struct waits *w)
{
	struct probe_state state;

	if (w->census || w->census_refused || !w->outbox)
		return;
	if (w->filter)
		census_open(&w->census, w->filter, &state);
	else
		probe_refused(sets_at(SETS_CENSUS), w->filter_error, &state);
	w->census_refused = !w->census;
	if (w->census)
		probe_filter_each(w->filter, waits_census_one, w);
	waits_tell(w, &state);
}

void waits_census_rest(struct waits *w)
{
	census_close(w->census);
	w->census = NULL;
	if (!w->census_refused && w->outbox)
		waits_tell_idle(w, SETS_CENSUS);
}

void waits_watch(struct waits *w, int32_t pid, bool asked, bool news)
{
	bool each;

	w->seek = w->seek || news;
	if (asked)
		waits_ask(w);
	each = asked && w->wait;
	if (each)
		wait_watch(w->wait, pid);
	else if (w->wait)
		wait_forget(w->wait, pid);
	if (each && w->census)
		census_forget(w->census, pid);
	else if (w->census)
		census_watch(w->census, pid);
}

void waits_forget(struct waits *w, int32_t pid, bool goes_on)
{
	w->seek = w->seek || goes_on;
	if (w->wait)
		wait_forget(w->wait, pid);
	if (w->census)
		census_forget(w->census, pid);
}

bool waits_read(const struct waits *w, int32_t pid, struct cause_waits *out)
{
	struct wait_row row;

	out->sampled = !w->wait || wait_row_read(w->wait, pid, &row);
	if (out->sampled && (!w->census || census_row_read(w->census, pid, &row)))
		return false;
	for (int i = 0; i < CAUSES; i++)
		out->ns[i] = row.ns[i];
	return true;
}

uint64_t waits_due_ns(const struct waits *w)
{
	return w->census ? census_due_ns(w->census) : UINT64_MAX;
}

void waits_step(struct waits *w, uint64_t now_ns)
{
	if (w->wait && w->seek)
		wait_find(w->wait); /* in vain: new threads are met when they are made */
	w->seek = false;
	if (w->census)
		census_step(w->census, now_ns);
}

void waits_second(const struct waits *w)
{
	struct probe_state state;

	if (w->wait) {
		wait_look(w->wait, &state);
		waits_tell(w, &state);
	}
	if (w->census) {
		census_look(w->census, &state);
		waits_tell(w, &state);
	}
}
