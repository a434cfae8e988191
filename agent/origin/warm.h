/*
 * warm - which keys are to be fetched before anybody asks for them, and when: a plan within a rate.
 *
 * Threads:  one.
 * Memory:   warm_open allocates, warm_close frees, jobs that were taken and not given back too;
 *           keys are copied.
 * Errors:   -EEXIST: it is planned already; -ENOSPC: too much is; -ENOMEM.
 *
 *	if (warm_is_time(w, now_ns))
 *		for (each of the hottest keys of the origin's prefix, warm_top of them)
 *			warm_add(w, &key, 0, NULL);
 *	while ((job = warm_next(w, now_ns)))
 *		if (origin_fetch(o, &job->key, &(struct origin_then){ warmed, job }))
 *			told of as failed, warm_done(w, job);
 *
 * and warmed() keeps what came, for job->ttl_s where that is not 0, tells job->who, and gives the
 * job back by warm_done.
 */
#ifndef ORIGIN_WARM_H
#define ORIGIN_WARM_H

#include "value.h"

#define WARM_KEYS 1024u /* planned at a time */

struct warm;

struct warm_config {
	uint32_t per_s; /* so many are begun in a second at most, … */
	uint32_t most;  /* … and so many are under way: the rest of an origin is for who waits */
	uint64_t every_ns; /* 0: there is no schedule */
};

struct warm_job {
	struct warm_job *next;
	struct cache_bytes key;
	uint64_t ttl_s; /* 0: as its origin says */
	void *who;      /* wants to know */
};

/* random: any number, so that who began together does not come together. */
int warm_open(struct warm **out, const struct warm_config *config, uint64_t now_ns,
	      uint32_t random);
void warm_close(struct warm *w); /* NULL is allowed */

int warm_add(struct warm *w, const struct cache_bytes *key, uint64_t ttl_s, void *who);

/* The next that may begin now; NULL: none may. */
struct warm_job *warm_next(struct warm *w, uint64_t now_ns);
void warm_done(struct warm *w, struct warm_job *job);

/* Once each time that the schedule comes round. */
bool warm_is_time(struct warm *w, uint64_t now_ns);

/* When either may have something; UINT64_MAX: not before something is added or done. */
uint64_t warm_due_ns(const struct warm *w);

#endif
