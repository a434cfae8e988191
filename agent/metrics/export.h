/*
 * export - the complete slots of every series, one series after the other, for who keeps them.
 *
 * Threads:  any but drain; under the lock of metrics for as long as it takes to copy them.
 * Memory:   what the callbacks get is borrowed until they return.
 * Errors:   none.
 */
#ifndef METRICS_EXPORT_H
#define METRICS_EXPORT_H

#include "gauges.h"
#include "series.h"

#define EXPORT_SLOTS 64u /* at once, where gauges are asked for */

/* Their numbers are in files. A service's gauges are those of its processes together. */
enum export_kind {
	EXPORT_SERVICE = 1,
	EXPORT_PROCESS,
	EXPORT_ROUTE,
	EXPORT_SERVICE_GAUGES,
	EXPORT_PROCESS_GAUGES,
	EXPORT_STATEMENT, /* a route, of a database */
};

struct export_key {
	enum export_kind kind;
	uint8_t method;                            /* routes, statements */
	int32_t pid;                               /* processes, as the next one */
	uint64_t start_ticks;                      /* tells processes of one pid apart */
	const char *service, *environment, *route; /* route: "" but of these */
};

struct export_sink {
	void *ctx;
	void (*series)(void *ctx, const struct export_key *key);
	void (*slot)(void *ctx, uint32_t second, const uint8_t *packed, uint32_t size);
	/* of series that are gauges; NULL: they are not wanted */
	void (*gauges)(void *ctx, uint32_t second, const double values[METRICS_GAUGES]);
};

struct export_span {
	enum series_step step;
	uint32_t from_s;        /* in; raised to what is kept */
	uint32_t most_s;        /* in: no longer span than this */
	uint32_t until_s;       /* out: all before it was handed out; from_s: nothing is complete */
	int64_t wall_offset_ms; /* out */
};

/* sink NULL: only what could be had. Slots that come later than theirs was taken are counted. */
void metrics_export(struct metrics *m, struct export_span *span, const struct export_sink *sink);

#endif
