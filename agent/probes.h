/*
 * probes - what the broker has in the kernel: its sets, the targets that they share, and how each
 *          facility stands, told to the worker.
 *
 * Threads:  the broker's only one.
 * Memory:   probes_close frees and detaches; the outbox is borrowed.
 * Errors:   none: what is refused is told, and everything works without.
 */
#ifndef AGENT_PROBES_H
#define AGENT_PROBES_H

#include "http.h"
#include "life.h"
#include "outbox.h"
#include "runtimes.h"
#include "taps.h"
#include "wait.h"

#include <stdbool.h>

struct probes {
	struct outbox *outbox;
	struct probe_filter *filter; /* NULL: refused */
	int filter_error;            /* why, negative */
	struct life *life;           /* NULL: refused */
	struct wait *wait;           /* NULL: refused, or nobody asked */
	bool wait_refused;           /* it is not tried again */
	struct http *http;           /* NULL: refused, or every target has the shim */
	bool http_refused;           /* it is not tried again */
	uint32_t http_sent;          /* to the how-manieth worker: of its ring, or of its end */
	struct taps taps;            /* of TLS, beside http */
	bool http_seek;              /* a target is new: what it has open is not marked yet */
	bool told;                   /* of execs, exits and forks, each of them */
	struct runtimes runtimes;    /* what the targets run on */
};

void probes_open(struct probes *p, struct outbox *outbox);
void probes_close(struct probes *p);
int probes_targets(const struct probes *p); /* the filter's descriptor, or a negative errno */

/*
 * asked: what it waits for is wanted too, which taxes every switch of the machine; bare: it has no
 * shim, so that its connections are looked at, which taxes all others. May be said again. Do they
 * speak of it?
 */
bool probes_watch(struct probes *p, int32_t pid, bool asked, bool bare);
void probes_rest(struct probes *p, bool asked, bool bare); /* is any target still? */
void probes_step(struct probes *p); /* looks for what new targets have open; tells a worker */
void probes_forget(struct probes *p, int32_t pid); /* it ended, or is no target any more */
void probes_read(struct probes *p, life_fn each, void *ctx);
uint64_t probes_dropped(const struct probes *p); /* events of the life cycle */
bool probes_waits(const struct probes *p, int32_t pid, uint64_t out_ns[CAUSES]);
/*
 * What its runtime says of itself, and answers of it that found no room, more than it was told
 * before; 0, or -errno: not now.
 */
int probes_tell_lost(struct probes *p, struct finder_target *t);
void probes_second(struct probes *p); /* each: counts */

#endif
