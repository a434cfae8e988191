/*
 * fork - how a child gets a segment of its own.
 *
 * Threads:  fork_watch in the constructor.
 * Memory:   none.
 * Errors:   a child that no handler reached finds control.live wiped and stays inert.
 * Cost:     a fork of a watched process takes some 70 us more.
 */
#ifndef SHIM_FORK_H
#define SHIM_FORK_H

void fork_watch(void);

#endif
