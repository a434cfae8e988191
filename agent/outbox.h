/*
 * outbox - what the broker has to tell the worker, kept until it was sent, and told again to a new
 *          worker.
 *
 * Threads:  the broker's only one.
 * Memory:   outbox_fini frees.
 * Errors:   0 or -errno.
 */
#ifndef AGENT_OUTBOX_H
#define AGENT_OUTBOX_H

#include "finder.h"
#include "link.h"

#define OUTBOX_PARTS 16
#define OUTBOX_FACILITIES 48 /* as many as the worker has room for */

struct outbox_died {
	uint64_t key;
	struct link_end end;
};

struct outbox {
	int link;
	uint32_t worker; /* the how-manieth said hello; 0: none yet */
	struct outbox_died *died;
	uint32_t died_count, died_room;
	struct link_part parts[OUTBOX_PARTS];
	uint32_t part_sent[OUTBOX_PARTS];
	uint32_t part_count;
	struct facility facilities[OUTBOX_FACILITIES];
	uint32_t facility_sent[OUTBOX_FACILITIES];
	uint32_t facility_count;
	char unready[160]; /* why not ready; "": it is */
	uint32_t complete_sent;
	bool complete; /* everything known was looked at once */
};

void outbox_init(struct outbox *o, int link);
void outbox_fini(struct outbox *o);
void outbox_hello(struct outbox *o); /* a new worker: everything again */

/*
 * Of a target that was ever sent: a new worker reads what its predecessor left unread on the link,
 * and has to hear that such a target is gone. It ignores a key that it does not know.
 */
void outbox_died(struct outbox *o, uint64_t key, const struct link_end *end);
void outbox_part(struct outbox *o, const char *name, uint32_t status, const char *reason);
void outbox_facility(struct outbox *o, const struct facility *facility);

/* Sends what there is; -EAGAIN: not all of it went. */
int outbox_flush(struct outbox *o, struct finder *f);

#endif
