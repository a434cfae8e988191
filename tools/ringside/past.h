/*
 * past - what an agent's history files have of requests, to be replayed: opened for reading alone,
 *        beside an agent that writes them.
 *
 * Threads:  one.
 * Memory:   past_open reads all of the time that is asked for, past_close frees.
 * Errors:   0 or -errno with a sentence. -ENODATA: nothing was recorded then.
 * Steps:    the finest that were kept for so long: seconds for an hour, tens for a day, five
 *           minutes for 30 days, percentiles of these within 4.5 %.
 */
#ifndef RINGSIDE_PAST_H
#define RINGSIDE_PAST_H

#include "replay.h"

#include <stddef.h>
#include <stdint.h>

struct past;

struct past_ask {
	const char *folder;     /* of the history files */
	int64_t from_ms, to_ms; /* wall clock; no more than REPLAY_SECONDS */
	int64_t now_ms;
};

struct past_span {
	int64_t begin_ms;
	uint32_t lasts_s, step_s;
	size_t series, slots;
};

struct past_error {
	char text[256];
};

int past_open(struct past **out, const struct past_ask *ask, struct past_error *error);
void past_close(struct past *p); /* NULL is allowed */
void past_span(const struct past *p, struct past_span *out);

/* A replay_feed_fn: the slots that ended in this second since the begin. Once, in order. */
int past_feed(void *past, struct metrics *m, const struct replay_time *when);

#endif
