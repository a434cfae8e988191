#include "record.h"

#include "routes.h"

#include <string.h>

/* The path of nearly all requests is one function without a frame; the rest is kept out of it. */
#define RECORD_HOT __attribute__((always_inline))
#define RECORD_COLD __attribute__((cold, noinline))
#define RECORD_METHOD_BITS 4
#define RECORD_BY_ROUTE (UINT64_C(1) << 63) /* in a leaf's key: of a process and a route's number */

_Static_assert(RS_METHODS <= 1 << RECORD_METHOD_BITS, "a method fits");

static bool record_failed(const struct drain_request *request)
{
	if (request->status >= 500 && request->status <= 599)
		return true;
	if (request->flags & (RS_FLAG_CUT_BY_SERVER | RS_FLAG_FAILED))
		return true;
	return request->flags & RS_FLAG_ABORTED && !(request->flags & RS_FLAG_CUT_BY_CLIENT);
}

static void record_list(struct metrics *m, const struct leaf *leaf,
			const struct drain_request *request, bool failed)
{
	const struct process *process = leaf->process;
	struct slowest_entry *entry = &m->pending[m->pending_count];
	struct metrics_slow *row = &entry->row;

	if (m->pending_count == REGISTRY_PENDING) {
		m->lost_listed++;
		return;
	}
	m->pending_count++;
	memset(entry, 0, sizeof(*entry));
	entry->end_ns = request->end_ns;
	entry->slow = request->span_ns > m->limits.slow_warning_ns;
	entry->failed = failed;
	row->id = ++m->request_number;
	row->span_ns = request->span_ns;
	row->first_byte_ns = request->first_byte_ns;
	row->bytes_in = request->bytes_in;
	row->bytes_out = request->bytes_out;
	row->memory_delta = request->memory_delta;
	row->has_memory = request->has_memory;
	memcpy(row->service, process->service->name, sizeof(row->service));
	strncpy(row->path, request->path, sizeof(row->path) - 1);
	memcpy(row->route, leaf->route->path, sizeof(row->route));
	row->pid = process->news.target.pid;
	row->status = request->status;
	row->method = request->method;
	row->flags = request->flags;
	row->protocol = request->protocol;
}

/* A raw path travels with the first request of its shape, and where the shape table is full. */
static struct route *record_route(struct metrics *m, struct service *service,
				  const struct drain_request *request)
{
	const struct routes_ask ask = { .path = request->path,
					.method = request->method,
					.refused = request->status / 100u == METRICS_REFUSED + 1 };

	return routes_find(&m->registry, service, &ask);
}

/* Of a path that has a number; one that was only refused so far is asked again, to be none. */
static struct route *record_route_named(struct metrics *m, struct service *service,
					const struct drain_request *request, uint64_t key)
{
	struct registry_named *named = &m->named[leaf_place(key) & (REGISTRY_NAMED - 1)];
	struct route *route = named->route;

	if (named->key == key && !route->stray)
		return route;
	route = record_route(m, service, request);
	if (route && route != service->other)
		*named = (struct registry_named){ key, route };
	return route;
}

/* What few requests have: an error, no answer, a place in the slow list. */
static RECORD_COLD void record_book_rare(struct metrics *m, struct leaf *leaf,
					 const struct drain_request *request)
{
	struct metrics_sums *sums = &leaf->slot->sums;
	bool failed = record_failed(request);

	sums->errors += failed;
	leaf->process->errors.told += failed;
	sums->cut_by_server += (request->flags & RS_FLAG_CUT_BY_SERVER) != 0;
	sums->cut_by_client += (request->flags & RS_FLAG_CUT_BY_CLIENT) != 0;
	if (request->span_ns > m->limits.slow_critical_ns)
		sums->slow_critical++;
	else if (request->span_ns > m->limits.slow_warning_ns)
		sums->slow_warning++;
	if (failed || request->span_ns > m->floor_ns)
		record_list(m, leaf, request, failed);
}

static inline RECORD_HOT void record_book(struct metrics *m, struct leaf *leaf,
					  const struct drain_request *request)
{
	struct metrics_sums *sums = &leaf->slot->sums;
	uint32_t class = request->status / 100u - 1;

	sums->count++;
	sums->bytes_in += request->bytes_in;
	sums->bytes_out += request->bytes_out;
	sums->span_ns += request->span_ns;
	if (request->span_ns < sums->min_ns)
		sums->min_ns = request->span_ns;
	if (request->span_ns > sums->max_ns)
		sums->max_ns = request->span_ns;
	slot_bucket_add(leaf->slot, rs_hist_slot(request->span_ns), 1);
	if (class < RS_STATUS_CLASSES && !(request->flags & RS_FLAG_ABORTED))
		sums->status[class]++;
	else
		sums->aborted++;
	if (class >= METRICS_ERROR_CLASS || request->flags || request->span_ns > m->floor_ns)
		record_book_rare(m, leaf, request);
}

static uint64_t record_key(const struct drain_request *request)
{
	return request->known << RECORD_METHOD_BITS | request->method;
}

static bool record_is_statement(const struct drain_request *request)
{
	return request->protocol == RS_PROTOCOL_POSTGRESQL ||
	       request->protocol == RS_PROTOCOL_MYSQL;
}

static struct leaf *record_leaf_open(struct metrics *m, struct process *process,
				     const struct drain_request *request)
{
	uint32_t second = registry_second(request->end_ns);
	uint64_t key = record_key(request);
	struct leaf *leaf = NULL;
	struct route *route;

	route = request->known ? record_route_named(m, process->service, request, key)
			       : record_route(m, process->service, request);
	if (!route)
		return NULL;
	if (record_is_statement(request))
		atomic_store_explicit(&route->is_statement, true, memory_order_relaxed);
	if (!request->known) {
		key = RECORD_BY_ROUTE | process->news.target.key << 16 | route->number;
		leaf = leaf_find(&m->leaves, key, second);
	}
	if (!leaf)
		leaf = leaf_open(&m->leaves, &m->book, key, second);
	if (!leaf)
		return NULL;
	leaf->process = process;
	leaf->route = route;
	return leaf;
}

static struct leaf *record_leaf(struct metrics *m, const struct capture_target *target,
				const struct drain_request *request)
{
	struct process *process = metrics_process_of(m, target);
	struct leaf *leaf = NULL;

	if (process && request->known)
		leaf = leaf_find(&m->leaves, record_key(request), registry_second(request->end_ns));
	if (process && !leaf)
		leaf = record_leaf_open(m, process, request);
	return leaf;
}

/* The first of its leaf, one with a raw path, one whose leaf gave way to another. */
static RECORD_COLD void record_on_rare(struct metrics *m, const struct capture_target *target,
				       const struct drain_request *request)
{
	struct leaf *leaf = record_leaf(m, target, request);

	if (leaf)
		record_book(m, leaf, request);
	else
		m->lost_requests++;
}

/* Nearly all requests end here. Its calls are its last acts, so that it needs no frame. */
void record_on_request(void *ctx, const struct capture_target *target,
		       const struct drain_request *request)
{
	struct metrics *m = ctx;
	uint64_t key = record_key(request);
	struct leaf *leaf = leaf_first(&m->leaves, key);

	if (request->known && leaf_is(leaf, key, registry_second(request->end_ns)))
		record_book(m, leaf, request);
	else
		record_on_rare(m, target, request);
}
