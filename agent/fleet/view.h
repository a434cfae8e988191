/*
 * view - the answer to one question to the fleet, as it was when it was gathered.
 *
 * Threads:  one makes it; then any number reads it, and the last one to give it back frees it.
 * Memory:   view_open gives one reference.
 * Errors:   NULL: no memory.
 */
#ifndef FLEET_VIEW_H
#define FLEET_VIEW_H

#include "merge.h"
#include "muster.h"

#include <stdatomic.h>

#define VIEW_TEXT 200
#define VIEW_NAME (RS_PATH_BYTES + 1)

/* What is asked. Who asks the same within seconds gets the same. */
struct view_ask {
	bool sums;         /* false: hosts and their alerts alone; no parcel is read */
	uint32_t window_s; /* from 10 s on */
	char service[PARCEL_SERVICE], route[VIEW_NAME]; /* "": any */
};

struct view {
	atomic_uint references;
	struct view_ask ask;
	char fault[VIEW_TEXT]; /* "": none. Else nothing of what follows is told but since_ms */
	int64_t since_ms;      /* wall clock: since when there is no Redis; 0: it answers */
	const char *cut;       /* what there was too much of: a constant; NULL: it is whole */
	uint64_t made_ns;      /* CLOCK_MONOTONIC */
	uint64_t took_ns;
	uint64_t keys, bytes; /* that were read */
	uint64_t refused;     /* values that stand in the place of a parcel, and are none */
	struct muster muster;
	uint32_t hosts_left; /* of the index, that found no room, or have no name of a host */
	struct merge_row *rows;
	uint32_t row_count;
	struct merge_row total;
	uint32_t told_s; /* the longest time that a host told of, in the window */
};

struct view *view_open(const struct view_ask *ask);
struct view *view_get(struct view *v);
void view_put(struct view *v); /* NULL is allowed */

bool view_is_same(const struct view_ask *a, const struct view_ask *b);
/* The rows of what was merged, and their total. -ENOMEM. */
int view_rows(struct view *v, const struct merge *m);

#endif
