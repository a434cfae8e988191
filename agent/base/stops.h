/*
 * stops - places where a test holds the agent and kills it: in programs built for that alone.
 *
 * Threads:  any; who comes to the place named by RINGSIDE_STOP says so in the log and stays there.
 * Memory:   none.
 * Errors:   none.
 */
#ifndef BASE_STOPS_H
#define BASE_STOPS_H

#ifdef RS_STOPS
#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void stops_at(const char *place)
{
	const char *wanted = getenv("RINGSIDE_STOP"); /* NOLINT(concurrency-mt-unsafe) */

	if (!wanted || strcmp(wanted, place) != 0)
		return;
	log_error("stopped: %s", place);
	for (;;)
		pause();
}
#else
#define stops_at(place) ((void)0)
#endif

#endif
