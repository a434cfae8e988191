/*
 * actions - channels that do something: begun at most once for a notice, and not too often.
 *
 * Threads:  under the lock of the dispatch, but actions_hear and actions_hear_cache, which take it.
 * Memory:   of the dispatch.
 * Errors:   how one went is in the row of its channel; nothing is tried again.
 *
 * That an action begins is on the disk before it does, and until it is nobody waits: a kill in
 * between costs the action, and none is done twice. Where the disk takes no such mark, and for what
 * stands in an outbox of which lines are lost, nothing is done. They are done for alerts that fire,
 * not for their ends.
 */
#ifndef SEND_ACTIONS_H
#define SEND_ACTIONS_H

#include "desk.h"

/* After postbox_open: what nobody knows the end of is not begun; how long each has to pause. */
void actions_recall(struct dispatch *d, int64_t now_ns, int64_t wall_ms);

/* Is this notice one that the channel, an action, is for? */
bool actions_are_for(const struct dispatch *d, const struct notice *notice);

void actions_step(struct dispatch *d, uint32_t channel, int64_t now_ns, int64_t wall_ms);
void actions_try(struct dispatch *d, uint32_t channel, const struct notice *notice);

/* What the runner says. False: it will say nothing more. */
bool actions_hear(struct dispatch *d, int64_t now_ns, int64_t wall_ms);
/* … and what the cache's owner does. */
void actions_hear_cache(struct dispatch *d, int64_t now_ns, int64_t wall_ms);

#endif
