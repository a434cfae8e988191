/*
 * ledger - what drain gave up or noticed, as numbers for /metrics: the one table of them.
 *
 * Threads:  the web thread; drain looks after its own.
 * Memory:   the caller's; texts are constants.
 * Errors:   none; what finds no room is left out.
 */
#ifndef AGENT_LEDGER_H
#define AGENT_LEDGER_H

#include "web.h"

/* A web_counters_fn; drain: a struct drain. */
size_t ledger_counters(void *drain, struct web_counter *out, size_t room);

#endif
