/*
 * cell - requests that found their lane full, added up by shape.
 *
 * Threads:  any, inside a guard; relaxed atomic adds.
 * Memory:   the segment's cells, or the kin's for a thread that counts there, each populated at
 *           its first fold.
 * Errors:   false: no page for the cell (counted RS_LOST_CELL), or durations cannot be told yet.
 * Cost:     some 100 ns: only when the agent is behind.
 */
#ifndef SHIM_CELL_H
#define SHIM_CELL_H

#include "emit.h"

#include <stdbool.h>

bool cell_fold(const struct served *request, uint64_t span);
void cell_forget(void);      /* in a new process */
void cell_prepare_kin(void); /* the one that takes what no other can */

#endif
