/*
 * alerts - the engine at work in the agent: rules from the broker, state on disk, answers to web.
 *
 * Threads:  alerts_rules, alerts_second and alerts_written on main; the rest on any, under one
 *           lock, which nobody holds while a disk is written: that is the scribe's.
 *           alerts_acknowledge, alerts_hush and alerts_unhush wait for it, ALERTS_PATIENCE_MS at
 *           most.
 * Memory:   alerts_open allocates, alerts_close frees; rows are the caller's to free.
 * Errors:   0 or -errno. What it gives up stands in health as part "alerts" or "rules".
 *
 * A notice is sent once the state that has it is on the disk, or the disk refused it.
 */
#ifndef RULES_ALERTS_H
#define RULES_ALERTS_H

#include "hush.h"
#include "notice.h"
#include "source.h"

struct alerts;
struct health;
struct scribe;

struct alerts_config {
	struct metrics *metrics;
	struct health *health;
	struct scribe *scribe; /* of the folder of its state; borrowed */
	const char *base;      /* what links begin with: "http://127.0.0.1:9977"; borrowed */
	struct spec_defaults defaults;
	uint32_t second_level, third_level;
	void (*send)(void *ctx, const struct notice *notice);
	void (*settle)(void *ctx); /* what was sent is to be safe, as the scribe comes to it */
	void *ctx;
};

/* One alert, as it is told. */
struct alerts_row {
	struct notice notice;
	int state; /* enum alarm_state, or ALERTS_OVER */
	bool acknowledged, flapping, inhibited, blind, impacting;
	bool alone; /* somebody was told of it, and not of a storm that it is part of */
	uint64_t silence;
	int64_t notice_ms; /* of the last notice; 0: none */
};

#define ALERTS_OVER (ALARM_FIRING + 1)

struct alerts_rule {
	struct spec spec;
	struct engine_rule now;
};

struct alerts_time {
	int64_t now_ns, wall_ms;
};

#define ALERTS_PATIENCE_MS 1000 /* who says something to an alert waits no longer for the disk */
#define ALERTS_TRAIL 512u       /* changes that are remembered for who comes and asks */

struct alerts_counts {
	uint32_t firing, pending; /* alerts, now */
	uint64_t refused;         /* alerts that found no room */
	uint64_t unsent;          /* notices that found no memory */
	uint64_t sent;            /* notices, since the start of the worker */
};

int alerts_open(struct alerts **out, const struct alerts_config *config, int64_t now_ns,
		int64_t wall_ms);
void alerts_close(struct alerts *a); /* NULL is allowed */

/* A bundle of rule files; fd stays the caller's. */
void alerts_rules(struct alerts *a, int fd, int64_t now_ns, int64_t wall_ms);
void alerts_second(struct alerts *a, const struct source_agent *agent, int64_t now_ns,
		   int64_t wall_ms);
void alerts_written(struct alerts *a); /* the scribe has come further: what waited for that */

/* Their number, or -ENOMEM. */
int alerts_list(struct alerts *a, bool over, int64_t wall_ms, struct alerts_row **rows);
/* The storm that somebody was told of, as it stands; false: there is none. */
bool alerts_storm(struct alerts *a, int64_t wall_ms, struct notice *out);
/* The notices in a row that are the first of levels 2 and 3, from now on. */
void alerts_levels(struct alerts *a, uint32_t second, uint32_t third);
int alerts_rule_list(struct alerts *a, struct alerts_rule **rows);
int alerts_hush_list(struct alerts *a, struct hush **rows);
void alerts_counts_get(struct alerts *a, struct alerts_counts *out);

/*
 * What changed since *from, oldest first, as it stood then; *from moves on. *lost: changes of that
 * span that are not remembered any more. 0: all since the start.
 */
int alerts_changes(struct alerts *a, uint64_t *from, struct alerts_row **rows, uint64_t *lost);

/* -ENOENT. -ETIMEDOUT: it is so, but not on disk yet. */
int alerts_acknowledge(struct alerts *a, uint64_t id, const struct alerts_time *when);
int alerts_hush(struct alerts *a, const struct tree *what, const struct alerts_time *when,
		struct hush *out, struct hush_error *error);
int alerts_unhush(struct alerts *a, uint64_t id, int64_t now_ns); /* -ENOENT */

#endif
