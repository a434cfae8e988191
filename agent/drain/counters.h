/*
 * counters - from the words of a process's blocks to what event.h calls counters.
 *
 * Threads:  any; pure.
 * Memory:   the caller's.
 * Errors:   none.
 */
#ifndef DRAIN_COUNTERS_H
#define DRAIN_COUNTERS_H

#include "calibrate.h"
#include "event.h"
#include "segment.h"

/* Sums of all words over the blocks of a process. */
struct counters_words {
	uint64_t word[SEGMENT_WORDS];
};

/*
 * now - *booked, ticks in nanoseconds; *booked becomes now. Returns how many words went back,
 * which no honest process's do: they count as unchanged.
 */
uint32_t counters_difference(const struct counters_words *now, struct counters_words *booked,
			     const struct calibrate *clock, struct drain_counters *out);

/* One request, or one fold, as the counters would have it. */
void counters_add_request(struct drain_counters *to, const struct drain_request *request,
			  uint64_t slow_warning_ns, uint64_t slow_critical_ns);
void counters_add_fold(struct drain_counters *to, const struct drain_fold *fold);

/*
 * Moves out of *all what of its requests is not in known (field by field, never below 0): those
 * without a record or a fold.
 */
void counters_split(struct drain_counters *all, const struct drain_counters *known,
		    struct drain_counters *gap);

/*
 * Of a process that is dead and was ours from first to last: does counted = delivered + folded +
 * dropped hold by kind? But for what was refused, and for what a writer had counted and not yet
 * handed over when it died.
 */
bool counters_account(const struct counters_words *first, const struct counters_words *last,
		      const struct drain_ledger *ledger);

/* Is there nothing new to tell, of what moves without a counter? */
bool counters_ledger_same(const struct drain_ledger *a, const struct drain_ledger *b);

#endif
