#include "pattern.h"
#include "record.h"
#include "routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define METRICS_SHED_TRIES 8

static void metrics_book_fold(struct slot *slot, const struct drain_fold *fold, bool whole)
{
	struct metrics_sums sums;

	slot_sums_init(&sums);
	sums.folded = fold->count;
	sums.errors = errors_folded(fold);
	if (fold->count) {
		sums.min_ns = fold->min_ns;
		sums.max_ns = fold->max_ns;
	}
	if (whole) {
		sums.count = fold->count;
		memcpy(sums.status, fold->status, sizeof(sums.status));
		sums.aborted = fold->aborted;
		sums.cut_by_server = fold->cut_by_server;
		sums.cut_by_client = fold->cut_by_client;
		sums.bytes_in = fold->bytes_in;
		sums.bytes_out = fold->bytes_out;
		sums.span_ns = fold->span_ns;
		sums.slow_warning = fold->slow_warning;
		sums.slow_critical = fold->slow_critical;
	}
	slot_sums_add(&slot->sums, &sums);
	for (uint32_t i = 0; i < RS_HIST_SLOTS; i++)
		if (fold->buckets[i])
			slot_bucket_add(slot, i, fold->buckets[i]);
}

static void metrics_on_fold(void *ctx, const struct capture_target *target,
			    const struct drain_fold *fold, uint64_t now_ns)
{
	struct metrics *m = ctx;
	struct process *process = metrics_process_of(m, target);
	uint32_t second = registry_second(now_ns);
	struct slot *whole, *part;
	/* Of many requests, one that was served is enough. */
	const struct routes_ask ask = { .path = fold->path,
					.method = fold->method,
					.refused = fold->count == fold->status[METRICS_REFUSED] };
	struct route *route;

	if (!process) {
		m->lost_requests += fold->count;
		return;
	}
	process->errors.told += (int64_t)errors_folded(fold);
	route = routes_find(&m->registry, process->service, &ask);
	whole = account_slot(&m->book, &process->account, second);
	part = route ? account_slot(&m->book, &route->account, second) : NULL;
	if (!whole || !part)
		m->lost_requests += fold->count;
	if (whole)
		metrics_book_fold(whole, fold, false);
	if (part)
		metrics_book_fold(part, fold, true);
}

static void metrics_counters_add(struct drain_counters *to, const struct drain_counters *from)
{
	uint64_t a[sizeof(*to) / sizeof(uint64_t)], b[sizeof(*to) / sizeof(uint64_t)];

	_Static_assert(sizeof(*to) % sizeof(uint64_t) == 0, "counters are words only");
	memcpy(a, to, sizeof(a));
	memcpy(b, from, sizeof(b));
	for (size_t i = 0; i < sizeof(a) / sizeof(a[0]); i++)
		a[i] += b[i];
	memcpy(to, a, sizeof(a));
}

static void metrics_book_counters(struct slot *slot, const struct drain_counters *delta,
				  uint64_t errors)
{
	struct metrics_sums *sums = &slot->sums;

	sums->count += delta->requests;
	for (uint32_t i = 0; i < RS_STATUS_CLASSES; i++)
		sums->status[i] += delta->status[i];
	sums->aborted += delta->aborted;
	sums->cut_by_server += delta->cut_by_server;
	sums->cut_by_client += delta->cut_by_client;
	sums->bytes_in += delta->bytes_in;
	sums->bytes_out += delta->bytes_out;
	sums->span_ns += delta->span_ns;
	sums->slow_warning += delta->slow_warning;
	sums->slow_critical += delta->slow_critical;
	sums->dropped += delta->dropped[RS_KIND_REQUEST];
	for (uint32_t i = 0; i < RS_UNPARSED_REASONS; i++)
		sums->unparsed += delta->unparsed[i];
	sums->errors += errors;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are those of event.h */
static void metrics_on_counters(void *ctx, const struct capture_target *target,
				const struct drain_counters *delta,
				const struct drain_ledger *ledger, uint64_t now_ns, bool gap)
{
	struct metrics *m = ctx;
	struct process *process = metrics_process_of(m, target);
	uint64_t errors;
	struct slot *slot;

	if (!process) {
		m->lost_requests += delta->requests;
		return;
	}
	errors = gap ? errors_counted(delta) : errors_untold(&process->errors, delta);
	metrics_counters_add(&process->news.totals, delta);
	process->news.ledger = *ledger;
	registry_process_touch(&m->registry, process);
	slot = account_slot(&m->book, &process->account, registry_second(now_ns));
	if (!slot) {
		m->lost_requests += delta->requests;
		return;
	}
	metrics_book_counters(slot, delta, errors);
	if (gap)
		slot->sums.gap += delta->requests;
}

static void metrics_on_seen(void *ctx, const struct capture_target *target)
{
	struct metrics *m = ctx;
	struct process *process;

	m->last_target = NULL;
	process = registry_process_new(&m->registry, target);
	if (process && !process->news.seen_ns)
		process->news.seen_ns = m->drain_ns;
}

static void metrics_on_named(void *ctx, const struct capture_target *target, const uint8_t *host,
			     uint32_t bytes)
{
	struct process *process = metrics_process_of(ctx, target);
	struct names *names;

	if (!process)
		return;
	names = atomic_load_explicit(&process->service->names, memory_order_relaxed);
	if (!names) {
		names = calloc(1, sizeof(*names));
		if (!names)
			return;
		/* C: release puts the empty list ahead of its use; pairs with metrics_names' D. */
		atomic_store_explicit(&process->service->names, names, memory_order_release);
	}
	names_add(names, host, bytes);
}

static void metrics_on_gone(void *ctx, const struct capture_target *target, uint64_t now_ns)
{
	struct metrics *m = ctx;
	struct process *process = metrics_process_of(m, target);

	m->last_target = NULL;
	if (!process)
		return;
	process->news.gone_ns = now_ns ? now_ns : 1;
	free(process->fresh_open);
	process->fresh_open = calloc(1, sizeof(*process->fresh_open));
	registry_process_forget(&m->registry, process);
	registry_process_touch(&m->registry, process);
}

static int metrics_open_compare(const void *a, const void *b)
{
	uint64_t x = (*(const struct drain_open *const *)a)->t0_ns;
	uint64_t y = (*(const struct drain_open *const *)b)->t0_ns;

	return (x > y) - (x < y);
}

static struct registry_open *metrics_open_copy(struct metrics *m, const struct process *process,
					       const struct drain_open *open, uint32_t count)
{
	uint32_t kept = count < REGISTRY_OPEN_ROWS ? count : REGISTRY_OPEN_ROWS;
	struct registry_open *list = calloc(1, sizeof(*list) + kept * sizeof(list->rows[0]));
	const struct drain_open **order = calloc(count ? count : 1, sizeof(void *));

	if (!list || !order) {
		free(list);
		free(order);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++)
		order[i] = &open[i];
	qsort(order, count, sizeof(void *), metrics_open_compare);
	list->count = kept;
	for (uint32_t i = 0; i < kept; i++) {
		struct metrics_in_flight *row = &list->rows[i];

		memcpy(row->service, process->service->name, sizeof(row->service));
		memcpy(row->environment, process->service->environment, sizeof(row->environment));
		routes_name(&m->registry, process->service, order[i]->path, row->path);
		row->pid = process->news.target.pid;
		row->age_ns = order[i]->t0_ns;
		row->bytes_out = order[i]->bytes_out;
		row->connection = order[i]->connection;
		row->queued = order[i]->queued;
		row->thread = order[i]->thread;
		row->method = order[i]->method;
		row->state = order[i]->state;
	}
	free(order);
	return list;
}

static void metrics_on_open(void *ctx, const struct capture_target *target,
			    const struct drain_open *open, uint32_t count, uint64_t now_ns)
{
	struct metrics *m = ctx;
	struct process *process = metrics_process_of(m, target);
	struct registry_open *list;

	m->drain_ns = now_ns;
	list = process ? metrics_open_copy(m, process, open, count) : NULL;
	if (!list)
		return;
	free(process->fresh_open);
	process->fresh_open = list;
	registry_process_touch(&m->registry, process);
}

static void metrics_list_merge(struct metrics *m)
{
	for (uint32_t i = 0; i < m->pending_count; i++) {
		struct slowest_entry *entry = &m->pending[i];

		entry->row.at_ms = (int64_t)(entry->end_ns / 1000000) + m->wall_offset_ms;
		slowest_put(&m->slowest, entry);
	}
	m->pending_count = 0;
	m->floor_ns = slowest_floor_ns(&m->slowest, m->now_ns);
	if (m->floor_ns > m->limits.slow_warning_ns)
		m->floor_ns = m->limits.slow_warning_ns;
}

static void metrics_on_renamed(void *ctx, const struct route *route, const char *name)
{
	struct metrics *m = ctx;

	slowest_rename(&m->slowest, route->service->name, route->path, name);
}

void metrics_merge(struct metrics *m)
{
	const struct routes_change change = { &m->budget, metrics_on_renamed, m };
	uint32_t now = registry_second(m->drain_ns);

	if (m->drain_ns > m->now_ns)
		m->now_ns = m->drain_ns;
	leaf_roll(&m->leaves, &m->book);
	registry_link(&m->registry);
	m->late_requests += account_merge(&m->book, now, &m->budget);
	metrics_list_merge(m);
	if (routes_reroute(&m->registry, &change))
		memset(m->named, 0, sizeof(m->named));
	if (now != m->aged_s) {
		m->aged_s = now;
		registry_age(&m->registry, now, &m->budget);
	}
	/* Room for the next seconds before it is needed. */
	for (int i = 0; i < METRICS_SHED_TRIES && m->budget.used > m->budget.limit / 8 * 7; i++) {
		if (!registry_shed(&m->registry, now, m->start_s, &m->budget))
			break;
	}
	m->losses.requests = m->lost_requests + m->leaves.lost + m->budget.given_up;
	m->losses.slots = m->budget.shed;
	m->losses.untaken = m->budget.untaken;
	m->losses.late = m->late_requests;
	m->losses.listed = m->lost_listed;
	atomic_fetch_add_explicit(&m->generation, 1, memory_order_relaxed);
}

static bool metrics_has_news(const struct metrics *m, uint64_t now_ns)
{
	return m->leaves.used || m->book.dirty || m->registry.dirty_processes ||
	       m->registry.fresh_services || m->pending_count ||
	       registry_second(now_ns) != m->aged_s;
}

static void metrics_on_tick(void *ctx, uint64_t now_ns)
{
	struct metrics *m = ctx;

	m->drain_ns = now_ns;
	if (!metrics_has_news(m, now_ns) || pthread_mutex_trylock(&m->lock))
		return;
	metrics_merge(m);
	pthread_mutex_unlock(&m->lock);
}

void metrics_sink(struct metrics *m, struct drain_sink *out)
{
	*out = (struct drain_sink){
		.ctx = m,
		.seen = metrics_on_seen,
		.request = record_on_request,
		.counters = metrics_on_counters,
		.fold = metrics_on_fold,
		.open = metrics_on_open,
		.gone = metrics_on_gone,
		.named = metrics_on_named,
		.tick = metrics_on_tick,
	};
}

int metrics_open(struct metrics **out, const struct metrics_limits *limits, uint64_t now_ns)
{
	struct metrics *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return -ENOMEM;
	ret = pthread_mutex_init(&m->lock, NULL);
	if (ret) {
		free(m);
		return -ret;
	}
	m->limits = *limits;
	m->budget.limit = REGISTRY_BUDGET;
	m->now_ns = m->drain_ns = now_ns;
	m->start_s = m->aged_s = registry_second(now_ns);
	m->system = (struct metrics_system){ METRICS_UNKNOWN, METRICS_UNKNOWN, METRICS_UNKNOWN,
					     METRICS_UNKNOWN, METRICS_UNKNOWN, METRICS_UNKNOWN };
	m->wall_offset_ms = metrics_wall_offset_ms();
	m->incidents.restarts.begin_ticks = metrics_boot_ticks();
	*out = m;
	return 0;
}

void metrics_close(struct metrics *m)
{
	if (!m)
		return;
	leaf_roll(&m->leaves, &m->book);
	registry_link(&m->registry);
	account_merge(&m->book, registry_second(m->drain_ns), &m->budget);
	registry_fini(&m->registry, &m->budget);
	series_budget_fini(&m->budget);
	account_book_fini(&m->book);
	metrics_sampler_free(m->sampler);
	incidents_fini(&m->incidents);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int metrics_root_set(struct metrics *m, const char *root)
{
	size_t length = strlen(root);

	if (length >= sizeof(m->root))
		return -ENAMETOOLONG;
	memcpy(m->root, root, length + 1);
	return 0;
}

int metrics_pattern_add(struct metrics *m, const char *pattern)
{
	const char *reason;

	if (m->registry.pattern_count == METRICS_PATTERNS)
		return -ENOSPC;
	if (pattern_check(pattern, &reason))
		return -EINVAL;
	memcpy(m->registry.patterns[m->registry.pattern_count++], pattern, strlen(pattern) + 1);
	return 0;
}

uint64_t metrics_generation(const struct metrics *m)
{
	return atomic_load_explicit(&m->generation, memory_order_relaxed);
}

void metrics_losses_get(struct metrics *m, struct metrics_losses *out)
{
	pthread_mutex_lock(&m->lock);
	*out = m->losses;
	out->bytes_used = m->budget.used;
	out->bytes_limit = m->budget.limit;
	pthread_mutex_unlock(&m->lock);
}
