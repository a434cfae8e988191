/*
 * calibrate - from a process's clock ticks to nanoseconds of CLOCK_MONOTONIC, and back.
 *
 * Threads:  the drain thread.
 * Memory:   the caller's.
 * Errors:   none; before the second pair the rate is 0 and all times are those of the first.
 * A pair is both clocks read at one moment. The rate is that of the last 16 s, so that it follows
 * what NTP does to CLOCK_MONOTONIC; two pairs 10 ms apart are right to 10 millionths.
 */
#ifndef DRAIN_CALIBRATE_H
#define DRAIN_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#define CALIBRATE_PAIRS 16
#define CALIBRATE_FIRST_NS UINT64_C(10000000)  /* from the first pair to the second */
#define CALIBRATE_NEXT_NS UINT64_C(1000000000) /* between later ones */
#define CALIBRATE_ONE (UINT64_C(1) << 32)      /* ns_per_tick of a clock that counts ns */
#define CALIBRATE_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

struct calibrate_pair {
	uint64_t ticks, ns;
};

struct calibrate {
	struct calibrate_pair pairs[CALIBRATE_PAIRS]; /* a ring */
	uint32_t count;                               /* of all that came */
	uint64_t ns_per_tick;                         /* 32.32 fixed point, 0: not known yet */
	char source[32];                              /* the kernel's clock source */
};

void calibrate_init(struct calibrate *c, const struct calibrate_pair *first);

/* Takes the pair if it is time for one; true: the rate is a new one. */
bool calibrate_step(struct calibrate *c, const struct calibrate_pair *pair);

static inline const struct calibrate_pair *calibrate_newest(const struct calibrate *c)
{
	return &c->pairs[(c->count - 1) % CALIBRATE_PAIRS];
}

static inline uint64_t calibrate_span_ns(const struct calibrate *c, uint64_t ticks)
{
	return (uint64_t)((unsigned __int128)ticks * c->ns_per_tick >> 32);
}

/* Of a moment. */
static inline uint64_t calibrate_ns(const struct calibrate *c, uint64_t ticks)
{
	const struct calibrate_pair *base = calibrate_newest(c);

	if (ticks >= base->ticks)
		return base->ns + calibrate_span_ns(c, ticks - base->ticks);
	return base->ns - calibrate_span_ns(c, base->ticks - ticks);
}

uint64_t calibrate_ticks(const struct calibrate *c, uint64_t span_ns); /* of a span; 0: unknown */

/* The tick counter that RS_CLOCK_TSC means, between two readings of now_ns that are near. */
void calibrate_read(uint64_t (*now_ns)(void), struct calibrate_pair *out);

/* True: the kernel changed its clock source since the last call. path: CALIBRATE_SOURCE. */
bool calibrate_source_changed(struct calibrate *c, const char *path);

/* The clock of a process that counts nanoseconds itself. */
extern const struct calibrate calibrate_monotonic;

#endif
