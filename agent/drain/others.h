/*
 * others - records that are no requests: header blocks, ends of connections, what the shim notes.
 *
 * Threads:  the drain thread.
 * Memory:   none.
 * Errors:   none: what nobody asks for is counted unknown.
 */
#ifndef DRAIN_OTHERS_H
#define DRAIN_OTHERS_H

#include "watched.h"

void others_take(struct watched_shared *shared, const struct capture_target *about,
		 struct streams **streams, const struct lane_record *record);

#endif
