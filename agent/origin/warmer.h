/*
 * warmer - loads entries through their origins before anybody asks for them: those that are
 *          ordered, and the hottest of an origin as often as its rule says.
 *
 * Threads:  as through.
 * Memory:   warmer_open, warmer_close; `through` is borrowed, and closed before: what is under way
 *           is told then.
 * Errors:   -ENOMEM. What cannot be loaded is told in its order's report.
 * Pace:     of each origin as its rule has it, and never more than half of its fetches at a time:
 *           the rest is for who waits.
 */
#ifndef ORIGIN_WARMER_H
#define ORIGIN_WARMER_H

#include "through.h"

#define WARMER_KEYS 1000u /* of an order */
#define WARMER_REASON 128

struct warmer;

struct warmer_order {
	const void *who;                /* asks for what became of it */
	const struct cache_bytes *keys; /* borrowed */
	size_t count;
	uint64_t ttl_s; /* 0: as their origins say */
};

struct warmer_failure {
	struct warmer_failure *next;
	char reason[WARMER_REASON];
	size_t length;
	char key[];
};

struct warmer_report {
	uint64_t loaded;
	struct warmer_failure *failed; /* the caller's, for warmer_report_fini */
};

struct warmer_counts {
	uint64_t ordered, scheduled; /* keys */
	uint64_t loaded, failed;     /* of both */
};

int warmer_open(struct warmer **out, struct through *t, uint64_t now_ns, uint32_t (*random)(void));
void warmer_close(struct warmer *w); /* NULL is allowed */

/* A look at a key: what is looked at most is warmed by the schedule. */
void warmer_asked(struct warmer *w, const struct cache_bytes *key);
/* The hottest keys that begin so, as heat_top. */
uint32_t warmer_hottest(const struct warmer *w, const struct cache_bytes *prefix,
			struct cache_bytes *out, uint32_t most);

int warmer_take(struct warmer *w, const struct warmer_order *order);
/* Told once. -EAGAIN: it is not done; -ENOENT: there is none. */
int warmer_told(struct warmer *w, const void *who, struct warmer_report *out);
void warmer_report_fini(struct warmer_report *r);
void warmer_leave(struct warmer *w, const void *who); /* its order goes on */

uint64_t warmer_due_ns(const struct warmer *w);
void warmer_step(struct warmer *w, uint64_t now_ns);
void warmer_counts_get(const struct warmer *w, struct warmer_counts *out);

#endif
