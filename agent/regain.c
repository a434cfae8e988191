#include "regain.h"

#include "log.h"
#include "parcel_key.h"
#include "stock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGAIN_PART 64        /* slots: what a block of the history may have */
#define REGAIN_FLYING 64u     /* questions at a time */
#define REGAIN_SERVICES 1024u /* of the index; an agent has a quarter of that */
#define REGAIN_TRIES 5u       /* of all parts together */
#define REGAIN_COARSE_MS INT64_C(7200000)

enum regain_phase {
	REGAIN_WAITS, /* for Redis and history */
	REGAIN_INDEX, /* is asked for */
	REGAIN_PARTS, /* … one by one */
	REGAIN_GIVES, /* a part to the history, which may be busy */
	REGAIN_DONE,
};

struct regain {
	struct regain_config config;
	char host[PARCEL_HOST];
	struct regain_counts counts;
	enum regain_phase phase;
	const char *fault; /* of the last try; NULL: none */
	uint32_t tries;
	struct parcel_label *services; /* of which the names are said */
	uint32_t service_count;
	enum series_step step;
	int64_t from, until; /* numbers of slots: the part, and the end of all */
	uint64_t lacking;    /* of the part: a bit each */
	uint32_t service;    /* the next question: of this one, … */
	uint32_t slot;       /* … and this slot of the part */
	uint32_t flying;
	bool has_failed; /* the part */
	int64_t wall_ms; /* of the last second */
	struct stock stock;
};

struct regain_question {
	struct regain *regain;
	uint32_t service;
	int64_t number;
};

static void regain_ask(struct regain *r);
static void regain_run(struct regain *r, bool ready);

int regain_open(struct regain **out, const struct regain_config *config)
{
	struct regain *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->config = *config;
	parcel_host(config->host, r->host);
	stock_init(&r->stock, SERIES_COARSE);
	*out = r;
	return 0;
}

void regain_close(struct regain *r)
{
	if (!r)
		return;
	stock_fini(&r->stock);
	free(r->services);
	free(r);
}

const struct regain_counts *regain_counts(const struct regain *r)
{
	return &r->counts;
}

static void regain_count(_Atomic uint64_t *count)
{
	atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

static void regain_failed(struct regain *r, const char *fault)
{
	r->has_failed = true;
	r->fault = fault;
}

static void regain_refuse(struct regain *r, const char *reason)
{
	if (!atomic_load_explicit(&r->counts.refused, memory_order_relaxed))
		log_warning("something that the Redis has is not taken back: %s", reason);
	regain_count(&r->counts.refused);
}

/* Its place says which slot it has to be: whoever wrote it, nothing else is taken. */
static const char *regain_check(const struct regain_question *q, const struct parcel_label *label)
{
	const struct regain *r = q->regain;
	struct parcel_label wanted = r->services[q->service];

	wanted.step = r->step;
	memcpy(wanted.host, r->host, sizeof(wanted.host));
	return parcel_key_check(label, &wanted, q->number);
}

/* The kernel ends a boot's name with a newline: the history keeps it, a label cannot have it. */
static int regain_boot(const struct regain *r, struct parcel_label *label)
{
	size_t length = strlen(label->boot);

	if (!strchr(r->config.boot, '\n'))
		return 0;
	if (length + 2 > sizeof(label->boot))
		return -ENAMETOOLONG;
	memcpy(label->boot + length, "\n", 2);
	return 0;
}

static void regain_take(struct regain_question *q, const struct redis_value *v)
{
	const uint8_t *bytes = (const uint8_t *)v->text;
	struct regain *r = q->regain;
	struct parcel_label label;
	const char *reason = parcel_check(bytes, v->length, &label, NULL);

	if (!reason)
		reason = regain_check(q, &label);
	if (!reason && regain_boot(r, &label))
		reason = "its boot is none";
	if (!reason && stock_add(&r->stock, &label, bytes, v->length))
		reason = "there is no room for it";
	if (reason)
		regain_refuse(r, reason);
	else
		regain_count(&r->counts.fetched);
}

static void regain_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct regain_question *q = ctx;
	struct regain *r = q->regain;

	r->flying--;
	if (fault == REDIS_WRONGTYPE)
		regain_refuse(r, "it is no string");
	else if (fault != REDIS_FINE)
		regain_failed(r, redis_fault_name(fault));
	else if (v->type == REDIS_STRING)
		regain_take(q, v);
	free(q);
	regain_ask(r);
	if (!r->flying)
		regain_run(r, !r->has_failed); /* after a failure the next second sees */
}

static int regain_get(struct regain *r, uint32_t service, int64_t number)
{
	struct regain_question *q = malloc(sizeof(*q));
	const struct redis_then then = { regain_told, q };
	char name[PARCEL_KEY];
	struct redis_text key = { name, 0 };
	struct parcel_label label = r->services[service];
	int ret;

	if (!q)
		return -ENOMEM;
	*q = (struct regain_question){ r, service, number };
	label.step = r->step;
	memcpy(label.host, r->host, sizeof(label.host));
	key.length = parcel_key_put(&label, number, name);
	ret = redis_get(r->config.redis, &key, &then);
	if (ret)
		free(q);
	return ret;
}

/* As many of the part's questions as may be under way. */
static void regain_ask(struct regain *r)
{
	while (r->phase == REGAIN_PARTS && !r->has_failed && r->flying < REGAIN_FLYING &&
	       r->service < r->service_count) {
		bool lacks = r->lacking >> r->slot & 1;
		int ret = lacks ? regain_get(r, r->service, r->from + r->slot) : 0;

		if (ret) {
			regain_failed(r, strerrordesc_np(-ret));
			return;
		}
		r->flying += lacks;
		r->slot = (r->slot + 1) % REGAIN_PART;
		r->service += !r->slot;
	}
}

/* A slot's number says where it begins within a step: it ends up to two steps later. */
static uint64_t regain_lacking(const struct regain *r)
{
	uint64_t lacking = 0;

	for (int i = 0; i < REGAIN_PART && r->from + i < r->until; i++) {
		int64_t from_ms = parcel_number_ms(r->step, r->from + i);
		int64_t until_ms = parcel_number_ms(r->step, r->from + i + 2);

		lacking |= (uint64_t)store_lacks(r->config.store, r->step, from_ms, until_ms) << i;
	}
	return lacking;
}

static void regain_part(struct regain *r)
{
	r->lacking = regain_lacking(r);
	r->service = r->lacking ? 0 : r->service_count;
	r->slot = 0;
	r->has_failed = false;
	stock_fini(&r->stock);
	stock_init(&r->stock, r->step);
}

static void regain_step(struct regain *r, enum series_step step)
{
	int64_t back_ms = (int64_t)r->config.ttl_ms;

	if (step == SERIES_COARSE && back_ms > REGAIN_COARSE_MS)
		back_ms = REGAIN_COARSE_MS;
	r->step = step;
	r->from = parcel_number_at(step, r->wall_ms - back_ms);
	r->until = parcel_number_at(step, r->wall_ms) + 1;
	r->phase = REGAIN_PARTS;
	regain_part(r);
}

static void regain_end(struct regain *r)
{
	r->phase = REGAIN_DONE;
	stock_fini(&r->stock);
	free(r->services);
	r->services = NULL;
	r->service_count = 0;
}

/* Again from its beginning, when there is somebody to ask. */
static void regain_again(struct regain *r)
{
	if (++r->tries == REGAIN_TRIES) {
		log_warning("what the history lacks is not fetched from the Redis: %s", r->fault);
		regain_end(r);
		return;
	}
	regain_count(&r->counts.again);
	regain_part(r);
}

static void regain_next(struct regain *r)
{
	r->from += REGAIN_PART;
	if (r->from < r->until) {
		r->phase = REGAIN_PARTS;
		regain_part(r);
	} else if (r->step == SERIES_COARSE) {
		regain_step(r, SERIES_WIDE);
	} else {
		r->fault = NULL;
		regain_end(r);
	}
}

static void regain_index_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct regain *r = ctx;

	r->flying--;
	if (fault != REDIS_FINE) {
		regain_failed(r, redis_fault_name(fault));
		return;
	}
	r->services = calloc(v->count + 1, sizeof(*r->services));
	for (size_t i = 0; r->services && i < v->count; i++) {
		const struct redis_value *name = v->items[i];

		if (r->service_count == REGAIN_SERVICES || name->type != REDIS_STRING ||
		    parcel_member_get(name->text, name->length, &r->services[r->service_count]))
			regain_refuse(r, "it names no service");
		else
			r->service_count++;
	}
	if (!r->services)
		regain_failed(r, "no memory");
	else
		regain_run(r, true);
}

static void regain_index(struct regain *r)
{
	const struct redis_then then = { regain_index_told, r };
	char name[PARCEL_KEY];
	const struct redis_text key = { name, parcel_index_put(r->host, name) };
	int ret = redis_members(r->config.redis, &key, &then);

	r->phase = REGAIN_INDEX;
	r->has_failed = false;
	if (ret)
		regain_failed(r, strerrordesc_np(-ret));
	else
		r->flying++;
}

static void regain_indexed(struct regain *r)
{
	if (r->has_failed && ++r->tries < REGAIN_TRIES)
		r->phase = REGAIN_WAITS;
	else if (r->has_failed || !r->service_count)
		regain_end(r);
	else
		regain_step(r, SERIES_COARSE);
}

/* All of a part's questions are answered, or one was not. */
static void regain_parts(struct regain *r)
{
	if (r->has_failed)
		regain_again(r);
	else if (r->stock.count)
		r->phase = REGAIN_GIVES;
	else
		regain_next(r);
}

/* One thing after the other, while nothing has to be waited for. */
static bool regain_go(struct regain *r, bool ready)
{
	enum regain_phase phase = r->phase;
	int64_t from = r->from;

	if (r->flying || phase == REGAIN_DONE)
		return false;
	if (phase == REGAIN_GIVES) {
		if (store_give(r->config.store, &r->stock))
			return false;
		regain_next(r);
	} else if (!ready) {
		return false;
	} else if (phase == REGAIN_WAITS) {
		regain_index(r);
	} else if (phase == REGAIN_INDEX) {
		regain_indexed(r);
	} else {
		regain_ask(r);
		if (!r->flying)
			regain_parts(r);
	}
	return !r->flying && !r->has_failed && (phase != r->phase || from != r->from);
}

static void regain_run(struct regain *r, bool ready)
{
	while (regain_go(r, ready))
		;
}

void regain_second(struct regain *r, int64_t wall_ms)
{
	struct store_state history;
	struct redis_state redis;

	r->wall_ms = wall_ms;
	if (r->phase == REGAIN_DONE)
		return;
	redis_state_get(r->config.redis, &redis);
	store_state_get(r->config.store, &history);
	regain_run(r, redis.ready && history.is_ready);
}

void regain_show(const struct regain *r, char out[REGAIN_TEXT])
{
	static const char *const phases[] = { "fetching waits", "the index is asked for",
					      "fetching", "fetching", "fetched" };
	unsigned long long fetched = atomic_load_explicit(&r->counts.fetched, memory_order_relaxed);

	if (r->phase == REGAIN_DONE && r->fault)
		snprintf(out, REGAIN_TEXT, "not fetched: %.64s", r->fault);
	else
		snprintf(out, REGAIN_TEXT, "%s: %llu slots", phases[r->phase], fetched);
}
