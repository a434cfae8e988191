/*
 * taps - the TLS libraries of attached processes: which of their files have one, where in it, and
 *        the probes that are put there.
 *
 * Threads:  the broker's only one.
 * Memory:   taps_close frees, and detaches; outbox and filter are borrowed.
 * Errors:   none: what is refused is told, and everything works without.
 * A file is looked at once, by a process of its own (places.h), and known from then on by its
 * identity; a process again and again, ever more rarely, until it has a library that is known.
 */
#ifndef AGENT_TAPS_H
#define AGENT_TAPS_H

#include "outbox.h"
#include "places.h"
#include "tls.h"

#include <stdbool.h>
#include <stdint.h>

#define TAPS_FILES 32u

/* Of a file; size and time change where it is written to. */
struct taps_identity {
	uint64_t device, inode, size, changed_ns;
};

struct taps_file {
	struct taps_identity is;
	struct sites sites;
};

struct taps_process {
	int32_t pid;
	uint64_t due_ns;  /* when it is looked at */
	uint64_t wait_ns; /* until then, from the last time on */
	bool tapped;
};

struct taps {
	struct outbox *outbox;
	const struct probe_filter *filter; /* NULL: refused */
	struct tls *tls;                   /* NULL: refused, or no process needs it */
	bool refused;                      /* it is not tried again */
	struct taps_process *processes;
	uint32_t count, room;
	uint32_t next; /* which of them has its turn: one may want ever new files looked at */
	struct taps_file files[TAPS_FILES];
	uint32_t file_count; /* so far; the oldest makes room */
	struct places asking;
	struct taps_identity asked;
};

void taps_open(struct taps *t, struct outbox *outbox, const struct probe_filter *filter);
void taps_close(struct taps *t);

void taps_watch(struct taps *t, int32_t pid); /* may be said again */
void taps_forget(struct taps *t, int32_t pid);
void taps_again(struct taps *t); /* all that was attached is gone */
void taps_rest(struct taps *t);  /* http goes: nothing is tapped any more */

/* http: what is loaded for all of them, NULL: it is not. */
void taps_step(struct taps *t, struct http *http, uint64_t now_ns);
void taps_second(struct taps *t); /* each: counts */

#endif
