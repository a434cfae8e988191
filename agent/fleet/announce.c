#include "announce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANNOUNCE_PARTS 3u /* a host that misses one or two announcements is not gone yet */
#define ANNOUNCE_MS_NS UINT64_C(1000000)
#define ANNOUNCE_SLOW_NS UINT64_C(500000000) /* an answer that took longer tells no time */

struct announce {
	struct announce_config config;
	struct announce_state state;
	char agent[CARD_AGENT];
	uint64_t due_ns;
	uint32_t flying;
	enum redis_fault fault; /* of the questions under way, the first */
	bool puts;              /* those under way put; else they ask */
	bool is_ours;           /* what is in our place was put by us, as far as we know */
	uint64_t asked_ns;
	int64_t asked_wall_ms, redis_ms; /* -1: not known */
	size_t size;                     /* of the card under way */
};

int announce_open(struct announce **out, const struct announce_config *config)
{
	struct announce *a = calloc(1, sizeof(*a));

	*out = a;
	if (!a)
		return -ENOMEM;
	a->config = *config;
	snprintf(a->agent, sizeof(a->agent), "%016llx", (unsigned long long)config->agent);
	return 0;
}

void announce_close(struct announce *a)
{
	free(a);
}

void announce_state_get(const struct announce *a, struct announce_state *out)
{
	*out = a->state;
}

static void announce_failed(struct announce *a, enum redis_fault fault)
{
	a->state.failed++;
	a->state.fault = fault;
}

static void announce_is_put(struct announce *a)
{
	uint64_t now_ns = a->config.now_ns();

	if (a->fault != REDIS_FINE) {
		announce_failed(a, a->fault);
		return;
	}
	a->is_ours = true;
	a->state.fault = REDIS_FINE;
	a->state.announced++;
	a->state.bytes += a->size;
	a->state.put_ns = now_ns;
	a->due_ns = now_ns + a->config.gone_after_ms / ANNOUNCE_PARTS * ANNOUNCE_MS_NS;
}

static void announce_put(struct announce *a);

static void announce_settle(struct announce *a)
{
	if (--a->flying)
		return;
	if (a->puts)
		announce_is_put(a);
	else if (a->fault != REDIS_FINE)
		announce_failed(a, a->fault);
	else
		announce_put(a);
}

static void announce_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct announce *a = ctx;

	(void)v;
	if (a->fault == REDIS_FINE)
		a->fault = fault;
	announce_settle(a);
}

/* Between question and answer it was: in the middle, for want of a better guess. */
static void announce_time_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct announce *a = ctx;
	uint64_t took_ns = a->config.now_ns() - a->asked_ns;
	int64_t half_ms = (int64_t)(took_ns / 2 / ANNOUNCE_MS_NS);

	a->redis_ms = fault == REDIS_FINE ? redis_time_ms(v) : -1;
	if (fault == REDIS_FINE && (a->redis_ms < 0 || took_ns > ANNOUNCE_SLOW_NS))
		fault = REDIS_ODD;
	if (fault == REDIS_FINE)
		a->state.offset_ms = a->asked_wall_ms + half_ms - a->redis_ms;
	announce_told(a, fault, v);
}

/* One that came into the place of ours since we put it is of another agent of our host's name. */
static void announce_card_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct announce *a = ctx;
	struct card card;

	if (fault == REDIS_FINE && v->type == REDIS_STRING && a->is_ours) {
		if (!card_read(v->text, v->length, &card) && strcmp(card.agent, a->agent) != 0)
			a->state.others++;
		card_fini(&card);
	}
	announce_told(a, fault, v);
}

static void announce_card(struct announce *a, struct json *j)
{
	const struct announce_config *c = &a->config;
	struct card card = { .schema = CARD_SCHEMA,
			     .at_ms = a->redis_ms,
			     .started_ms = c->started_ms - a->state.offset_ms,
			     .offset_ms = a->state.offset_ms,
			     .gone_after_ms = c->gone_after_ms };

	snprintf(card.host, sizeof(card.host), "%s", c->host);
	snprintf(card.version, sizeof(card.version), "%s", c->version);
	memcpy(card.agent, a->agent, sizeof(card.agent));
	c->fill(c->ctx, &card);
	json_init(j);
	card_put(&card, j);
	card_fini(&card);
}

static int announce_card_put(struct announce *a, const struct json *j)
{
	const struct redis_then then = { announce_told, a };
	const struct redis_text value = { j->bytes, j->length };
	char name[PARCEL_KEY];
	const struct redis_text key = { name, card_key_put(a->config.host, name) };
	int ret = redis_set(a->config.redis, &key, &value, a->config.forget_ms, &then);

	a->size = key.length + value.length;
	a->flying += !ret;
	return ret;
}

static int announce_name_put(struct announce *a)
{
	static const struct redis_text key = { CARD_INDEX, sizeof(CARD_INDEX) - 1 };
	const struct redis_then then = { announce_told, a };
	const struct redis_rank rank = { .member = { a->config.host, strlen(a->config.host) },
					 .score = a->redis_ms,
					 .least = a->redis_ms - (int64_t)a->config.forget_ms,
					 .ttl_ms = a->config.forget_ms };
	int ret = redis_rank_put(a->config.redis, &key, &rank, &then);

	a->flying += !ret;
	return ret;
}

static void announce_put(struct announce *a)
{
	struct json j;
	int ret;

	a->puts = true;
	announce_card(a, &j);
	ret = json_finish(&j);
	if (!ret)
		ret = announce_card_put(a, &j);
	if (!ret)
		ret = announce_name_put(a);
	json_fini(&j);
	if (ret)
		a->fault = REDIS_AWAY;
	if (ret && !a->flying)
		announce_failed(a, REDIS_AWAY);
}

static void announce_ask(struct announce *a)
{
	static const struct redis_text index = { CARD_INDEX, sizeof(CARD_INDEX) - 1 };
	const struct redis_then time = { announce_time_told, a }, card = { announce_card_told, a };
	char name[PARCEL_KEY];
	const struct redis_text key = { name, card_key_put(a->config.host, name) };

	a->puts = false;
	a->fault = REDIS_FINE;
	a->asked_ns = a->config.now_ns();
	a->asked_wall_ms = a->config.wall_ms();
	if (redis_time(a->config.redis, &index, &time)) {
		announce_failed(a, REDIS_AWAY);
		return;
	}
	a->flying++;
	if (redis_get(a->config.redis, &key, &card))
		a->fault = REDIS_AWAY;
	else
		a->flying++;
}

void announce_second(struct announce *a, bool ready)
{
	if (a->flying || !ready || a->config.now_ns() < a->due_ns)
		return;
	announce_ask(a);
}
