/*
 * saved - the blob that carries the newest slots over a restart of the agent.
 *
 * Threads:  metrics_save on the drain thread, metrics_restore before the sink is used.
 * Memory:   the caller's buffer. Format: struct saved_head, then series: kind, names, slots
 *           {tier u8, second u32, size u16, packed slot}, tier 0; the last kind is 0. Native order.
 *           Slots of one tier and second add up: what is open yet is a slot of its own in each.
 * Errors:   as in metrics.h. A slot that is not sound is left out, the rest is taken.
 */
#include "routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAVED_MAGIC UINT64_C(0x31564153474e4952)
#define SAVED_VERSION 4u
#define SAVED_OLDEST 3u /* without statements */
#define SAVED_BOOT_BYTES 40
#define SAVED_STRAY 0x80u     /* beside a method, … */
#define SAVED_STATEMENT 0x40u /* … as this */

enum saved_kind { SAVED_END, SAVED_SERVICE, SAVED_PROCESS, SAVED_ROUTE };
enum saved_tier { SAVED_NO_SLOT, SAVED_FINE, SAVED_COARSE, SAVED_WIDE };

struct saved_head {
	uint64_t magic;
	uint32_t version, size;
	uint32_t start_s, saved_s;
	char boot[SAVED_BOOT_BYTES];
	uint32_t from_s[SERIES_STEPS]; /* what of each step is older may be missing */
};

/* How far back each tier is saved; the first pair that fits is taken. */
static const struct saved_horizon {
	uint32_t span_s[SERIES_STEPS];
} saved_horizons[] = {
	{ { 600, 7200, 21600 } }, { { 300, 7200, 21600 } }, { { 120, 3600, 21600 } },
	{ { 60, 1800, 21600 } },  { { 30, 600, 7200 } },    { { 10, 120, 1200 } },
};

#define SAVED_HORIZONS (sizeof(saved_horizons) / sizeof(saved_horizons[0]))

struct saved_writer {
	uint8_t *at, *end;
	bool full;
	uint32_t from_s[SERIES_STEPS];
};

struct saved_reader {
	const uint8_t *at, *end;
	bool bad;
	struct metrics *m; /* NULL: only to see whether it is sound */
	uint64_t now_ns;
};

static void saved_boot(const struct metrics *m, char out[SAVED_BOOT_BYTES])
{
	memset(out, 0, SAVED_BOOT_BYTES);
	procfs_file_read(m->root, "/proc/sys/kernel/random/boot_id", out, SAVED_BOOT_BYTES);
}

static void saved_put(struct saved_writer *w, const void *bytes, size_t size)
{
	if (w->full || (size_t)(w->end - w->at) < size) {
		w->full = true;
		return;
	}
	memcpy(w->at, bytes, size);
	w->at += size;
}

static void saved_put_byte(struct saved_writer *w, uint8_t byte)
{
	saved_put(w, &byte, 1);
}

static void saved_put_text(struct saved_writer *w, const char *text)
{
	saved_put_byte(w, (uint8_t)strlen(text));
	saved_put(w, text, strlen(text));
}

static void saved_put_slot(struct saved_writer *w, uint8_t tier, uint32_t second,
			   const uint8_t *bytes, uint32_t size)
{
	uint16_t length = (uint16_t)size;

	saved_put_byte(w, tier);
	saved_put(w, &second, sizeof(second));
	saved_put(w, &length, sizeof(length));
	saved_put(w, bytes, size);
}

static void saved_put_tier(struct saved_writer *w, const struct tier *tier, enum series_step step)
{
	struct tier_at at = { 0 };

	while (!w->full && tier_next(tier, series_step_s[step], &at)) {
		if (at.second >= w->from_s[step])
			saved_put_slot(w, (uint8_t)(SAVED_FINE + step), at.second, at.packed,
				       at.size);
	}
}

/* A part of a slot of this step that is not in it yet. */
static void saved_put_part(struct saved_writer *w, const struct tier_at *part,
			   enum series_step step)
{
	uint32_t second = part->second - part->second % series_step_s[step];

	if (second >= w->from_s[step])
		saved_put_slot(w, (uint8_t)(SAVED_FINE + step), second, part->packed, part->size);
}

static void saved_put_series(struct saved_writer *w, const struct series *series)
{
	uint8_t bytes[SLOT_PACKED_MAX];
	struct tier_at part;

	saved_put_tier(w, &series->fine, SERIES_FINE);
	saved_put_tier(w, &series->coarse, SERIES_COARSE);
	saved_put_tier(w, &series->wide, SERIES_WIDE);
	if (!series->is_wide && tier_last(&series->coarse, &part))
		saved_put_part(w, &part, SERIES_WIDE);
	if (series->open) {
		part = (struct tier_at){ .second = series->open->second, .packed = bytes };
		part.size = (uint32_t)slot_pack(series->open, bytes);
		for (int i = 0; i < SERIES_STEPS; i++)
			saved_put_part(w, &part, (enum series_step)i);
	}
	saved_put_byte(w, SAVED_NO_SLOT);
}

static uint8_t saved_method(const struct route *route)
{
	bool is_statement = atomic_load_explicit(&route->is_statement, memory_order_relaxed);

	return (uint8_t)(route->method | (route->stray ? SAVED_STRAY : 0) |
			 (is_statement ? SAVED_STATEMENT : 0));
}

static void saved_put_service(struct saved_writer *w, const struct service *service)
{
	saved_put_byte(w, SAVED_SERVICE);
	saved_put_text(w, service->name);
	saved_put_text(w, service->environment);
	saved_put_series(w, &service->account.series);
	for (const struct route *r = service->routes; r; r = r->next) {
		saved_put_byte(w, SAVED_ROUTE);
		saved_put_text(w, service->name);
		saved_put_text(w, service->environment);
		saved_put_byte(w, saved_method(r));
		saved_put_text(w, r->path);
		saved_put_series(w, &r->account.series);
	}
}

static void saved_put_process(struct saved_writer *w, const struct process *process)
{
	uint64_t in_flight = drain_in_flight(&process->now.totals);

	saved_put_byte(w, SAVED_PROCESS);
	saved_put_text(w, process->service->name);
	saved_put_text(w, process->service->environment);
	saved_put(w, &process->now.target.pid, sizeof(process->now.target.pid));
	saved_put(w, &process->now.target.start_ticks, sizeof(process->now.target.start_ticks));
	saved_put(w, &process->now.seen_ns, sizeof(process->now.seen_ns));
	saved_put(w, &in_flight, sizeof(in_flight));
	saved_put_series(w, &process->account.series);
}

static size_t saved_write(const struct metrics *m, uint8_t *buffer, size_t size,
			  const struct saved_horizon *horizon)
{
	struct saved_writer w = { .at = buffer, .end = buffer + size };
	struct saved_head head = { .magic = SAVED_MAGIC, .version = SAVED_VERSION };
	uint32_t now = registry_second(m->now_ns);

	head.start_s = m->start_s;
	head.saved_s = now;
	saved_boot(m, head.boot);
	for (int i = 0; i < SERIES_STEPS; i++) {
		uint32_t from = now > horizon->span_s[i] ? now - horizon->span_s[i] : 0;

		from = from > m->budget.kept_from[i] ? from : m->budget.kept_from[i];
		from += series_step_s[i] - 1; /* of slots the whole ones are saved */
		w.from_s[i] = from - from % series_step_s[i];
		head.from_s[i] = w.from_s[i];
	}
	saved_put(&w, &head, sizeof(head));
	for (const struct service *s = m->registry.services; s; s = s->next)
		saved_put_service(&w, s);
	for (const struct process *p = m->registry.processes; p; p = p->next) {
		if (!p->now.gone_ns)
			saved_put_process(&w, p);
	}
	saved_put_byte(&w, SAVED_END);
	if (w.full)
		return 0;
	head.size = (uint32_t)(w.at - buffer);
	memcpy(buffer, &head, sizeof(head));
	return head.size;
}

size_t metrics_save(struct metrics *m, void *buffer, size_t size)
{
	size_t length = 0;

	if (pthread_mutex_trylock(&m->lock))
		return 0;
	metrics_merge(m);
	/* One step up from what fitted last, so that a busy hour is not paid for ever after. */
	m->horizon -= m->horizon > 0;
	while (!length && m->horizon < SAVED_HORIZONS) {
		length = saved_write(m, buffer, size, &saved_horizons[m->horizon]);
		m->horizon += !length;
	}
	if (!length)
		m->budget.shed++;
	pthread_mutex_unlock(&m->lock);
	return length;
}

static bool saved_get(struct saved_reader *r, void *out, size_t size)
{
	if (r->bad || (size_t)(r->end - r->at) < size) {
		r->bad = true;
		memset(out, 0, size);
		return false;
	}
	memcpy(out, r->at, size);
	r->at += size;
	return true;
}

static uint8_t saved_get_byte(struct saved_reader *r)
{
	uint8_t byte;

	saved_get(r, &byte, 1);
	return byte;
}

/* size: of out, its NUL included. */
static void saved_get_text(struct saved_reader *r, char *out, size_t size)
{
	uint8_t length = saved_get_byte(r);

	memset(out, 0, size);
	if (length >= size)
		r->bad = true;
	else
		saved_get(r, out, length);
}

static void saved_get_series(struct saved_reader *r, struct series *series)
{
	uint8_t tier;

	while ((tier = saved_get_byte(r)) != SAVED_NO_SLOT && !r->bad) {
		struct series_saved saved;
		uint32_t second;
		uint16_t size;

		saved_get(r, &second, sizeof(second));
		saved_get(r, &size, sizeof(size));
		if (r->bad || tier > SAVED_WIDE || size > r->end - r->at ||
		    second > registry_second(r->now_ns)) {
			r->bad = true;
			return;
		}
		saved = (struct series_saved){ second, size, r->at };
		if (series && series_restore(series, (enum series_step)(tier - SAVED_FINE), &saved,
					     &r->m->budget) < 0)
			r->m->budget.shed++;
		r->at += size;
	}
}

static struct series *saved_process_make(struct saved_reader *r, struct service *service,
					 const struct capture_target *target, uint64_t seen_ns,
					 uint64_t in_flight)
{
	struct registry *registry = &r->m->registry;
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->service = service;
	process->account.parent = &service->account;
	process->reading = (struct metrics_reading){ METRICS_UNKNOWN, METRICS_UNKNOWN,
						     METRICS_UNKNOWN, METRICS_UNKNOWN, false };
	process->news.target = *target;
	process->news.seen_ns = seen_ns;
	process->news.gone_ns = r->now_ns; /* until it is seen again */
	process->news.totals.begun = in_flight;
	process->chain = registry->restored;
	registry->restored = process;
	registry_process_touch(registry, process);
	return &process->account.series;
}

static struct series *saved_get_process(struct saved_reader *r, struct service *service)
{
	struct capture_target target = { 0 };
	uint64_t seen_ns, in_flight;

	saved_get(r, &target.pid, sizeof(target.pid));
	saved_get(r, &target.start_ticks, sizeof(target.start_ticks));
	saved_get(r, &seen_ns, sizeof(seen_ns));
	saved_get(r, &in_flight, sizeof(in_flight));
	if (!service)
		return NULL;
	memcpy(target.service, service->name, sizeof(target.service));
	memcpy(target.environment, service->environment, sizeof(target.environment));
	return saved_process_make(r, service, &target, seen_ns, in_flight);
}

static struct series *saved_get_route(struct saved_reader *r, struct service *service)
{
	char path[RS_PATH_BYTES + 1];
	uint8_t method = saved_get_byte(r);
	const struct routes_ask ask = { .path = path,
					.method = method & (SAVED_STATEMENT - 1),
					.refused = method & SAVED_STRAY };
	struct route *route;

	saved_get_text(r, path, sizeof(path));
	if (!service)
		return NULL;
	route = routes_find(&r->m->registry, service, &ask);
	if (route && method & SAVED_STATEMENT)
		atomic_store_explicit(&route->is_statement, true, memory_order_relaxed);
	return route ? &route->account.series : NULL;
}

static void saved_get_all(struct saved_reader *r)
{
	uint8_t kind;

	while ((kind = saved_get_byte(r)) != SAVED_END && !r->bad) {
		char name[sizeof(((struct service *)0)->name)];
		char environment[sizeof(((struct service *)0)->environment)];
		struct service *service = NULL;
		struct series *series = NULL;

		saved_get_text(r, name, sizeof(name));
		saved_get_text(r, environment, sizeof(environment));
		if (r->m)
			service = registry_service(&r->m->registry, name, environment);
		if (kind == SAVED_SERVICE)
			series = service ? &service->account.series : NULL;
		else if (kind == SAVED_PROCESS)
			series = saved_get_process(r, service);
		else if (kind == SAVED_ROUTE)
			series = saved_get_route(r, service);
		else
			r->bad = true;
		saved_get_series(r, series);
	}
	if (r->at != r->end)
		r->bad = true;
}

int metrics_restore(struct metrics *m, const void *buffer, size_t size, uint64_t now_ns)
{
	const uint8_t *bytes = buffer;
	char boot[SAVED_BOOT_BYTES];
	struct saved_head head;
	struct saved_reader r;

	if (size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, buffer, sizeof(head));
	if (head.magic != SAVED_MAGIC || head.size < sizeof(head) || head.size > size)
		return -EBADMSG;
	if (head.version < SAVED_OLDEST || head.version > SAVED_VERSION)
		return -EPROTO;
	saved_boot(m, boot);
	if (memcmp(boot, head.boot, sizeof(boot)) != 0 || head.saved_s > registry_second(now_ns))
		return -ESTALE;
	r = (struct saved_reader){ .at = bytes + sizeof(head), .end = bytes + head.size };
	r.now_ns = now_ns;
	saved_get_all(&r);
	if (r.bad)
		return -EBADMSG;
	pthread_mutex_lock(&m->lock);
	r.m = m;
	r.at = bytes + sizeof(head);
	saved_get_all(&r);
	if (head.start_s < m->start_s)
		m->start_s = head.start_s;
	for (int i = 0; i < SERIES_STEPS; i++)
		m->budget.kept_from[i] = head.from_s[i];
	if (now_ns > m->drain_ns)
		m->drain_ns = now_ns;
	metrics_merge(m);
	pthread_mutex_unlock(&m->lock);
	return 0;
}
