#include "inbox.h"

#include "drain.h"
#include "health.h"
#include "link.h"
#include "log.h"
#include "metrics.h"
#include "moment.h"
#include "profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INBOX_SET 6       /* letters of a set in a part's name … */
#define INBOX_NAME 19     /* … and of a tracepoint: two sets may have one of the same name */
#define INBOX_AT_ONCE 256 /* so that the second's work is done in a flood of targets too */

static void inbox_target(const struct inbox *i, const struct link_message *message, int memfd)
{
	const struct capture_target *target = &message->target;
	int result =
		memfd >= 0 ? drain_add(i->drain, target, memfd) : drain_attach(i->drain, target);

	if (result)
		log_error("%s, pid %d, cannot be watched: %s", target->service, target->pid,
			  strerrorname_np(-result));
	else
		log_info("watching %s, pid %d", target->service, target->pid);
	metrics_started(i->metrics, target, moment_monotonic_ns());
	if (profile_target_put(i->profile, target->key, target->pid, target->service))
		log_error("%s, pid %d, cannot be profiled: no memory", target->service,
			  target->pid);
}

static void inbox_ring(const struct inbox *i, const struct link_samples *samples, int fd)
{
	int result = profile_ring_put(i->profile, fd, samples->ring_bytes);

	if (result)
		log_error("the kernel's samples cannot be read: %s", strerrorname_np(-result));
}

static void inbox_http(const struct inbox *i, const struct link_samples *samples, int fd)
{
	if (drain_wire(i->drain, fd, samples->ring_bytes))
		log_error("HTTP of processes without the library cannot be read: no memory");
}

static void inbox_file(const struct inbox *i, const struct link_message *message, int fd)
{
	struct symbols_file file = { .start = message->file.start,
				     .end = message->file.end,
				     .offset = message->file.offset,
				     .fd = fd };

	file.why = fd < 0 ? mapped_why_text(message->file.why) : NULL;
	snprintf(file.name, sizeof(file.name), "%.*s", (int)sizeof(message->file.name),
		 message->file.name);
	profile_file_put(i->profile, message->key, &file);
}

/* What profiles are made of. False: it is about something else. */
static bool inbox_profile(const struct inbox *i, const struct link_message *message, int passed)
{
	switch ((enum link_kind)message->kind) {
	case LINK_RING:
		inbox_ring(i, &message->samples, passed);
		return true;
	case LINK_SAMPLES:
		profile_kernel_put(i->profile, message->samples.taken, message->samples.dropped);
		return true;
	case LINK_FILE:
	case LINK_NO_FILE:
		inbox_file(i, message, passed);
		return true;
	case LINK_SNAPSHOTS:
	case LINK_NO_SNAPSHOTS:
		profile_snapshots_put(i->profile, message->key, passed, message->snapshots.error);
		return true;
	case LINK_ROWS:
	case LINK_NO_ROWS:
		profile_rows_put(i->profile, message->key, passed, message->snapshots.error);
		return true;
	case LINK_FILES_END:
		profile_files_end(i->profile, message->key);
		return true;
	default:
		return false;
	}
}

static void inbox_part(const struct inbox *i, const struct link_part *part, int64_t wall_ms)
{
	uint32_t status = part->status <= HEALTH_UNHEALTHY ? part->status : HEALTH_UNHEALTHY;

	if (health_put(i->health, part->name, (enum health_status)status, part->reason, wall_ms))
		log_error("no room for the health of %s", part->name);
}

/* The table in full, and a part of the health for who reads those alone. */
static void inbox_facility(const struct inbox *i, const struct facility *facility, int64_t wall_ms)
{
	bool refused = facility->state == FACILITY_REFUSED;
	char name[HEALTH_NAME], reason[HEALTH_REASON];

	if (strcmp(facility->set, facility->name) == 0)
		snprintf(name, sizeof(name), "ebpf.%s", facility->set);
	else
		snprintf(name, sizeof(name), "ebpf.%.*s.%.*s", INBOX_SET, facility->set, INBOX_NAME,
			 facility->name);
	snprintf(reason, sizeof(reason), "%s%s%s%s%s", facility_state_name(facility->state),
		 refused ? ": " : "", refused ? strerrorname_np(facility->error) : "",
		 refused ? ", " : "", refused ? facility_error_text(facility->error) : "");
	if (health_facility_put(i->health, facility) ||
	    health_put(i->health, name,
		       facility->state == FACILITY_LOADED ? HEALTH_HEALTHY : HEALTH_INFO, reason,
		       wall_ms))
		log_error("no room for the health of %s", name);
}

static void inbox_lost(const struct inbox *i, uint64_t key, const uint64_t lost[LINK_CLASSES])
{
	if (drain_lost(i->drain, key, lost))
		log_error("answers that were lost are not counted: no memory");
}

/* What it had since it was told last: while it is known. */
static void inbox_last(const struct inbox *i, uint64_t key, const struct link_end *end)
{
	static const uint64_t none[LINK_CLASSES];

	if (memcmp(end->lost, none, sizeof(none)) != 0)
		inbox_lost(i, key, end->lost);
	if (end->waited)
		metrics_waits_put(i->metrics, key, &end->waits);
}

static void inbox_died(const struct inbox *i, const struct link_message *message)
{
	const struct metrics_end end = { .run_ns = message->end.run_ns,
					 .user_ns = message->end.user_ns,
					 .system_ns = message->end.system_ns,
					 .major_faults = message->end.major_faults,
					 .read_bytes = message->end.read_bytes,
					 .write_bytes = message->end.write_bytes,
					 .strain = message->end.strain };
	uint64_t now_ns = moment_monotonic_ns();

	inbox_last(i, message->key, &message->end);
	if (end.run_ns)
		metrics_end_put(i->metrics, message->key, &end, now_ns);
	metrics_ended(i->metrics, message->key, message->end.at_ns, now_ns);
	drain_died(i->drain, message->key);
	profile_target_gone(i->profile, message->key);
}

static void inbox_reading(const struct inbox *i, const struct link_message *message)
{
	const struct metrics_reading reading = { .pss = message->usage.pss,
						 .anonymous = message->usage.anonymous,
						 .read_bytes = message->usage.read_bytes,
						 .write_bytes = message->usage.write_bytes,
						 .rings = message->usage.rings };

	metrics_reading_put(i->metrics, message->key, &reading);
}

static void inbox_files(const struct inbox *i, const struct link_message *message, int passed)
{
	if (message->kind == LINK_RULES)
		i->rules(i->ctx, passed);
	else
		i->reload(i->ctx, passed);
	close(passed);
}

static void inbox_password(const struct inbox *i, struct link_message *message)
{
	message->password[sizeof(message->password) - 1] = '\0';
	i->password(i->ctx, message->password);
	explicit_bzero(message, sizeof(*message));
}

static void inbox_take(const struct inbox *i, struct link_message *message, int passed,
		       int64_t wall_ms)
{
	if (inbox_profile(i, message, passed))
		return;
	switch ((enum link_kind)message->kind) {
	case LINK_TARGET:
	case LINK_ATTACHED:
		inbox_target(i, message, passed);
		return;
	case LINK_KIN:
		if (drain_kin(i->drain, message->key, passed))
			log_error("the children of a process cannot be watched: no memory");
		return;
	case LINK_LOST:
		inbox_lost(i, message->key, message->lost);
		return;
	case LINK_HTTP:
	case LINK_NO_HTTP:
		inbox_http(i, &message->samples, passed);
		return;
	case LINK_DIED:
		inbox_died(i, message);
		return;
	case LINK_READING:
		inbox_reading(i, message);
		return;
	case LINK_PART:
		inbox_part(i, &message->part, wall_ms);
		return;
	case LINK_RUNTIME:
		metrics_runtime_put(i->metrics, message->key, &message->runtime);
		return;
	case LINK_WAITS:
		metrics_waits_put(i->metrics, message->key, &message->waits);
		return;
	case LINK_STRAIN:
		metrics_strain_put(i->metrics, message->key, &message->strain);
		return;
	case LINK_KILLED:
		metrics_killed(i->metrics, message->key, moment_monotonic_ns());
		return;
	case LINK_FACILITY:
		inbox_facility(i, &message->facility, wall_ms);
		return;
	case LINK_COMPLETE:
		health_ready_put(i->health, !message->part.reason[0], message->part.reason);
		return;
	case LINK_PASSWORD:
		inbox_password(i, message);
		return;
	case LINK_RELOAD:
	case LINK_RULES:
		inbox_files(i, message, passed);
		return;
	default:
		break; /* not for us */
	}
}

bool inbox_read(const struct inbox *i, int64_t wall_ms)
{
	struct link_message message;
	int passed;

	for (int n = 0; n < INBOX_AT_ONCE; n++) {
		int result = link_receive(i->link, &message, &passed);

		if (result == -EBADMSG || result == -EINTR)
			continue;
		if (result != 1)
			return result == -EAGAIN;
		inbox_take(i, &message, passed, wall_ms);
	}
	return true;
}
