/*
 * sets - every set of probes that this agent has: the one table of them.
 *
 * Threads:  any; constants.
 * Memory:   none.
 * Errors:   none.
 */
#ifndef CAPTURE_SETS_H
#define CAPTURE_SETS_H

#include "probe.h"

enum sets {
	SETS_LIFE,
	SETS_WAIT,
	SETS_CENSUS,
	SETS_HTTP,
	SETS_CALLS,
	SETS_INPUTS,
	SETS_OFFCPU,
	SETS_TLS,
	SETS_ARRIVAL,
	SETS,
};

const struct probe_set *sets_at(enum sets which);

#endif
