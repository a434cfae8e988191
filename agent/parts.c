#include "parts.h"

#include "health.h"
#include "procfs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void parts_intake(const struct parts *p, const struct drain_counts *c, int64_t wall_ms)
{
	bool lossy = c->refused || c->broken || c->unequal || c->shapes_lost;
	char reason[HEALTH_REASON];

	snprintf(reason, sizeof(reason),
		 "%u segments, a round each %u ms; since the start: %llu refused, %llu broken, "
		 "%llu unequal, %llu paths lost",
		 c->processes, c->period_ms, (unsigned long long)c->refused,
		 (unsigned long long)c->broken, (unsigned long long)c->unequal,
		 (unsigned long long)c->shapes_lost);
	health_put(p->health, "intake", lossy ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason, wall_ms);
}

static void parts_wire(const struct parts *p, const struct drain_counts *c, int64_t wall_ms)
{
	char reason[HEALTH_REASON];

	snprintf(reason, sizeof(reason),
		 "%u connections of processes without the library; since the start %llu found no "
		 "room",
		 c->wire.connections, (unsigned long long)c->wire.refused);
	health_put(p->health, "wire", c->wire.refused ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason,
		   wall_ms);
}

static void parts_checkpoint(const struct parts *p, const struct drain_counts *c, int64_t wall_ms)
{
	char reason[HEALTH_REASON];

	if (c->checkpoint_error) {
		snprintf(reason, sizeof(reason), "a restart would leave a gap: %s",
			 strerrordesc_np(-c->checkpoint_error));
		health_put(p->health, "checkpoint", HEALTH_DEGRADED, reason, wall_ms);
		return;
	}
	health_put(p->health, "checkpoint", HEALTH_HEALTHY, "", wall_ms);
}

static void parts_clock(const struct parts *p, const struct drain_counts *c, int64_t wall_ms)
{
	char reason[HEALTH_REASON];

	if (!c->clock_changes) {
		health_put(p->health, "clock", HEALTH_HEALTHY, "", wall_ms);
		return;
	}
	snprintf(reason, sizeof(reason),
		 "the kernel changed its clock source %llu times: processes that were started "
		 "before count on with the old one",
		 (unsigned long long)c->clock_changes);
	health_put(p->health, "clock", HEALTH_DEGRADED, reason, wall_ms);
}

static void parts_aggregates(const struct parts *p, const struct metrics_losses *l, int64_t wall_ms)
{
	bool lossy = l->requests || l->slots || l->late;
	char reason[HEALTH_REASON];

	snprintf(reason, sizeof(reason),
		 "%.1f of %.0f MiB used; given up: detail of %llu requests, %llu seconds; %llu too "
		 "late",
		 (double)l->bytes_used / 1048576, (double)l->bytes_limit / 1048576,
		 (unsigned long long)l->requests, (unsigned long long)l->slots,
		 (unsigned long long)l->late);
	health_put(p->health, "aggregates", lossy ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason,
		   wall_ms);
}

static bool parts_is_told(const struct parts *p, pid_t pid)
{
	for (int i = 0; i < PARTS_PROCESSES; i++)
		if (p->pids[i] == pid)
			return true;
	return false;
}

/* Those that are told, and what else the broker has for children: its scout, as a rule. */
static int parts_children(const struct parts *p, pid_t out[PARTS_PROCESSES + PARTS_CHILDREN])
{
	char path[64], text[256] = "", *at = text;
	int count = PARTS_PROCESSES;

	memcpy(out, p->pids, sizeof(p->pids));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", p->pids[0], p->pids[0]);
	procfs_file_read("", path, text, sizeof(text)); /* a kernel without: they are not counted */
	while (count < PARTS_PROCESSES + PARTS_CHILDREN) {
		pid_t child = (pid_t)strtol(at, &at, 10);

		if (child <= 0)
			break;
		if (!parts_is_told(p, child))
			out[count++] = child;
	}
	return count;
}

/* What the agent itself costs, in percent of a core since the last look. */
static double parts_cost(struct parts *p, uint64_t now_ns)
{
	uint64_t cpu_ns = 0, rss = 0;
	double share = 0;
	pid_t pids[PARTS_PROCESSES + PARTS_CHILDREN];
	int count = parts_children(p, pids);

	for (int i = 0; i < count; i++) {
		struct procfs_process process;

		if (procfs_process_read("", pids[i], &process))
			continue;
		cpu_ns += process.user_ns + process.system_ns;
		rss += process.rss;
	}
	if (p->looked_ns && now_ns > p->looked_ns && cpu_ns > p->cpu_ns)
		share = 100.0 * (double)(cpu_ns - p->cpu_ns) / (double)(now_ns - p->looked_ns);
	p->cpu_percent = p->looked_ns ? share : (double)NAN;
	p->memory = (double)rss;
	p->cpu_ns = cpu_ns;
	p->looked_ns = now_ns;
	return share;
}

static void parts_agent(struct parts *p, uint64_t drain_late_ns, uint64_t now_ns, int64_t wall_ms)
{
	uint64_t late_ns = turn_late_ns(p->turn, now_ns);
	bool is_late = late_ns > PARTS_LATE_NS || drain_late_ns > PARTS_LATE_NS;
	double share = parts_cost(p, now_ns);
	char reason[HEALTH_REASON];

	snprintf(reason, sizeof(reason),
		 "%.1f %% of a core in steps of 10 ms, %.1f MB resident; late by up to %.0f ms "
		 "(each second's work), %.0f ms (drain)%s",
		 share, p->memory / 1e6, (double)late_ns / 1e6, (double)drain_late_ns / 1e6,
		 is_late ? ": the limit is 1 s" : "");
	health_put(p->health, "agent", is_late ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason, wall_ms);
}

void parts_put(struct parts *p, const struct drain_counts *drain,
	       const struct metrics_losses *losses, uint64_t now_ns, int64_t wall_ms)
{
	parts_intake(p, drain, wall_ms);
	parts_wire(p, drain, wall_ms);
	parts_checkpoint(p, drain, wall_ms);
	parts_clock(p, drain, wall_ms);
	parts_aggregates(p, losses, wall_ms);
	parts_agent(p, drain->late_ns, now_ns, wall_ms);
}

void parts_profile_put(const struct parts *p, const struct profile_counts *c, int64_t wall_ms)
{
	const struct stacks_counts *s = &c->stacks;
	bool lossy = c->dropped || c->unknown || s->no_room || s->early;
	char reason[HEALTH_REASON];

	if (!c->on)
		return;
	snprintf(reason, sizeof(reason),
		 "%llu samples, %u stacks in %.1f MiB; lost: %llu in the kernel, %llu nobody's, "
		 "%llu for want of room, %llu too early",
		 (unsigned long long)s->samples, s->distinct, (double)s->bytes / 1048576,
		 (unsigned long long)c->dropped, (unsigned long long)c->unknown,
		 (unsigned long long)s->no_room, (unsigned long long)s->early);
	health_put(p->health, "profile", lossy ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason, wall_ms);
}

void parts_history_put(const struct parts *p, const struct store_state *h, uint64_t untaken,
		       int64_t wall_ms)
{
	bool is_lossy = h->deleted || h->lost || untaken;
	char reason[HEALTH_REASON];

	if (h->error) {
		snprintf(reason, sizeof(reason),
			 "%s: the history goes on in memory alone, which has the last six hours",
			 strerrordesc_np(-h->error));
		health_put(p->health, "history", HEALTH_DEGRADED, reason, wall_ms);
		return;
	}
	if (!h->is_ready) {
		health_put(p->health, "history", HEALTH_INFO, "what is there is being read",
			   wall_ms);
		return;
	}
	if (h->cuts) {
		health_put(p->health, "history", HEALTH_DEGRADED, h->cut, wall_ms);
		return;
	}
	snprintf(reason, sizeof(reason),
		 "%.1f of %.0f MiB in %llu files; %llu deleted early; lost: %llu slots, %llu late",
		 (double)h->bytes / 1048576, (double)h->budget / 1048576,
		 (unsigned long long)h->files, (unsigned long long)h->deleted,
		 (unsigned long long)h->lost, (unsigned long long)untaken);
	health_put(p->health, "history", is_lossy ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason,
		   wall_ms);
}
