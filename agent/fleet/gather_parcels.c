/*
 * gather_parcels - the parcels of all hosts, one slot after the other, and how much each host told.
 *
 * Threads:  as gather.
 * Memory:   as gather.
 * Errors:   as gather: told by the view and by its hosts.
 */
#include "gather_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Slots of ten seconds, then those of five minutes. */
static uint32_t gather_slot_count(const struct muster_host *h)
{
	const struct muster_range *r = h->span.ranges;

	return (uint32_t)(r[0].until - r[0].from + r[1].until - r[1].from);
}

static void gather_mark(struct gather *g, uint32_t host, enum series_step step, int64_t number,
			enum gather_slot what)
{
	const struct muster_range *r = g->view->muster.hosts[host].span.ranges;
	int64_t at = step == SERIES_COARSE ? number - r[0].from
					   : r[0].until - r[0].from + number - r[1].from;
	uint8_t *slot = &g->slots[g->first[host] + at];

	if (*slot != GATHER_UNREAD)
		*slot = (uint8_t)what;
}

/* What of a host is not asked for any more, or was not answered at all. */
static void gather_mark_all(struct gather *g, uint32_t host)
{
	if (g->first[host] != UINT32_MAX)
		memset(g->slots + g->first[host], GATHER_UNREAD,
		       gather_slot_count(&g->view->muster.hosts[host]));
}

static void gather_parcel_take(struct gather_question *q, const struct redis_value *v)
{
	struct gather *g = q->gather;
	struct merge_pair *pair = &g->merge.pairs[q->at];
	struct muster_host *h = &g->view->muster.hosts[pair->host];
	const struct merge_row *row = &g->merge.services[pair->service].row;
	const uint8_t *bytes = (const uint8_t *)v->text;
	struct parcel_label label, wanted = { .step = q->step };
	const char *reason = parcel_check(bytes, v->length, &label, NULL);

	memcpy(wanted.host, h->name, sizeof(wanted.host));
	memcpy(wanted.service, row->service, sizeof(wanted.service));
	memcpy(wanted.environment, row->environment, sizeof(wanted.environment));
	if (!reason)
		reason = parcel_key_check(&label, &wanted, q->number);
	if (reason) {
		g->view->refused++;
		muster_fault(h, reason);
		gather_mark(g, pair->host, q->step, q->number, GATHER_UNREAD);
		return;
	}
	merge_parcel(&g->merge, pair, bytes, v->length, &h->sums);
	gather_mark(g, pair->host, q->step, q->number, GATHER_FOUND);
}

static void gather_parcel_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct gather_question *q = ctx;
	struct gather *g = q->gather;
	uint32_t host = g->merge.pairs[q->at].host;

	gather_read(g, fault == REDIS_FINE ? v : NULL);
	if (fault != REDIS_FINE) {
		g->view->muster.hosts[host].unread++;
		muster_fault(&g->view->muster.hosts[host], redis_fault_name(fault));
		gather_mark(g, host, q->step, q->number, GATHER_UNREAD);
	} else if (v->type == REDIS_STRING) {
		gather_parcel_take(q, v);
	}
	gather_give_back(q);
	gather_run(g);
}

/* Of the pair under way; false: that was the last one. */
static bool gather_number(const struct gather *g, enum series_step *step, int64_t *number)
{
	uint32_t host = g->merge.pairs[g->next].host;
	const struct muster_range *r = &g->view->muster.hosts[host].span.ranges[g->part];

	*step = (enum series_step)(SERIES_COARSE + g->part);
	*number = r->from + g->skipped;
	return g->first[host] != UINT32_MAX && *number < r->until;
}

/* The same, or the first one of the next range or pair. False: there is none. */
static bool gather_seek(struct gather *g, enum series_step *step, int64_t *number)
{
	while (g->next < g->merge.pair_count && !gather_number(g, step, number)) {
		g->skipped = 0;
		if (++g->part < CARD_STEPS)
			continue;
		g->part = 0;
		g->next++;
	}
	return g->next < g->merge.pair_count;
}

static int gather_parcel_ask(struct gather *g, struct gather_question *q)
{
	const struct merge_pair *pair = &g->merge.pairs[q->at];
	const struct merge_row *row = &g->merge.services[pair->service].row;
	const struct redis_then then = { gather_parcel_told, q };
	struct parcel_label label = { .step = q->step };
	char name[PARCEL_KEY];
	struct redis_text key = { name, 0 };

	memcpy(label.host, g->view->muster.hosts[pair->host].name, sizeof(label.host));
	memcpy(label.service, row->service, sizeof(label.service));
	memcpy(label.environment, row->environment, sizeof(label.environment));
	key.length = parcel_key_put(&label, q->number, name);
	return redis_get(g->config.redis, &key, &then);
}

/* Nothing more of what is behind the cursor. */
static void gather_stop(struct gather *g, const char *limit)
{
	gather_cut(g, limit);
	for (; g->next < g->merge.pair_count; g->next++)
		gather_mark_all(g, g->merge.pairs[g->next].host);
}

bool gather_parcels_next(struct gather *g)
{
	struct gather_question *q;
	const char *limit = gather_limit(g);
	enum series_step step;
	int64_t number;
	int ret;

	if (!g->free || !gather_seek(g, &step, &number))
		return false;
	if (limit) {
		gather_stop(g, limit);
		return false;
	}
	q = gather_take(g);
	q->at = g->next;
	q->step = step;
	q->number = number;
	g->flying++;
	ret = gather_parcel_ask(g, q);
	if (ret)
		gather_give_back(q);
	if (ret == -ENOBUFS && g->flying)
		return false;
	if (ret) {
		muster_fault(&g->view->muster.hosts[g->merge.pairs[g->next].host],
			     strerrordesc_np(-ret));
		gather_mark_all(g, g->merge.pairs[g->next].host);
		g->part = CARD_STEPS - 1; /* the rest of the pair would fare no better */
		g->skipped = INT32_MAX;
		return true;
	}
	g->skipped++;
	return true;
}

/* Room for the slots of all hosts, as far as there may be; false: no memory. */
static bool gather_slots_open(struct gather *g)
{
	const struct muster *m = &g->view->muster;
	uint32_t count = 0;

	g->first = calloc(m->count + 1, sizeof(*g->first));
	for (uint32_t i = 0; g->first && i < m->count; i++) {
		uint32_t slots = gather_slot_count(&m->hosts[i]);
		bool is_left = !slots || count + slots > GATHER_KEYS;

		if (slots && is_left)
			gather_cut(g, "keys");
		g->first[i] = is_left ? UINT32_MAX : count;
		count += is_left ? 0 : slots;
	}
	g->slots = calloc(count + 1, 1);
	return g->first && g->slots;
}

void gather_parcels_begin(struct gather *g)
{
	struct muster *m = &g->view->muster;

	muster_judge(m, g->view->ask.window_s);
	g->phase = GATHER_PARCELS;
	g->next = g->part = 0;
	g->skipped = 0;
	if (!gather_slots_open(g)) {
		snprintf(g->view->fault, sizeof(g->view->fault), "no memory");
		g->next = g->merge.pair_count;
		return;
	}
	for (uint32_t i = 0; i < m->count; i++)
		if (m->hosts[i].unread) /* what services it has, then */
			gather_mark_all(g, i);
}

static void gather_count_told(struct gather *g, uint32_t host)
{
	struct muster_host *h = &g->view->muster.hosts[host];
	const uint8_t *slot = g->slots + g->first[host];

	for (uint32_t i = 0; i < CARD_STEPS && g->first[host] != UINT32_MAX; i++) {
		enum series_step step = (enum series_step)(SERIES_COARSE + i);

		for (int64_t n = h->span.ranges[i].from; n < h->span.ranges[i].until; n++, slot++)
			if (*slot == GATHER_FOUND ||
			    (*slot == GATHER_UNASKED && muster_has_told(h, step, n)))
				h->told_s += series_step_s[step];
	}
	if (h->told_s > g->view->told_s)
		g->view->told_s = h->told_s;
}

void gather_parcels_end(struct gather *g)
{
	for (uint32_t i = 0; g->slots && g->first && i < g->view->muster.count; i++)
		gather_count_told(g, i);
	merge_end(&g->merge);
}
