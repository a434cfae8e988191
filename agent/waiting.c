#include "waiting.h"

#include "facility.h"
#include "link.h"
#include "log.h"
#include "moment.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WAITING_SECONDS 300u
#define WAITING_GRACE_NS UINT64_C(10000000000) /* it begins before its asker counts */
#define WAITING_SECOND_NS UINT64_C(1000000000)

static void waiting_tell(const struct waiting *w, uint32_t state, int error)
{
	const struct facility facility = {
		.set = "offcpu",
		.name = "offcpu",
		.state = state,
		.error = error,
		.runs = FACILITY_UNKNOWN,
		.run_ns = FACILITY_UNKNOWN,
		.dropped = w->dropped,
	};

	outbox_facility(w->outbox, &facility);
}

void waiting_open(struct waiting *w, struct outbox *outbox, int targets)
{
	w->outbox = outbox;
	w->targets = targets;
	waiting_tell(w, targets < 0 ? FACILITY_REFUSED : FACILITY_IDLE, targets < 0 ? -targets : 0);
}

static int32_t waiting_pid(struct finder *f, uint64_t key)
{
	for (uint32_t i = 0; i < finder_size(f); i++)
		if (finder_at(f, i)->target.key == key)
			return finder_at(f, i)->target.pid;
	return 0;
}

void waiting_end(struct waiting *w)
{
	if (!w->offcpu)
		return;
	w->dropped += offcpu_dropped(w->offcpu);
	offcpu_close(w->offcpu);
	w->offcpu = NULL;
	w->key = 0;
	waiting_tell(w, FACILITY_IDLE, 0);
}

static int waiting_begin(struct waiting *w, struct finder *f, uint64_t key, uint32_t seconds)
{
	int32_t pid = waiting_pid(f, key);
	uint64_t now_ns;
	int result;

	if (!pid)
		return -ENOENT;
	result = w->targets < 0 ? w->targets : offcpu_open(&w->offcpu, w->targets, pid);
	waiting_tell(w, result ? FACILITY_REFUSED : FACILITY_LOADED, -result);
	if (result) {
		log_warning("waits cannot be looked at: %s", strerrorname_np(-result));
		return result;
	}
	if (seconds > WAITING_SECONDS)
		seconds = WAITING_SECONDS;
	now_ns = moment_monotonic_ns(); /* it took a while to load it */
	w->key = key;
	w->worker = w->outbox->worker;
	w->until_ns = now_ns + seconds * WAITING_SECOND_NS + WAITING_GRACE_NS;
	offcpu_begin(w->offcpu, now_ns);
	return 0;
}

static int waiting_rows(struct waiting *w, uint64_t key, uint64_t now_ns, int *out)
{
	int result;

	if (!w->offcpu || w->key != key)
		return -ENOENT;
	offcpu_end(w->offcpu, now_ns);
	result = offcpu_rows(w->offcpu, out);
	waiting_end(w);
	return result;
}

void waiting_ask(struct waiting *w, struct finder *f, const struct link_message *message,
		 uint64_t now_ns)
{
	struct link_message answer = { .kind = LINK_NO_ROWS, .key = message->key };
	int rows = -1, result;

	if (message->snapshots.seconds) {
		waiting_end(w);
		result = waiting_begin(w, f, message->key, message->snapshots.seconds);
	} else {
		result = waiting_rows(w, message->key, now_ns, &rows);
	}
	answer.snapshots.error = result;
	if (rows >= 0)
		answer.kind = LINK_ROWS;
	/* a worker that is behind gives up by itself */
	if (link_send(w->outbox->link, &answer, rows))
		waiting_end(w);
	if (rows >= 0)
		close(rows);
}

void waiting_step(struct waiting *w, struct finder *f, uint64_t now_ns)
{
	if (!w->offcpu)
		return;
	if (now_ns >= w->until_ns || w->worker != w->outbox->worker)
		waiting_end(w);
	else if (!waiting_pid(f, w->key))
		offcpu_end(w->offcpu, now_ns);
}
