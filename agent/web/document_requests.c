/*
 * document_requests - single requests: the slowest of late, and those that are open right now.
 */
#include "site.h"

#include <stdlib.h>

static void requests_put_slow(const struct metrics_slow *row, struct json *j)
{
	json_object_begin(j, NULL);
	json_uint(j, "id", row->id);
	json_time(j, "at", row->at_ms);
	json_string(j, "service", row->service);
	json_int(j, "pid", row->pid);
	json_string(j, "method", document_method(row->method));
	json_string(j, "route", row->route[0] ? row->route : NULL);
	json_string(j, "path", row->path[0] ? row->path : NULL);
	if (row->status)
		json_uint(j, "status", row->status);
	else
		json_null(j, "status");
	json_double(j, "durationMs", DOCUMENT_MS(row->span_ns));
	json_measure(j, "firstByteMs",
		     row->first_byte_ns ? DOCUMENT_MS(row->first_byte_ns) : METRICS_UNKNOWN);
	json_uint(j, "bytesIn", row->bytes_in);
	json_uint(j, "bytesOut", row->bytes_out);
	if (row->has_memory)
		json_int(j, "memoryDelta", row->memory_delta);
	else
		json_null(j, "memoryDelta");
	json_bool(j, "aborted", row->flags & RS_FLAG_ABORTED);
	json_bool(j, "cutByServer", row->flags & RS_FLAG_CUT_BY_SERVER);
	json_bool(j, "cutByClient", row->flags & RS_FLAG_CUT_BY_CLIENT);
	json_null(j, "traceId");
	json_null(j, "breakdown");
	json_null(j, "calls");
	json_object_end(j);
}

int document_slow(const struct question *q, struct json *j)
{
	struct metrics_slow *rows = NULL;
	int count = metrics_slowest(q->site->metrics, &q->ask.scope, &rows);
	size_t from, to;

	if (count < 0)
		return document_refuse(q, count);
	json_object_begin(j, NULL);
	document_range(q, j);
	document_page(q, j, (size_t)count, &from, &to);
	json_array_begin(j, "requests");
	for (size_t i = from; i < to; i++)
		requests_put_slow(&rows[i], j);
	json_array_end(j);
	json_object_end(j);
	free(rows);
	return 0;
}

static void requests_put_open(const struct metrics_in_flight *row, struct json *j)
{
	static const char *const states[] = { "head", "body", "waiting", "answering" };

	json_object_begin(j, NULL);
	json_string(j, "service", row->service);
	json_int(j, "pid", row->pid);
	json_string(j, "method", document_method(row->method));
	json_string(j, "route", row->path[0] ? row->path : NULL);
	json_double(j, "ageMs", DOCUMENT_MS(row->age_ns));
	json_string(j, "state", row->state <= RS_OPEN_ANSWERING ? states[row->state] : NULL);
	json_uint(j, "bytesOut", row->bytes_out);
	json_uint(j, "connection", row->connection);
	json_uint(j, "queued", row->queued);
	json_uint(j, "thread", row->thread);
	json_null(j, "waitsOn");
	json_object_end(j);
}

static int requests_older_first(const void *left, const void *right)
{
	const struct metrics_in_flight *a = left, *b = right;

	return (a->age_ns < b->age_ns) - (a->age_ns > b->age_ns);
}

int document_in_flight(const struct question *q, struct json *j)
{
	struct metrics_in_flight *rows = NULL;
	int count = metrics_open_requests(q->site->metrics, &q->ask.scope, &rows);
	size_t from, to;

	if (count < 0)
		return document_refuse(q, count);
	if (count)
		qsort(rows, (size_t)count, sizeof(*rows), requests_older_first);
	json_object_begin(j, NULL);
	document_page(q, j, (size_t)count, &from, &to);
	json_array_begin(j, "requests");
	for (size_t i = from; i < to; i++)
		requests_put_open(&rows[i], j);
	json_array_end(j);
	json_object_end(j);
	free(rows);
	return 0;
}
