#include "unwinding.h"

#include "facility.h"
#include "link.h"
#include "log.h"

#include <errno.h>
#include <string.h>

#define UNWINDING_SECONDS 300u
#define UNWINDING_GRACE_NS UINT64_C(10000000000) /* it begins before its reader does */
#define UNWINDING_SECOND_NS UINT64_C(1000000000)

static void unwinding_tell(const struct unwinding *u, uint32_t state, int error)
{
	const struct facility facility = {
		.set = "profile",
		.name = "snapshot",
		.state = state,
		.error = error,
		.runs = FACILITY_UNKNOWN,
		.run_ns = FACILITY_UNKNOWN,
	};

	outbox_facility(u->outbox, &facility);
}

void unwinding_open(struct unwinding *u, struct outbox *outbox)
{
	u->outbox = outbox;
	unwinding_tell(u, FACILITY_IDLE, 0);
}

static int32_t unwinding_pid(struct finder *f, uint64_t key)
{
	for (uint32_t i = 0; i < finder_size(f); i++)
		if (finder_at(f, i)->target.key == key)
			return finder_at(f, i)->target.pid;
	return 0;
}

void unwinding_end(struct unwinding *u)
{
	if (u->snapshots)
		unwinding_tell(u, FACILITY_IDLE, 0);
	snapshots_close(u->snapshots);
	u->snapshots = NULL;
	u->key = 0;
}

static int unwinding_begin(struct unwinding *u, struct finder *f, uint64_t key, uint32_t seconds,
			   uint64_t now_ns)
{
	int32_t pid = unwinding_pid(f, key);
	int result;

	if (!pid)
		return -ENOENT;
	result = snapshots_open(&u->snapshots, pid);
	unwinding_tell(u, result ? FACILITY_REFUSED : FACILITY_LOADED, -result);
	if (result)
		return result;
	if (seconds > UNWINDING_SECONDS)
		seconds = UNWINDING_SECONDS;
	u->key = key;
	u->worker = u->outbox->worker;
	u->until_ns = now_ns + seconds * UNWINDING_SECOND_NS + UNWINDING_GRACE_NS;
	return 0;
}

void unwinding_ask(struct unwinding *u, struct finder *f, const struct link_message *message,
		   uint64_t now_ns)
{
	struct link_message answer = { .kind = LINK_NO_SNAPSHOTS, .key = message->key };
	int slots = -1, result;

	unwinding_end(u);
	if (!message->snapshots.seconds)
		return;
	result = unwinding_begin(u, f, message->key, message->snapshots.seconds, now_ns);
	answer.snapshots.error = result;
	if (!result) {
		answer.kind = LINK_SNAPSHOTS;
		slots = snapshots_slots(u->snapshots);
	} else {
		log_warning("stacks cannot be looked at: %s", strerrorname_np(-result));
	}
	/* a worker that is behind gives up by itself */
	if (link_send(u->outbox->link, &answer, slots))
		unwinding_end(u);
}

void unwinding_second(struct unwinding *u)
{
	int result = u->snapshots ? snapshots_second(u->snapshots) : 0;

	if (!result)
		return;
	log_warning("stacks cannot be looked at any more: %s", strerrorname_np(-result));
	unwinding_end(u);
	unwinding_tell(u, FACILITY_REFUSED, -result);
}

void unwinding_step(struct unwinding *u, struct finder *f, uint64_t now_ns)
{
	if (u->snapshots &&
	    (now_ns >= u->until_ns || u->worker != u->outbox->worker || !unwinding_pid(f, u->key)))
		unwinding_end(u);
}
