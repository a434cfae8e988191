/*
 * ledger - what drain gave up or noticed, what became of aggregates in a Redis and of views of a
 *          fleet, and how late the agent's loops are, as numbers for /metrics.
 *
 * Threads:  the web thread; drain, depot and turn look after their own.
 * Memory:   the caller's; texts are constants.
 * Errors:   none; what finds no room is left out.
 */
#ifndef AGENT_LEDGER_H
#define AGENT_LEDGER_H

#include "fleeting.h"

struct drain;
struct turn;

struct ledger {
	struct drain *drain;
	const struct depot *depot;       /* whose rows follow, … */
	const struct fleeting *fleeting; /* … and then these */
	const struct turn *turn;         /* of the worker */
};

/* A web_counters_fn; ledger: a struct ledger. */
size_t ledger_counters(void *ledger, struct web_counter *out, size_t room);

#endif
