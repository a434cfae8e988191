#include "sampling.h"

#include "facility.h"
#include "link.h"
#include "mapped.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static void sampling_tell(const struct sampling *s, uint64_t dropped)
{
	const struct facility facility = {
		.set = "profile",
		.name = "profile",
		.state = s->error     ? FACILITY_REFUSED
			 : s->sampler ? FACILITY_LOADED
				      : FACILITY_IDLE,
		.error = -s->error,
		.runs = FACILITY_UNKNOWN,
		.run_ns = FACILITY_UNKNOWN,
		.dropped = dropped,
	};

	outbox_facility(s->outbox, &facility);
}

void sampling_open(struct sampling *s, struct outbox *outbox, int targets)
{
	s->error = targets < 0 ? targets : 0;
	s->targets = targets;
	s->outbox = outbox;
	sampling_tell(s, 0);
}

void sampling_close(struct sampling *s)
{
	sampler_close(s->sampler);
	s->sampler = NULL;
}

static void sampling_clock(struct sampling *s, bool on)
{
	int result = sampler_run(s->sampler, on);

	if (result == s->error)
		return;
	s->error = result;
	sampling_tell(s, 0);
}

/* With the first target: an agent that watches nobody starts without. */
static bool sampling_begins(struct sampling *s, uint32_t targets)
{
	if (s->sampler || s->error || !targets)
		return s->sampler != NULL;
	s->error = sampler_open(&s->sampler, s->targets);
	sampling_tell(s, 0);
	return s->sampler != NULL;
}

void sampling_step(struct sampling *s, uint32_t targets)
{
	struct link_message message = { .kind = LINK_RING };

	if (!sampling_begins(s, targets))
		return;
	sampling_clock(s, targets != 0);
	if (s->outbox->worker == s->sent)
		return;
	message.samples.ring_bytes = sampler_ring_bytes(s->sampler);
	if (link_send(s->outbox->link, &message, sampler_ring(s->sampler)) == 0)
		s->sent = s->outbox->worker;
}

void sampling_second(struct sampling *s)
{
	struct link_message message = { .kind = LINK_SAMPLES };
	struct sampler_counts counts;
	int result;

	if (!s->sampler)
		return;
	result = sampler_second(s->sampler);
	if (result)
		s->error = result; /* it is tried again with the next step */
	sampler_counts_get(s->sampler, &counts);
	sampling_tell(s, counts.dropped);
	message.samples.taken = counts.taken;
	message.samples.dropped = counts.dropped;
	link_send(s->outbox->link, &message, -1); /* behind: the next one says it too */
}

struct sampling_answer {
	const struct sampling *sampling;
	uint64_t key;
};

static int sampling_file(void *ctx, const struct mapped_file *file, int fd)
{
	const struct sampling_answer *a = ctx;
	struct link_message message = { .kind = fd >= 0 ? LINK_FILE : LINK_NO_FILE, .key = a->key };

	message.file = *file;
	return link_send(a->sampling->outbox->link, &message, fd);
}

void sampling_files(const struct sampling *s, struct finder *f, uint64_t key)
{
	struct link_message end = { .kind = LINK_FILES_END, .key = key };
	struct sampling_answer answer = { s, key };

	for (uint32_t i = 0; i < finder_size(f); i++)
		if (finder_at(f, i)->target.key == key)
			mapped_each(finder_at(f, i)->target.pid, sampling_file, &answer);
	/* a worker that is behind waits for its end in vain, a second long */
	link_send(s->outbox->link, &end, -1);
}
