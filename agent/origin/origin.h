/*
 * origin - fetches values that nobody has from where they come from, one fetch of a key at a time.
 *
 * Threads:  one, which never waits here: it polls origin_fd, and steps when that is readable or
 *           when origin_due_ns has come.
 * Memory:   origin_open allocates and copies, origin_close wipes and frees; keys are copied.
 * Errors:   of origin_fetch: -ENOENT: no origin has such keys; -EINVAL, -ENAMETOOLONG: the key
 *           makes no URL; -EHOSTDOWN: the origin's circuit is open, or its secrets cannot be
 *           read; -ENOBUFS: too many wait; -ENOMEM. Then `done` is not called; else it is,
 *           exactly once, from origin_step or origin_close.
 * Circuit:  of each origin: five answers in a row that are none, or 5xx or 429, open it. The first
 *           fetch after half a second is a probe, later after up to five (and by chance half of
 *           that less or more).
 *
 * What a cache does with it. It keeps a value for a->ttl_s, and beyond that for as long as
 * a->revalidate_s or a->error_s say. `over_s`: for how long its ttl_s is over when it is asked for.
 *
 *	over_s < 0:             it is served
 *	over_s < revalidate_s:  it is served, ORIGIN_STALE, and origin_fetch for the cache alone
 *	else:                   origin_fetch, and the request waits for
 *
 *	static void told(void *request, const struct origin_answer *a)
 *	{
 *		if (a->fault != ORIGIN_FINE && over_s < error_s)
 *			served as it is, ORIGIN_STALE;
 *		else if (a->fault != ORIGIN_FINE)
 *			502 with a->text;
 *		else if (a->found)
 *			a->value as a->type;
 *		else
 *			404;
 *		if (a->fault == ORIGIN_FINE && a->first && a->ttl_s)
 *			kept: a->value with a->type and a->tags, or that there is none;
 *	}
 *
 * An error of origin_fetch itself is to be treated as a fault: an old value, else 502; -ENOENT:
 * 404.
 * Where the rule has a key template, origin_key_make (origin_template.h) makes the key first.
 */
#ifndef ORIGIN_ORIGIN_H
#define ORIGIN_ORIGIN_H

#include "breaker.h"
#include "flights.h"
#include "origin_settings.h"

struct origin;
struct own;

struct origin_config {
	const struct origin_settings *settings; /* copied */
	uint64_t ttl_s;                         /* of what neither rule nor answer gives one */
	size_t most_bytes;                      /* of a value */
	const struct own *own;    /* what is never connected to, borrowed; NULL: nothing */
	uint64_t (*now_ns)(void); /* CLOCK_MONOTONIC */
	uint32_t (*random)(void);
};

struct origin_state {
	const char *prefix;
	uint64_t fetches; /* requests that were sent */
	uint64_t faults
		[ORIGIN_FAULTS]; /* fetches by how they ended, those that waited in vain too */
	uint64_t negative;       /* of the fine ones: there was no such thing */
	uint64_t unkept;         /* of the fine ones: not to be kept */
	uint64_t coalesced;      /* who waits for a fetch that was under way already */
	uint64_t refused;        /* not even begun: the circuit is open, or a secret is missing */
	uint64_t crowded;        /* … or too many wait, here or as ORIGIN_CROWDED says */
	uint64_t stale, absent;  /* as origin_note was told */
	uint64_t took_ns, took_p99_ns; /* of those that were answered: all together; of 99 of 100 */
	uint64_t answered;             /* how many these are */
	uint32_t under_way, queued;
	enum breaker_state circuit;
	uint64_t since_ns; /* of the circuit's state */
	enum origin_fault
		fault; /* the last of its own, until it answers; ORIGIN_FINE: all is well */
	char text[TRANSFER_TEXT];
};

int origin_open(struct origin **out, const struct origin_config *config); /* -ELIBACC: no libcurl */
void origin_close(struct origin *o); /* NULL is allowed; who waits is told ORIGIN_CLOSED */
int origin_fd(const struct origin *o);
uint64_t origin_due_ns(const struct origin *o); /* 0: at once */
void origin_step(struct origin *o);

/* Whose the key is: the one with the longest prefix. NULL: nobody's. */
const struct origin_rule *origin_rule_of(const struct origin *o, const struct cache_bytes *key);
int origin_fetch(struct origin *o, const struct cache_bytes *key, const struct origin_then *then);

/* What became of a look that was not for the origin; counted with it. */
enum origin_note {
	ORIGIN_STALE,   /* a value was served although its time is over */
	ORIGIN_ABSENT,  /* it was known that there is none */
	ORIGIN_CROWDED, /* too many wait elsewhere */
};
void origin_note(struct origin *o, const struct cache_bytes *key, enum origin_note note);
/* Is it being fetched? */
bool origin_is_fetching(const struct origin *o, const struct cache_bytes *key);

uint32_t origin_count(const struct origin *o);
uint64_t origin_ended(const struct origin *o); /* fetches, of all: nothing else changes a circuit */
void origin_state_get(const struct origin *o, uint32_t index, struct origin_state *out);
/* Fetches that ended in none. */
uint64_t origin_errors(const struct origin_state *s);

#endif
