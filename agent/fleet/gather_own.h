/*
 * gather_own - the inside of a gather: of gather and gather_parcels alone.
 *
 * Threads:  as gather.
 * Memory:   as gather.
 * Errors:   as gather.
 */
#ifndef FLEET_GATHER_OWN_H
#define FLEET_GATHER_OWN_H

#include "gather.h"

enum gather_phase { GATHER_IDLE, GATHER_INDEX, GATHER_CARDS, GATHER_PARCELS };

/* One question under way. */
struct gather_question {
	struct gather *gather;
	struct gather_question *next; /* of those that are free */
	uint32_t at;                  /* of hosts, or of pairs */
	enum series_step step;
	int64_t number;
};

/* What is known of one slot of one host. */
enum gather_slot {
	GATHER_UNASKED, /* or nothing is there: then it is told if the host says so */
	GATHER_FOUND,
	GATHER_UNREAD, /* something of it could not be read */
};

struct gather {
	struct gather_config config;
	enum gather_phase phase;
	struct view *view;
	struct merge merge;
	uint64_t begun_ns;
	uint32_t flying;
	uint32_t next;   /* host or pair that is asked for next, … */
	uint32_t part;   /* … this question, or this of its ranges, … */
	int64_t skipped; /* … behind so many of its numbers */
	uint8_t *slots;  /* enum gather_slot of those of all hosts */
	uint32_t *first; /* where those of each begin; UINT32_MAX: it has none */
	struct gather_question questions[GATHER_FLYING], *free;
};

/* gather.c: what both ask with. */
void gather_run(struct gather *g);
void gather_cut(struct gather *g, const char *what);
const char *gather_limit(const struct gather *g);      /* why no more is asked for; NULL: it is */
struct gather_question *gather_take(struct gather *g); /* NULL: none is free */
void gather_give_back(struct gather_question *q);
void gather_read(struct gather *g, const struct redis_value *v);

/* gather_parcels.c: all cards are there; the next one, false: not now, or all are asked for. */
void gather_parcels_begin(struct gather *g);
bool gather_parcels_next(struct gather *g);
void gather_parcels_end(struct gather *g);

#endif
