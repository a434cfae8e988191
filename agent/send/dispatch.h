/*
 * dispatch - sees to it that each notice reaches the channels of its level: what is on its way is
 *            on disk, one at a time goes to the courier, failures come again later and later.
 *
 * Threads:  dispatch_list, dispatch_try and dispatch_counts_get on any, the rest on main, under one
 *           lock, which nobody holds while a disk is written: that is the scribe's.
 * Memory:   dispatch_open allocates, dispatch_close frees; the configuration is borrowed.
 * Errors:   0 or -errno. How the channels stand is in health, a part "channel.NAME" each.
 *
 * Nothing is ordered while anything that was noticed, delivered or begun is not on disk: a kill
 * costs no notice, and lets come twice at most the one of a channel that is under way.
 */
#ifndef SEND_DISPATCH_H
#define SEND_DISPATCH_H

#include "config_alerts.h"
#include "notice.h"

#include <sys/types.h>

struct dispatch;
struct health;
struct scribe;

#define DISPATCH_TEXT 160

struct dispatch_config {
	const struct config_alerts *alerts;
	struct health *health;
	struct scribe *scribe; /* of the folder of the outbox; borrowed */
	int link;              /* to the courier; -1: no channel needs one */
	int runner;            /* to who does actions; -1: none is configured */
	int cache;             /* … and to who clears the cache; -1: there is none */
};

/* Of a time that somebody tried a channel out. */
enum dispatch_trial { DISPATCH_UNTRIED, DISPATCH_TRYING, DISPATCH_GOOD, DISPATCH_BAD };

/* How a channel stands. */
struct dispatch_row {
	char name[CHANNEL_NAME];
	const char *type;
	uint32_t levels;               /* a bit each, level 1 lowest */
	bool in_use;                   /* it is configured */
	int64_t arrived_ms, failed_ms; /* wall clock, the last ones; 0: never */
	char said[DISPATCH_TEXT];      /* at the last success, by the receiver */
	char fault[DISPATCH_TEXT];     /* at the last failure, what it said or what went wrong */
	uint32_t tries;                /* failures in a row */
	uint32_t waiting;
	uint64_t delivered, refused, dropped; /* since the start of the worker */
	uint64_t skipped;                     /* an action: more often than at_most_every */
	enum dispatch_trial trial;
	int64_t trial_ms;
	char trial_text[DISPATCH_TEXT];
};

struct dispatch_counts {
	uint32_t waiting; /* notices times channels */
	uint64_t dropped, damaged;
};

int dispatch_open(struct dispatch **out, const struct dispatch_config *config, int64_t wall_ms);
void dispatch_close(struct dispatch *d); /* NULL is allowed */

/*
 * The channels were read again: what waits for one of the same name waits on. The former ones are
 * not looked at any more.
 */
void dispatch_channels(struct dispatch *d, const struct config_alerts *alerts);

void dispatch_notice(void *dispatch, const struct notice *notice);
void dispatch_settle(void *dispatch); /* what was noticed is to be on disk */

/* What the courier says; and what is due is ordered. False: it will say nothing more. */
bool dispatch_hear(struct dispatch *d, int64_t now_ns, int64_t wall_ms);
void dispatch_second(struct dispatch *d, int64_t now_ns, int64_t wall_ms);
void dispatch_written(struct dispatch *d, int64_t now_ns, int64_t wall_ms); /* the scribe goes on */

/* Has anybody to be told what still fires? Then dispatch_hold takes all of that over. */
bool dispatch_holds(struct dispatch *d, int64_t now_ns);
void dispatch_hold(struct dispatch *d, struct notice *notices, size_t count);

/* The processes of both runners; 0: it said nothing yet. */
pid_t dispatch_courier(struct dispatch *d);
pid_t dispatch_runner(struct dispatch *d);

/* rows: CHANNEL_MAX; their number. */
uint32_t dispatch_list(struct dispatch *d, struct dispatch_row *rows);
void dispatch_counts_get(struct dispatch *d, struct dispatch_counts *out);

/* -ENOENT: no such channel; -ENODEV: it is not configured; -EBUSY: it is being tried; -EAGAIN. */
int dispatch_try(struct dispatch *d, const char *name, int64_t wall_ms);

#endif
