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

#include "arrival.h"
#include "http.h"
#include "inputs.h"
#include "life.h"
#include "outbox.h"
#include "runtimes.h"
#include "taps.h"
#include "victims.h"
#include "waits.h"

#include <stdbool.h>

struct probes {
	struct outbox *outbox;
	struct probe_filter *filter; /* NULL: refused */
	int filter_error;            /* why, negative */
	struct life *life;           /* NULL: refused */
	struct waits waits;          /* of threads, each or estimated */
	struct http *http;           /* NULL: refused, or every target has the shim */
	uint32_t http_sources;       /* bits: where it may come from, the first that is … */
	uint32_t http_refused;       /* … none of these, which are not tried again */
	struct arrival *arrival;     /* NULL: refused, or nobody with the shim was asked for */
	bool arrival_refused;        /* it is not tried again */
	bool arrival_seek;           /* as http_seek */
	uint32_t http_sent;          /* to the how-manieth worker: of its ring, or of its end */
	struct taps taps;            /* of TLS, beside http */
	bool http_seek;              /* a target is new: what it has open is not marked yet */
	struct inputs *inputs;       /* NULL: refused, not opened yet, or there is no target */
	bool inputs_refused;         /* it is not tried again */
	bool inputs_seek;            /* a target is new: what it has open is not marked yet */
	uint32_t seconds, idle_s;    /* since the start; since there is no target */
	uint32_t quiet_s, waited_s;  /* since the newest target came; since there is any */
	struct victims victims;
	bool told;                /* of execs, exits and forks, each of them */
	struct runtimes runtimes; /* what the targets run on */
};

/* sources: bits, where HTTP of targets without the shim may come from (http_sources). */
void probes_open(struct probes *p, struct outbox *outbox, uint32_t sources);
void probes_close(struct probes *p);
int probes_targets(const struct probes *p); /* the filter's descriptor, or a negative errno */

/*
 * asked: what it waits for is wanted too, which taxes every switch of the machine; bare: it has no
 * shim, so that its connections are looked at, which taxes all others. May be said again. Do they
 * speak of it?
 */
bool probes_watch(struct probes *p, int32_t pid, bool asked, bool bare);
/* Is any target still? carried: asked for, and not bare. */
void probes_rest(struct probes *p, bool asked, bool bare, bool carried);
void probes_step(struct probes *p); /* looks for what new targets have open; tells a worker */
/* Threads that end at once each tell it: the largest is right. */
void probes_end_keep(struct link_end *end, const struct life_told *told);
/* It ended, or is no target any more: what it had last is added to its end. */
void probes_gone(struct probes *p, const struct finder_target *gone, struct link_end *end);
void probes_read(struct probes *p, life_fn each, void *ctx);
void probes_kills(struct probes *p, struct finder *f);
uint64_t probes_dropped(const struct probes *p); /* events of the life cycle */
/* What they know of it, to the worker; 0, or -errno: not now. */
int probes_tell_target(struct probes *p, struct finder_target *t);
/* Does nothing say what this process moves by io_uring? bare: it has no shim. */
bool probes_miss_rings(const struct probes *p, bool bare);
void probes_second(struct probes *p, uint32_t targets); /* each: counts */

#endif
