/*
 * levels - the gauges of one series in one block, column by column.
 *
 * Threads:  a value; its owner's.
 * Memory:   fixed.
 * Errors:   -E2BIG, -EBADMSG.
 * Format:   number of slots; column of (place - index), as in run.h; mask of the gauges of which
 *           something is known; of each of these a column: 0 unknown, else whole units + 1. Units:
 *           KiB of memory, hundredths of a percent, bytes a second.
 */
#ifndef STORE_LEVELS_H
#define STORE_LEVELS_H

#include "gauges.h"
#include "run.h"

struct levels {
	struct run_span span;
	uint32_t count;
	uint64_t places[RUN_SLOTS];
	uint64_t columns[METRICS_GAUGES][RUN_SLOTS];
};

void levels_begin(struct levels *levels, const struct run_span *span);
int levels_add(struct levels *levels, uint32_t second, const double values[METRICS_GAUGES]);
size_t levels_size_max(const struct levels *levels);
size_t levels_pack(const struct levels *levels, uint8_t *out);

/* Hands out each slot. fn: false ends it. */
struct levels_reader {
	bool (*fn)(void *ctx, uint32_t second, const double values[METRICS_GAUGES]);
	void *ctx;
};
int levels_unpack(const uint8_t *bytes, size_t size, const struct run_span *span,
		  const struct levels_reader *reader);

#endif
