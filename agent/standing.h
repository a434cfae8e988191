/*
 * standing - how the broker's own parts stand, for the worker's health.
 *
 * Threads:  the broker's only one.
 * Memory:   none; the outbox keeps what is told.
 * Errors:   none.
 */
#ifndef AGENT_STANDING_H
#define AGENT_STANDING_H

#include "outbox.h"
#include "scout.h"

void standing_privileges(struct outbox *o);
/* lost: events of the life cycle. */
void standing_segments(struct outbox *o, struct finder *f, uint64_t lost);
void standing_scout(struct outbox *o, struct scout *s);
/* waits: keeper_waits; suspect: scout_suspect. */
void standing_keeper(struct outbox *o, bool waits, int32_t suspect);

#endif
