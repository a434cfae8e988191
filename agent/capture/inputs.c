#include "inputs.h"

#include "filter.h"
#include "sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INPUTS_WALKER "task_file"

struct inputs {
	struct probe *probe;
	uint32_t known;      /* bits of enum strain_known */
	inputs_kill_fn each; /* of the inputs_kills_read under way */
	void *ctx;
};

/* What each program is needed for; a row that lacks one of them is not known. */
static const struct {
	const char *name;
	uint32_t known;
} inputs_needs[] = {
	{ "mark_victim", STRAIN_KILLS },      { "inet_sock_set_state", STRAIN_TCP },
	{ INPUTS_WALKER, STRAIN_TCP },        { "block_bio_queue", STRAIN_DISK },
	{ "block_rq_complete", STRAIN_DISK }, { "block_bio_complete", STRAIN_DISK },
};

static uint32_t inputs_known(const struct probe_state *state)
{
	uint32_t known = STRAIN_KILLS | STRAIN_TCP | STRAIN_DISK;

	for (uint32_t i = 0; i < state->count; i++) {
		const struct facility *f = &state->facilities[i];

		for (size_t k = 0; k < sizeof(inputs_needs) / sizeof(inputs_needs[0]); k++)
			if (f->state != FACILITY_LOADED &&
			    strcmp(f->name, inputs_needs[k].name) == 0)
				known &= ~inputs_needs[k].known;
	}
	return known;
}

int inputs_open(struct inputs **out, const struct probe_filter *filter, struct probe_state *state)
{
	struct inputs *in = calloc(1, sizeof(*in));
	int result;

	*out = NULL;
	if (!in)
		return -ENOMEM;
	result = probe_open(&in->probe, sets_at(SETS_INPUTS), filter, state);
	if (result) {
		free(in);
		return result;
	}
	in->known = inputs_known(state);
	*out = in;
	return 0;
}

void inputs_close(struct inputs *in)
{
	if (!in)
		return;
	probe_close(in->probe);
	free(in);
}

int inputs_watch(struct inputs *in, int32_t pid)
{
	const struct inputs_row none = { 0 };
	int result = probe_row_add(in->probe, INPUTS_ROWS_MAP, (uint32_t)pid, &none);

	return result == -EEXIST ? 0 : result;
}

static void inputs_watch_one(void *ctx, int32_t pid, uint32_t why)
{
	if (why & FILTER_WATCHED)
		inputs_watch(ctx, pid);
}

void inputs_watch_all(struct inputs *in, const struct probe_filter *filter)
{
	probe_filter_each(filter, inputs_watch_one, in);
}

void inputs_forget(struct inputs *in, int32_t pid)
{
	probe_row_delete(in->probe, INPUTS_ROWS_MAP, (uint32_t)pid);
	probe_row_delete(in->probe, INPUTS_TRIPS_MAP, (uint32_t)pid);
}

int inputs_walk(const struct inputs *in)
{
	return probe_walk(in->probe, INPUTS_WALKER);
}

int inputs_strain_take(struct inputs *in, int32_t pid, struct strain *out)
{
	struct inputs_row row;
	uint32_t shortest_us = 0;
	int result = probe_row_get(in->probe, INPUTS_ROWS_MAP, (uint32_t)pid, &row);

	memset(out, 0, sizeof(*out));
	if (result)
		return result;
	if (probe_row_get(in->probe, INPUTS_TRIPS_MAP, (uint32_t)pid, &shortest_us) == 0)
		probe_row_delete(in->probe, INPUTS_TRIPS_MAP, (uint32_t)pid);
	*out = (struct strain){ .segments = row.segments,
				.retransmits = row.retransmits,
				.trips_us = row.trips_us,
				.looks = row.looks,
				.reads = row.reads,
				.writes = row.writes,
				.read_ns = row.read_ns,
				.write_ns = row.write_ns,
				.shortest_us = shortest_us,
				.known = in->known };
	return 0;
}

static void inputs_event(void *ctx, const void *data, size_t bytes)
{
	const struct inputs *in = ctx;
	const struct inputs_kill *kill = data;

	if (bytes >= sizeof(*kill))
		in->each(in->ctx, (int32_t)kill->pid);
}

int inputs_kills_read(struct inputs *in, inputs_kill_fn each, void *ctx)
{
	in->each = each;
	in->ctx = ctx;
	return probe_read(in->probe, inputs_event, in);
}

void inputs_look(const struct inputs *in, struct probe_state *state)
{
	probe_look(in->probe, state);
}
