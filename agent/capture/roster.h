/*
 * roster - the processes that are watched now, each with the descriptor that tells its end.
 *
 * Threads:  the broker's only one.
 * Memory:   roster_add takes a target over where it answers 0; roster_take gives it back.
 * Errors:   0 or -errno.
 */
#ifndef CAPTURE_ROSTER_H
#define CAPTURE_ROSTER_H

#include "accept.h"
#include "kin.h"
#include "link.h"
#include "target.h"

#include <stdbool.h>
#include <stdint.h>

struct finder_target {
	struct capture_target target;
	uint64_t inode; /* of its segment */
	int fd; /* of its segment: a new worker gets it again; -1: it has none, it is attached */
	struct kin kin; /* what its children count in */
	int pidfd;
	uint32_t sent;         /* the broker's own: to the how-manieth worker it was sent */
	double pss, anonymous; /* the broker's own: the last that was read */
	struct link_end end;   /* the broker's own: what it used in all, told by its last threads */
	bool over;             /* it ended; false: it runs another program, or is let go */
	uint64_t lost
		[LINK_CLASSES]; /* the broker's own: its answers without an event, told so far */
	bool asked;             /* the broker's own: what costs more is wanted of it */
	bool rings;             /* the broker's own: io_uring was found in use */
};

struct roster {
	struct finder_target **targets;
	uint32_t count, room;
	uint64_t key; /* the last given */
	int epoll;    /* of the pidfds; its data are keys */
};

int roster_open(struct roster *r);
void roster_close(struct roster *r);

/* The place of a key; count: it has none. */
uint32_t roster_index(const struct roster *r, uint64_t key);

/* Is this segment watched already, or are there too many? inode 0: it has none. */
enum accept_reason roster_quota(const struct roster *r, uint64_t inode, uint32_t uid);

int roster_add(struct roster *r, struct finder_target *t); /* gives it a key; -ESRCH: it is over */
struct finder_target *roster_take(struct roster *r, uint32_t i);
void roster_target_free(struct finder_target *t);

#endif
