/*
 * open - the segment's table of requests in progress.
 *
 * Threads:  any, inside a guard; an entry belongs to the request until it is freed.
 * Memory:   the segment's open region, populated in steps of a page.
 * Errors:   -1 when the table is full or cannot grow (counted RS_LOST_OPEN_FULL); every call below
 *           takes -1 and does nothing.
 * Cost:     no locked instruction when the thread frees and claims in turn.
 */
#ifndef SHIM_OPEN_H
#define SHIM_OPEN_H

#include "home.h"

int open_claim(uint32_t connection, uint64_t t0); /* state RS_OPEN_HEAD */
void open_free(int entry);
void open_forget(void);        /* in a new process */
void open_return_spares(void); /* this thread ends */
bool open_prepare(void);       /* populates the first step */

static inline struct rs_open *open_at(int entry)
{
	return (struct rs_open *)(void *)(home.base + RS_OPEN_AT) + entry;
}

/* The head was read: what it asks for is known. */
static inline void open_update(int entry, uint16_t shape, uint8_t method, uint8_t state)
{
	struct rs_open *open;

	if (entry < 0)
		return;
	open = open_at(entry);
	atomic_store_explicit(&open->shape, shape, memory_order_relaxed);
	atomic_store_explicit(&open->method, method, memory_order_relaxed);
	atomic_store_explicit(&open->state, state, memory_order_relaxed);
}

static inline void open_progress(int entry, uint8_t state, uint64_t bytes_out, uint32_t queued)
{
	struct rs_open *open;

	if (entry < 0)
		return;
	open = open_at(entry);
	atomic_store_explicit(&open->state, state, memory_order_relaxed);
	atomic_store_explicit(&open->bytes_out, bytes_out, memory_order_relaxed);
	atomic_store_explicit(&open->queued, queued, memory_order_relaxed);
}

#endif
