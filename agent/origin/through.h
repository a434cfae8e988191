/*
 * through - a cache that is read through: what neither memory nor the tier behind it has comes from
 *           its origin, is kept, and goes to all who wait for it.
 *
 * Threads:  the owner of the cache, who never waits here: it polls through_fd, and steps when that
 *           is readable or through_due_ns has come.
 * Memory:   through_open takes the origin over, also where it fails; through_close closes it. Cache
 *           and tier are borrowed.
 * Errors:   0 or -ENOMEM; what an origin does is an answer.
 * Order:    whoever wrote or took out a key never gets from its origin what was fetched before:
 *           such a value goes to those who asked before, and is not kept; who asks later, while it
 *           is still on its way, gets one that is fetched anew.
 * Lapsed:   as the rule of its origin has it, memory keeps a value for a while when its time is
 *           over, and serves it meanwhile: while a new one is fetched, or where none is to be had.
 *           And it knows for a while that there is none.
 */
#ifndef ORIGIN_THROUGH_H
#define ORIGIN_THROUGH_H

#include "behind.h"
#include "origin_health.h"

#define THROUGH_WAITING 384u                  /* requests at a time */
#define THROUGH_PLACE (BEHIND_QUESTIONS + 1u) /* the first: those of the tier are below */

struct through;

struct through_config {
	struct origin *origin;
	struct cache *cache;
	struct behind *behind; /* NULL: none */
	struct health *health; /* NULL: nobody is told */
	uint64_t (*now_ns)(void);
	int64_t (*wall_ms)(void);
};

enum through_answer {
	THROUGH_NONE,    /* no origin has such keys */
	THROUGH_LATER,   /* it is being fetched */
	THROUGH_FOUND,   /* a value */
	THROUGH_ABSENT,  /* its origin knows that there is none */
	THROUGH_FAULT,   /* its origin failed */
	THROUGH_REFUSED, /* it was not asked */
};

struct through_look {
	const struct cache_bytes *key;
	const void *who; /* the same for one request, however often it asks */
	bool at_once;    /* later is no answer */
};

struct through_found {
	struct cache_value *value; /* found: the caller's reference */
	uint64_t left_ns;          /* of its time; 0: it is over, or it is not kept */
	bool stale;                /* its time is over */
	uint32_t place;            /* later: whoever waits for it is woken by this number */
	enum origin_fault fault;   /* of an origin that failed, … */
	int error;                 /* … of one that was not asked: as origin_fetch has it */
	char text[TRANSFER_TEXT];  /* of a fault, in its words */
};

int through_open(struct through **out, const struct through_config *config);
void through_close(struct through *t); /* NULL is allowed */

/*
 * What is to be had without asking anybody for it: what became of the fetch that this one waits
 * for; that there is none; a value whose time is over.
 */
enum through_answer through_near(struct through *t, const struct through_look *look,
				 struct through_found *out);
/* Fetches what nobody has. */
enum through_answer through_ask(struct through *t, const struct through_look *look,
				struct through_found *out);
void through_leave(struct through *t, const void *who);

/* One that nobody waits for. */
struct through_load {
	const struct cache_bytes *key;
	uint64_t ttl_s; /* of what may be kept at all; 0: as its origin says */
	/* Told exactly once, by a step or at the end; why NULL: it is kept now. */
	void (*done)(void *ctx, const char *why);
	void *ctx;
};

/* Errors: as origin_fetch; then done is not called. */
int through_load(struct through *t, const struct through_load *load);

/* A key was written here, or some were taken out. t NULL: there is nobody to be told. */
void through_drop(struct through *t, enum drop_kind kind, const struct cache_bytes *text);

int through_fd(const struct through *t);
uint64_t through_due_ns(const struct through *t); /* 0: at once */
/* wake is called for each place that was answered. */
void through_step(struct through *t, void (*wake)(void *ctx, uint32_t place), void *ctx);

const struct origin *through_origin(const struct through *t);

#endif
