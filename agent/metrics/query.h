/*
 * query - what the questions of metrics.h have in common: scopes, spans, rows that grow.
 *
 * Threads:  under the lock of metrics.
 * Memory:   query_row_add grows an array that the caller of the question frees.
 * Errors:   NULL: no memory.
 */
#ifndef METRICS_QUERY_H
#define METRICS_QUERY_H

#include "registry.h"
#include "series.h"
#include "spread.h"

struct query_span {
	struct series_span of;
	uint32_t seen_s; /* of its seconds, watched by this agent and still kept */
};

struct query_rows {
	void *rows;
	size_t size; /* of one */
	int count, capacity;
};

struct query_span query_span_of(const struct metrics *m, const struct metrics_scope *scope);
bool query_has_service(const struct metrics_scope *scope, const struct service *service);
bool query_has_process(const struct metrics_scope *scope, const struct process *process);
uint64_t query_process_in_flight(const struct process *process);
void *query_row_add(struct query_rows *rows); /* zeroed */

/* processes.c: the means of one process over the scope's window. */
void query_process_fill(const struct metrics *m, const struct metrics_scope *scope,
			const struct process *process, struct metrics_process *out);

/* incidents.c: of one service, or of the scope's; under the lock. */
void query_incidents(const struct metrics *m, const struct metrics_scope *scope,
		     const struct service *service, struct metrics_incidents *out);

#endif
