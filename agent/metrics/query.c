#include "query.h"

#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_ROWS_FIRST 16

/* A window being added up. */
struct query_sum {
	struct query_span span;
	struct slot_window window;
	uint64_t minutes[SERIES_MINUTES];
	uint32_t first_minute;
	uint64_t in_flight;
	bool found;
};

struct query_span query_span_of(const struct metrics *m, const struct metrics_scope *scope)
{
	uint32_t now = registry_second(m->now_ns), end, begin, oldest;
	uint32_t from = scope->from_ns ? registry_second(scope->from_ns) + 1 : 0;
	uint32_t to = registry_second(scope->to_ns ? scope->to_ns : m->now_ns) + 1;
	struct query_span span = { .of = series_span_of(&m->budget, from, to, now) };

	end = span.of.to < now + 1 ? span.of.to : now + 1;
	oldest = now + 1 > SERIES_SPAN ? now + 1 - SERIES_SPAN : 0;
	begin = span.of.from > m->start_s ? span.of.from : m->start_s;
	begin = begin > oldest ? begin : oldest;
	if (begin < m->budget.kept_from[span.of.widest])
		begin = m->budget.kept_from[span.of.widest];
	span.seen_s = end > begin ? end - begin : 0;
	return span;
}

bool query_has_service(const struct metrics_scope *scope, const struct service *service)
{
	return !scope->service || !strcmp(scope->service, service->name);
}

bool query_has_process(const struct metrics_scope *scope, const struct process *process)
{
	if (scope->pid && scope->pid != process->now.target.pid)
		return false;
	return query_has_service(scope, process->service);
}

static bool query_has_route(const struct metrics_scope *scope, const struct route *route)
{
	return !scope->route || !strcmp(scope->route, route->path);
}

uint64_t query_process_in_flight(const struct process *process)
{
	return process->now.gone_ns ? 0 : drain_in_flight(&process->now.totals);
}

static uint64_t query_route_in_flight(const struct metrics *m, const struct service *service,
				      const struct route *route, bool any_method)
{
	uint64_t count = 0;

	for (const struct process *p = m->registry.processes; p; p = p->next) {
		if (p->service != service || !p->open)
			continue;
		for (uint32_t i = 0; i < p->open->count; i++) {
			const struct metrics_in_flight *row = &p->open->rows[i];

			count += (any_method || row->method == route->method) &&
				 !strcmp(row->path, route->path);
		}
	}
	return count;
}

void *query_row_add(struct query_rows *rows)
{
	int capacity = rows->capacity ? rows->capacity * 2 : QUERY_ROWS_FIRST;
	uint8_t *row;
	void *more;

	if (rows->count == rows->capacity) {
		more = realloc(rows->rows, (size_t)capacity * rows->size);
		if (!more)
			return NULL;
		rows->rows = more;
		rows->capacity = capacity;
	}
	row = (uint8_t *)rows->rows + (size_t)rows->count++ * rows->size;
	memset(row, 0, rows->size);
	return row;
}

static void query_sum_init(struct query_sum *sum, const struct metrics *m,
			   const struct metrics_scope *scope)
{
	uint32_t minute = registry_second(m->now_ns) / 60;

	memset(sum, 0, sizeof(*sum));
	slot_window_init(&sum->window);
	sum->span = query_span_of(m, scope);
	/* The newest place is that of the minute under way, which is not full. */
	sum->first_minute = minute > SERIES_MINUTES - 1 ? minute - (SERIES_MINUTES - 1) : 0;
}

static void query_sum_add(struct query_sum *sum, const struct series *series, bool with_peak)
{
	series_window(series, &sum->span.of, &sum->window);
	if (with_peak)
		series_minutes(series, sum->first_minute, sum->minutes);
	sum->found = true;
}

/* That of a further row, over the same seconds. */
static void query_sum_of(struct query_sum *sum, const struct series *series)
{
	slot_window_clear(&sum->window);
	query_sum_add(sum, series, false);
}

/* A request that left no record had a route too, only nobody knows which: it is said with each. */
static uint64_t query_dropped(const struct query_sum *of, const struct service *service)
{
	struct slot_window window;

	slot_window_init(&window);
	series_window(&service->account.series, &of->span.of, &window);
	return window.sums.dropped;
}

static void query_add_routes(const struct metrics *m, const struct metrics_scope *scope,
			     struct query_sum *sum)
{
	for (const struct service *s = m->registry.services; s; s = s->next) {
		bool counted = false;

		for (const struct route *r = s->routes; r; r = r->next) {
			if (!query_has_service(scope, s) || !query_has_route(scope, r))
				continue;
			query_sum_add(sum, &r->account.series, true);
			if (!counted)
				sum->in_flight += query_route_in_flight(m, s, r, true);
			counted = true;
		}
		if (counted)
			sum->window.sums.dropped += query_dropped(sum, s);
	}
}

static void query_add_processes(const struct metrics *m, const struct metrics_scope *scope,
				struct query_sum *sum)
{
	for (const struct process *p = m->registry.processes; p; p = p->next) {
		if (!query_has_process(scope, p))
			continue;
		sum->in_flight += query_process_in_flight(p);
		if (scope->pid)
			query_sum_add(sum, &p->account.series, true);
	}
}

static void query_add_services(const struct metrics *m, const struct metrics_scope *scope,
			       struct query_sum *sum)
{
	for (const struct service *s = m->registry.services; s; s = s->next) {
		if (query_has_service(scope, s))
			query_sum_add(sum, &s->account.series, true);
	}
}

/* The best minute that was watched from its first second to its last. */
static void query_peak(const struct metrics *m, const struct query_sum *sum,
		       struct metrics_window *out)
{
	uint32_t now = registry_second(m->now_ns);

	out->peak_per_minute = METRICS_UNKNOWN;
	for (uint32_t i = 0; i < SERIES_MINUTES; i++) {
		uint32_t begin = (sum->first_minute + i) * 60;

		if (begin < m->start_s || begin + 60 > now)
			continue;
		if ((double)sum->minutes[i] <= out->peak_per_minute)
			continue;
		out->peak_per_minute = (double)sum->minutes[i];
		out->peak_at_ms = (int64_t)begin * 1000 + m->wall_offset_ms;
	}
}

int metrics_window_get(struct metrics *m, const struct metrics_scope *scope,
		       struct metrics_window *out)
{
	struct query_sum *sum;
	bool narrow = scope->service || scope->route || scope->pid;

	if (scope->route && scope->pid)
		return -ENOTSUP;
	sum = malloc(sizeof(*sum));
	if (!sum)
		return -ENOMEM;
	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&m->lock);
	query_sum_init(sum, m, scope);
	if (scope->route) {
		query_add_routes(m, scope, sum);
	} else {
		query_add_processes(m, scope, sum);
		if (!scope->pid)
			query_add_services(m, scope, sum);
	}
	out->sums = sum->window.sums;
	memcpy(out->buckets, sum->window.buckets, sizeof(out->buckets));
	out->span_s = sum->span.seen_s;
	out->in_flight = sum->in_flight;
	query_peak(m, sum, out);
	pthread_mutex_unlock(&m->lock);
	spread_ranks(&sum->window, out->percentile_ns);
	narrow = narrow && !sum->found;
	free(sum);
	return narrow ? -ENOENT : 0;
}

static void query_row_fill(struct metrics_row *row, const struct query_sum *sum,
			   const struct service *service)
{
	memcpy(row->service, service->name, sizeof(row->service));
	memcpy(row->environment, service->environment, sizeof(row->environment));
	row->sums = sum->window.sums;
	row->span_s = sum->span.seen_s;
	row->apdex = spread_apdex(&sum->window);
	load_init(row);
	spread_ranks(&sum->window, row->percentile_ns);
}

static bool query_service_row(const struct metrics *m, const struct metrics_scope *scope,
			      const struct service *service, struct query_rows *rows)
{
	struct metrics_row *row = query_row_add(rows);
	struct metrics_process means;
	struct query_sum sum;

	if (!row)
		return false;
	query_sum_init(&sum, m, scope);
	query_sum_add(&sum, &service->account.series, false);
	query_row_fill(row, &sum, service);
	for (const struct process *p = m->registry.processes; p; p = p->next) {
		if (p->service != service)
			continue;
		query_process_fill(m, scope, p, &means);
		metrics_strain_add(&row->strain, &means.strain); /* of those that ended, too */
		if (p->now.gone_ns)
			continue;
		load_add(row, &means);
		row->in_flight += query_process_in_flight(p);
		row->processes++;
	}
	query_incidents(m, scope, service, &row->incidents);
	return true;
}

static bool query_process_row(const struct metrics *m, const struct metrics_scope *scope,
			      const struct process *process, struct query_rows *rows)
{
	struct metrics_process means;
	struct metrics_row *row;
	struct query_sum sum;

	query_sum_init(&sum, m, scope);
	query_sum_add(&sum, &process->account.series, false);
	if (process->now.gone_ns && !sum.window.sums.count && !process->killed_ns)
		return true;
	row = query_row_add(rows);
	if (!row)
		return false;
	query_row_fill(row, &sum, process->service);
	row->pid = process->now.target.pid;
	row->processes = !process->now.gone_ns;
	row->in_flight = query_process_in_flight(process);
	query_process_fill(m, scope, process, &means);
	row->strain = means.strain;
	row->killed = means.killed_ns != 0;
	row->kills_told = means.strain_known & STRAIN_KILLS;
	if (!process->now.gone_ns)
		load_add(row, &means);
	return true;
}

static bool query_route_row(const struct route *route, uint64_t in_flight, struct query_sum *sum,
			    struct query_rows *rows)
{
	struct metrics_row *row;

	query_sum_of(sum, &route->account.series);
	if (!sum->window.sums.count && !in_flight)
		return true;
	row = query_row_add(rows);
	if (!row)
		return false;
	query_row_fill(row, sum, route->service);
	memcpy(row->route, route->path, sizeof(row->route));
	row->method = route->method;
	row->other = atomic_load_explicit(&route->why, memory_order_relaxed);
	row->in_flight = in_flight;
	return true;
}

static int query_done(struct metrics *m, struct query_rows *rows, bool ok, void **out)
{
	pthread_mutex_unlock(&m->lock);
	if (!ok) {
		free(rows->rows);
		return -ENOMEM;
	}
	*out = rows->rows;
	return rows->count;
}

int metrics_services(struct metrics *m, const struct metrics_scope *scope,
		     struct metrics_row **rows)
{
	struct query_rows list = { .size = sizeof(**rows) };
	bool ok = true;
	void *out = NULL;
	int ret;

	pthread_mutex_lock(&m->lock);
	for (const struct service *s = m->registry.services; s && ok; s = s->next) {
		if (query_has_service(scope, s))
			ok = query_service_row(m, scope, s, &list);
	}
	ret = query_done(m, &list, ok, &out);
	*rows = out;
	return ret;
}

int metrics_processes(struct metrics *m, const struct metrics_scope *scope,
		      struct metrics_row **rows)
{
	struct query_rows list = { .size = sizeof(**rows) };
	bool ok = true;
	void *out = NULL;
	int ret;

	pthread_mutex_lock(&m->lock);
	for (const struct process *p = m->registry.processes; p && ok; p = p->next) {
		if (query_has_process(scope, p))
			ok = query_process_row(m, scope, p, &list);
	}
	ret = query_done(m, &list, ok, &out);
	*rows = out;
	return ret;
}

/* Is any request of it in progress whose route could be told? */
static bool query_is_open(const struct metrics *m, const struct service *service)
{
	for (const struct process *p = m->registry.processes; p; p = p->next)
		if (p->service == service && p->open && p->open->count)
			return true;
	return false;
}

static bool query_service_routes(const struct metrics *m, const struct metrics_scope *scope,
				 const struct service *service, struct query_sum *sum,
				 struct query_rows *rows)
{
	uint64_t dropped = query_dropped(sum, service), in_flight = 0;
	bool ok = true, is_open = query_is_open(m, service);
	int first = rows->count;

	for (const struct route *r = service->routes; r && ok; r = r->next) {
		if (!query_has_route(scope, r))
			continue;
		if (is_open)
			in_flight = query_route_in_flight(m, service, r, false);
		ok = query_route_row(r, in_flight, sum, rows);
	}
	for (int i = first; i < rows->count; i++)
		((struct metrics_row *)rows->rows)[i].sums.dropped = dropped;
	return ok;
}

int metrics_routes(struct metrics *m, const struct metrics_scope *scope, struct metrics_row **rows)
{
	struct query_rows list = { .size = sizeof(**rows) };
	struct query_sum sum;
	bool ok = true;
	void *out = NULL;
	int ret;

	*rows = NULL;
	if (scope->pid)
		return -ENOTSUP;
	pthread_mutex_lock(&m->lock);
	query_sum_init(&sum, m, scope);
	for (const struct service *s = m->registry.services; s && ok; s = s->next) {
		if (query_has_service(scope, s))
			ok = query_service_routes(m, scope, s, &sum, &list);
	}
	ret = query_done(m, &list, ok, &out);
	*rows = out;
	return ret;
}

static bool query_has_entry(const struct metrics_scope *scope, const struct query_span *span,
			    const struct slowest_entry *entry)
{
	uint32_t second = registry_second(entry->end_ns);

	if (second < span->of.from || second >= span->of.to)
		return false;
	if (scope->pid && scope->pid != entry->row.pid)
		return false;
	if (scope->service && strcmp(scope->service, entry->row.service) != 0)
		return false;
	return !scope->route || !strcmp(scope->route, entry->row.route);
}

int metrics_slowest(struct metrics *m, const struct metrics_scope *scope,
		    struct metrics_slow **rows)
{
	const struct slowest_entry **order = calloc(SLOWEST_ROWS, sizeof(void *));
	struct query_rows list = { .size = sizeof(**rows) };
	struct query_span span;
	uint32_t count, rest = 0;
	bool ok = order != NULL;
	void *out = NULL;
	int ret;

	pthread_mutex_lock(&m->lock);
	span = query_span_of(m, scope);
	count = ok ? slowest_list(&m->slowest, m->now_ns, order) : 0;
	for (uint32_t i = 0; i < count && ok; i++) {
		bool plain = !order[i]->slow && !order[i]->failed;
		struct metrics_slow *row;

		/* All that were slow or failed; of the others a hundred. */
		if (!query_has_entry(scope, &span, order[i]) || (plain && rest == METRICS_SLOWEST))
			continue;
		rest += plain;
		row = query_row_add(&list);
		ok = row != NULL;
		if (row)
			*row = order[i]->row;
	}
	ret = query_done(m, &list, ok, &out);
	free(order);
	*rows = out;
	return ret;
}

static bool query_open_add(const struct metrics *m, const struct metrics_scope *scope,
			   const struct process *process, struct query_rows *rows)
{
	for (uint32_t i = 0; process->open && i < process->open->count; i++) {
		const struct metrics_in_flight *from = &process->open->rows[i];
		struct metrics_in_flight *row;

		if (scope->route && strcmp(scope->route, from->path) != 0)
			continue;
		row = query_row_add(rows);
		if (!row)
			return false;
		*row = *from;
		row->age_ns = m->now_ns > from->age_ns ? m->now_ns - from->age_ns : 0;
	}
	return true;
}

static int query_age_compare(const void *a, const void *b)
{
	uint64_t x = ((const struct metrics_in_flight *)a)->age_ns;
	uint64_t y = ((const struct metrics_in_flight *)b)->age_ns;

	return (x < y) - (x > y);
}

int metrics_open_requests(struct metrics *m, const struct metrics_scope *scope,
			  struct metrics_in_flight **rows)
{
	struct query_rows list = { .size = sizeof(**rows) };
	bool ok = true;
	void *out = NULL;
	int ret;

	pthread_mutex_lock(&m->lock);
	for (const struct process *p = m->registry.processes; p && ok; p = p->next) {
		if (query_has_process(scope, p))
			ok = query_open_add(m, scope, p, &list);
	}
	ret = query_done(m, &list, ok, &out);
	if (ret > 1)
		qsort(out, (size_t)ret, sizeof(**rows), query_age_compare);
	*rows = out;
	return ret;
}
