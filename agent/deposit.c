#include "deposit.h"

#include "export.h"
#include "parcel_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPOSIT_BEHIND 12u                 /* slots that are put again after a restart */
#define DEPOSIT_BURST_S 10u                /* of the budget may go at once */
#define DEPOSIT_OVERHEAD 64u               /* bytes of a question beside key and value */
#define DEPOSIT_STEP_MS 1000               /* more is a step of the wall clock, and no jitter */
#define DEPOSIT_NAMES 512u                 /* services that are known to be in the index */
#define DEPOSIT_NAME_S 900u                /* … for so long */
#define DEPOSIT_INDEX_MS UINT64_C(3600000) /* the index is there for longer than what it names */

/* A parcel on its way. */
struct deposit_item {
	struct deposit_item *next;
	struct deposit *deposit;
	struct parcel_label label;
	size_t cost;
	uint8_t *bytes; /* until they are the question's */
	size_t size;
};

struct deposit_name {
	uint64_t hash;
	uint32_t until_s; /* of CLOCK_MONOTONIC */
};

/* Slots of one step: the newest goes first, those of the past when the budget has room. */
struct deposit_queue {
	bool is_begun;
	uint32_t from_s; /* what is before is of an earlier agent, or of another clock */
	uint32_t next_s; /* the newest one that is to come */
	uint32_t back_s, back_end_s; /* those of the past that are to be put (again) */
};

struct deposit {
	struct deposit_config config;
	struct deposit_counts counts;
	struct deposit_queue queues[SERIES_STEPS];
	uint32_t services[SERIES_STEPS]; /* of the newest slot that was put */
	int64_t wall_offset_ms;          /* of now */
	int64_t base_ms; /* of the wall clock: what numbers of slots are reckoned with */
	bool has_base;
	uint64_t tokens, filled_ns;
	struct deposit_name names[DEPOSIT_NAMES];
	uint32_t name_next;
	/* while metrics are exported */
	struct parcel parcel;
	struct parcel_label label; /* of its step and second; boot and host are constant */
	struct export_key key;     /* of the series under way */
	bool is_open;
	struct deposit_item *first, **end;
};

static uint64_t deposit_most(const struct deposit *d)
{
	uint64_t most = d->config.budget * DEPOSIT_BURST_S;
	uint64_t one = PARCEL_MOST + PARCEL_KEY + DEPOSIT_OVERHEAD;

	return most > one ? most : one;
}

int deposit_open(struct deposit **out, const struct deposit_config *config)
{
	struct deposit *d = calloc(1, sizeof(*d));

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->config = *config;
	d->parcel.bytes = malloc(PARCEL_MOST);
	if (!d->parcel.bytes) {
		free(d);
		return -ENOMEM;
	}
	parcel_host(config->host, d->label.host);
	snprintf(d->label.boot, sizeof(d->label.boot), "%.*s", (int)strcspn(config->boot, "\n"),
		 config->boot);
	d->tokens = config->budget * DEPOSIT_BURST_S;
	d->end = &d->first;
	*out = d;
	return 0;
}

void deposit_close(struct deposit *d)
{
	if (!d)
		return;
	free(d->parcel.bytes);
	free(d);
}

const struct deposit_counts *deposit_counts(const struct deposit *d)
{
	return &d->counts;
}

static void deposit_count(_Atomic uint64_t *count, uint64_t more)
{
	atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

/* The number of its slot: with the same offset as long as the wall clock is not set. */
static int64_t deposit_number(const struct deposit *d, const struct parcel_label *label)
{
	return parcel_number(label->step, label->second, d->base_ms);
}

static void deposit_base(struct deposit *d, int64_t wall_offset_ms)
{
	if (!d->has_base || llabs(wall_offset_ms - d->base_ms) > DEPOSIT_STEP_MS) {
		d->base_ms = wall_offset_ms;
		for (uint32_t i = 0; i < SERIES_STEPS; i++)
			d->queues[i].from_s = d->queues[i].next_s;
	}
	d->has_base = true;
	d->wall_offset_ms = wall_offset_ms;
}

static void deposit_item_free(struct deposit_item *item)
{
	free(item->bytes);
	free(item);
}

/* The parcel is whole: it is taken along where the budget has it. */
static void deposit_item_add(struct deposit *d)
{
	struct parcel *p = &d->parcel;
	struct deposit_item *item = NULL;
	char key[PARCEL_KEY];
	size_t cost;

	if (!d->is_open)
		return;
	d->is_open = false;
	if (!p->series)
		return;
	parcel_end(p);
	deposit_count(&d->counts.left_out, p->left_out);
	cost = p->size + DEPOSIT_OVERHEAD +
	       parcel_key_put(&p->label, deposit_number(d, &p->label), key);
	if (cost <= d->tokens)
		item = calloc(1, sizeof(*item));
	if (item)
		item->bytes = malloc(p->size);
	if (!item || !item->bytes) {
		free(item);
		deposit_count(&d->counts.over_budget, 1);
		return;
	}
	d->tokens -= cost;
	memcpy(item->bytes, p->bytes, p->size);
	item->size = p->size;
	item->cost = cost;
	item->deposit = d;
	item->label = p->label;
	*d->end = item;
	d->end = &item->next;
}

static void deposit_on_series(void *ctx, const struct export_key *key)
{
	struct deposit *d = ctx;

	d->key = *key;
	if (!parcel_has(key->kind))
		return;
	if (d->is_open && !strcmp(d->label.service, key->service) &&
	    !strcmp(d->label.environment, key->environment))
		return;
	deposit_item_add(d);
	snprintf(d->label.service, sizeof(d->label.service), "%s", key->service);
	snprintf(d->label.environment, sizeof(d->label.environment), "%s", key->environment);
	parcel_begin(&d->parcel, &d->label);
	d->is_open = true;
}

static void deposit_on_slot(void *ctx, uint32_t second, const uint8_t *packed, uint32_t size)
{
	struct deposit *d = ctx;

	if (second == d->label.second) /* memory may have given it up a moment ago */
		parcel_slot(&d->parcel, &d->key, packed, size);
}

static void deposit_on_gauges(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	struct deposit *d = ctx;

	if (second == d->label.second)
		parcel_gauges(&d->parcel, &d->key, values);
}

static void deposit_back(struct deposit_queue *q, uint32_t from_s, uint32_t until_s)
{
	bool is_none = q->back_s == q->back_end_s;

	q->back_s = is_none || from_s < q->back_s ? from_s : q->back_s;
	q->back_end_s = is_none || until_s > q->back_end_s ? until_s : q->back_end_s;
}

/* Nothing is known of what became of it, or it is a matter of a moment. */
static bool deposit_is_undecided(enum redis_fault fault)
{
	return fault <= REDIS_CLOSED || redis_fault_passes(fault);
}

static void deposit_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct deposit_item *item = ctx;
	struct deposit *d = item->deposit;
	uint32_t second = item->label.second;

	(void)v;
	if (fault == REDIS_FINE) {
		deposit_count(&d->counts.parcels, 1);
		deposit_count(&d->counts.bytes, item->cost);
	} else if (deposit_is_undecided(fault)) {
		deposit_count(&d->counts.again, 1);
		deposit_back(&d->queues[item->label.step], second,
			     second + series_step_s[item->label.step]);
	} else {
		deposit_count(&d->counts.refused, 1);
	}
	deposit_item_free(item);
}

/* The index may lack a name then: all are told again. */
static void deposit_named(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct deposit *d = ctx;

	(void)v;
	if (fault == REDIS_FINE)
		return;
	memset(d->names, 0, sizeof(d->names));
	deposit_count(deposit_is_undecided(fault) ? &d->counts.again : &d->counts.refused, 1);
}

static void deposit_name(struct deposit *d, const struct parcel_label *label, uint32_t now_s)
{
	const struct redis_then then = { deposit_named, d };
	char index[PARCEL_KEY], member[PARCEL_MEMBER];
	const struct redis_text key = { index, parcel_index_put(label->host, index) };
	const struct redis_text name = { member, parcel_member_put(label->service,
								   label->environment, member) };
	uint64_t hash = block_sum(name.length, member, name.length);
	struct deposit_name *at = &d->names[d->name_next];

	for (uint32_t i = 0; i < DEPOSIT_NAMES; i++) {
		if (d->names[i].hash != hash)
			continue;
		if (now_s < d->names[i].until_s)
			return;
		at = &d->names[i];
	}
	if (redis_member_add(d->config.redis, &key, &name, d->config.ttl_ms + DEPOSIT_INDEX_MS,
			     &then))
		return; /* the next slot names it */
	if (at == &d->names[d->name_next])
		d->name_next = (d->name_next + 1) % DEPOSIT_NAMES;
	*at = (struct deposit_name){ hash, now_s + DEPOSIT_NAME_S };
}

static int deposit_put(struct deposit *d, struct deposit_item *item, uint32_t now_s)
{
	const struct redis_then then = { deposit_told, item };
	const struct redis_text value = { item->bytes, item->size };
	uint64_t ttl_ms = d->config.ttl_ms;
	char name[PARCEL_KEY];
	struct redis_text key = { name, 0 };
	int ret;

	key.length = parcel_key_put(&item->label, deposit_number(d, &item->label), name);
	if (item->label.step == SERIES_COARSE && ttl_ms > DEPOSIT_COARSE_MS)
		ttl_ms = DEPOSIT_COARSE_MS;
	ret = redis_set(d->config.redis, &key, &value, ttl_ms, &then);
	if (ret)
		return ret;
	free(item->bytes);
	item->bytes = NULL;
	deposit_name(d, &item->label, now_s);
	return 0;
}

/* Those that were exported. What finds no way now has its part of the budget back. */
static int deposit_put_all(struct deposit *d, uint32_t now_s)
{
	struct deposit_item *item;
	int ret = 0;

	d->services[d->label.step] = 0;
	while ((item = d->first)) {
		d->services[d->label.step]++;
		d->first = item->next;
		if (!ret)
			ret = deposit_put(d, item, now_s);
		if (!ret)
			continue;
		d->tokens += item->cost;
		deposit_item_free(item);
	}
	d->end = &d->first;
	return ret;
}

/* False: it could not be put now. */
static bool deposit_slot(struct deposit *d, enum series_step step, uint32_t second, uint32_t now_s)
{
	const struct export_sink sink = { d, deposit_on_series, deposit_on_slot,
					  deposit_on_gauges };
	struct export_span span = { .step = step, .from_s = second, .most_s = series_step_s[step] };

	d->label.step = step;
	d->label.second = second;
	d->label.wall_offset_ms = d->wall_offset_ms;
	metrics_export(d->config.metrics, &span, &sink);
	deposit_item_add(d);
	return !deposit_put_all(d, now_s);
}

/* After a restart some slots may be missing, and the newest comes first. */
static void deposit_begin(struct deposit_queue *q, uint32_t step_s, const struct export_span *had)
{
	uint32_t newest_s = had->until_s - step_s, back_s = DEPOSIT_BEHIND * step_s;

	q->is_begun = true;
	q->next_s = newest_s;
	q->back_s = newest_s > back_s ? newest_s - back_s : 0;
	q->back_s = q->back_s > had->from_s ? q->back_s : had->from_s;
	q->back_end_s = newest_s;
	q->from_s = q->back_s;
}

/* What memory has no more never comes there. */
static void deposit_past(struct deposit *d, enum series_step step, const struct export_span *had,
			 uint32_t now_s)
{
	struct deposit_queue *q = &d->queues[step];
	uint32_t step_s = series_step_s[step], lost_s = 0;

	if (q->back_s < had->from_s)
		lost_s = (had->from_s < q->back_end_s ? had->from_s : q->back_end_s) - q->back_s;
	deposit_count(&d->counts.missed, lost_s / step_s);
	q->back_s += lost_s;
	if (q->back_s < q->back_end_s && d->tokens >= d->config.budget * DEPOSIT_BURST_S / 2 &&
	    deposit_slot(d, step, q->back_s, now_s))
		q->back_s += step_s;
}

/* ready: there is somebody to put it to. */
static void deposit_step(struct deposit *d, enum series_step step, bool ready, uint32_t now_s)
{
	struct export_span had = { .step = step, .most_s = UINT32_MAX };
	struct deposit_queue *q = &d->queues[step];
	uint32_t step_s = series_step_s[step], newest_s;

	metrics_export(d->config.metrics, &had, NULL);
	deposit_base(d, had.wall_offset_ms);
	if (had.until_s < had.from_s + step_s)
		return;
	newest_s = had.until_s - step_s;
	if (!q->is_begun)
		deposit_begin(q, step_s, &had);
	if (newest_s < q->next_s) {
		if (ready)
			deposit_past(d, step, &had, now_s);
		return;
	}
	if (newest_s > q->next_s)
		deposit_back(q, q->next_s, newest_s);
	if (!ready || !deposit_slot(d, step, newest_s, now_s))
		deposit_back(q, newest_s, had.until_s);
	q->next_s = had.until_s;
}

void deposit_span_get(const struct deposit *d, enum series_step step, struct deposit_span *out)
{
	const struct deposit_queue *q = &d->queues[step];

	*out = (struct deposit_span){ .from = parcel_number(step, q->from_s, d->base_ms),
				      .until = parcel_number(step, q->next_s, d->base_ms),
				      .base_ms = d->base_ms,
				      .services = d->services[step] };
	out->lacks_from = out->lacks_until = out->until;
	if (q->back_s < q->back_end_s) {
		out->lacks_from = parcel_number(step, q->back_s, d->base_ms);
		out->lacks_until = parcel_number(step, q->back_end_s, d->base_ms);
	}
}

static void deposit_fill(struct deposit *d, uint64_t now_ns)
{
	uint64_t passed_ns = d->filled_ns ? now_ns - d->filled_ns : 0, most = deposit_most(d);

	if (passed_ns > DEPOSIT_BURST_S * UINT64_C(1000000000))
		passed_ns = DEPOSIT_BURST_S * UINT64_C(1000000000);
	d->tokens += d->config.budget * (passed_ns / 1000000) / 1000;
	d->tokens = d->tokens < most ? d->tokens : most;
	d->filled_ns = now_ns;
}

void deposit_second(struct deposit *d, uint64_t now_ns)
{
	const struct deposit_queue *coarse = &d->queues[SERIES_COARSE];
	uint32_t now_s = (uint32_t)(now_ns / UINT64_C(1000000000));
	struct redis_state state;

	deposit_fill(d, now_ns);
	redis_state_get(d->config.redis, &state);
	deposit_step(d, SERIES_WIDE, state.ready, now_s); /* it is there for longest */
	deposit_step(d, SERIES_COARSE, state.ready, now_s);
	atomic_store_explicit(&d->counts.behind_s, coarse->back_end_s - coarse->back_s,
			      memory_order_relaxed);
}
