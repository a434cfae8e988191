/*
 * breaker - whether to ask somebody who may not answer: not while he does not, and then one probe.
 *
 * Threads:  a value of one thread.
 * Memory:   none.
 * Errors:   none.
 * It counts answers, not connects: a stopped server accepts still. Closed, every question is let
 * through; after some failures in a row it is open, and none is until a wait is over; then it is
 * half-open, and one is. Its answer closes it, its failure opens it for longer, by chance a little
 * more or less, so that those who failed together do not come back together.
 */
#ifndef BASE_BREAKER_H
#define BASE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker_limits {
	uint32_t failures; /* in a row that open it */
	uint64_t first_ns; /* the first wait, which doubles … */
	uint64_t most_ns;  /* … up to this one */
};

struct breaker {
	enum breaker_state state;
	uint32_t failures; /* in a row */
	uint32_t waits;    /* since it was closed last */
	uint64_t due_ns;   /* open: when a probe may go */
	uint64_t since_ns; /* when it took its state; 0: from the start */
};

/* May a question go now? The one probe of an open breaker is taken by asking. */
bool breaker_allows(struct breaker *b, uint64_t now_ns);
void breaker_answered(struct breaker *b, uint64_t now_ns);

/* random: any number. What is open already stays so: the failure is of a question before. */
void breaker_failed(struct breaker *b, const struct breaker_limits *limits, uint64_t now_ns,
		    uint32_t random);

/* Open until then, whatever it counted: there is no hurry to ask again. */
void breaker_rest(struct breaker *b, uint64_t now_ns, uint64_t due_ns);

/* From half of first_ns doubled `tries` times (most_ns at most) to one and a half of that. */
uint64_t breaker_wait_ns(const struct breaker_limits *limits, uint32_t tries, uint32_t random);

const char *breaker_state_name(enum breaker_state state); /* "closed", "open", "half-open" */

#endif
