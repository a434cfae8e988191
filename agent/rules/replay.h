/*
 * replay - rules over series that are given, with a clock that runs as fast as it can: the same
 *          aggregates, source and engine as in the agent.
 *
 * Threads:  one.
 * Memory:   replay_open allocates, replay_close frees; a book is the replay's from replay_open on.
 * Errors:   0 or -errno. -E2BIG: more than REPLAY_SERVICES services.
 * Times:    seconds since the begin. What happens in a second is known in the next one, as in the
 *           agent; rules are looked at for the first time after one second.
 */
#ifndef RULES_REPLAY_H
#define RULES_REPLAY_H

#include "engine.h"

#define REPLAY_SERVICES 256u
#define REPLAY_SECONDS 604800u            /* a week is the longest */
#define REPLAY_REQUESTS UINT64_C(5000000) /* of all series together: some seconds of work */

/* Requests that are alike, so many in each second of [from_s, to_s). */
struct replay_load {
	struct notice_labels labels; /* method: as the number says it */
	uint32_t from_s, to_s;
	uint32_t per_s;
	uint64_t span_ns;
	uint16_t status;
	uint8_t method; /* enum rs_method */
};

/* What a metric's function gives in [from_s, to_s), however it came to it. */
struct replay_value {
	struct notice_labels labels;
	enum metric metric;
	uint32_t from_s, to_s;
	double value; /* NAN: there is no data; before and behind: there is no such series */
};

struct replay_input {
	const struct replay_load *loads;
	size_t load_count;
	const struct replay_value *values; /* a metric that has some is read from them alone */
	size_t value_count;
};

struct metrics;

/* A second: since the begin, and as metrics know it. */
struct replay_time {
	uint32_t now_s, second;
};

/* Books what happened in a second. Not 0: the replay cannot go on. */
typedef int (*replay_feed_fn)(void *ctx, struct metrics *m, const struct replay_time *when);

struct replay_config {
	struct replay_input input;
	/*
	 * Recorded requests instead of given series, in slots of feed_step_s. Rules that are about
	 * something else, or have shorter windows, have no data then.
	 */
	replay_feed_fn feed; /* NULL: none */
	void *feed_ctx;
	uint32_t feed_step_s;
	int64_t begin_ms; /* wall clock, for people */
	uint32_t second_level, third_level;
	engine_turned_fn turned;
	void *ctx;
};

struct replay;

int replay_open(struct replay **out, const struct replay_config *config, struct book *book);
void replay_close(struct replay *r); /* NULL is allowed */

/* Can a rule be looked at in what is fed? */
bool replay_has_fed(const struct spec *spec, uint32_t step_s);

/* The next second. 0, or what feed returned. */
int replay_step(struct replay *r);

#endif
