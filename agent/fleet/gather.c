#include "gather_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int gather_open(struct gather **out, const struct gather_config *config)
{
	struct gather *g = calloc(1, sizeof(*g));

	*out = g;
	if (!g)
		return -ENOMEM;
	g->config = *config;
	for (uint32_t i = 0; i < GATHER_FLYING; i++) {
		g->questions[i].gather = g;
		g->questions[i].next = g->free;
		g->free = &g->questions[i];
	}
	return 0;
}

static void gather_forget(struct gather *g)
{
	merge_fini(&g->merge);
	free(g->slots);
	free(g->first);
	g->slots = NULL;
	g->first = NULL;
	g->view = NULL;
	g->phase = GATHER_IDLE;
}

void gather_close(struct gather *g)
{
	if (!g)
		return;
	view_put(g->view);
	gather_forget(g);
	free(g);
}

bool gather_is_busy(const struct gather *g)
{
	return g->phase != GATHER_IDLE;
}

static void gather_fault(struct gather *g, enum redis_fault fault)
{
	struct view *v = g->view;

	if (!*v->fault)
		snprintf(v->fault, sizeof(v->fault), "the list of hosts cannot be read: %s",
			 redis_fault_name(fault));
}

void gather_cut(struct gather *g, const char *what)
{
	if (!g->view->cut)
		g->view->cut = what;
}

const char *gather_limit(const struct gather *g)
{
	if (g->config.now_ns() - g->begun_ns > GATHER_NS)
		return "time";
	if (g->view->keys + g->flying >= GATHER_KEYS)
		return "keys";
	return g->view->bytes >= GATHER_BYTES ? "bytes" : NULL;
}

static void gather_end(struct gather *g)
{
	struct view *v = g->view;

	gather_parcels_end(g);
	if (!*v->fault && view_rows(v, &g->merge))
		snprintf(v->fault, sizeof(v->fault), "no memory");
	v->made_ns = g->config.now_ns();
	v->took_ns = v->made_ns - g->begun_ns;
	gather_forget(g);
	g->config.done(g->config.ctx, v);
}

struct gather_question *gather_take(struct gather *g)
{
	struct gather_question *q = g->free;

	if (q)
		g->free = q->next;
	return q;
}

void gather_give_back(struct gather_question *q)
{
	q->next = q->gather->free;
	q->gather->free = q;
	q->gather->flying--;
}

void gather_read(struct gather *g, const struct redis_value *v)
{
	g->view->keys++;
	g->view->bytes += v ? v->length : 0;
}

static void gather_card_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct gather_question *q = ctx;
	struct muster_host *h = &q->gather->view->muster.hosts[q->at];

	gather_read(q->gather, fault == REDIS_FINE ? v : NULL);
	if (fault != REDIS_FINE)
		muster_fault(h, redis_fault_name(fault));
	else
		muster_card(h, v->type == REDIS_STRING ? v->text : NULL, v->length);
	if (q->gather->view->ask.sums)
		card_alerts_drop(&h->card); /* which would be most of such a view */
	gather_give_back(q);
	gather_run(q->gather);
}

/* A service of a host, if it is asked for. */
static void gather_service(struct gather *g, uint32_t host, const struct redis_value *name)
{
	struct muster_host *h = &g->view->muster.hosts[host];
	struct parcel_label label;

	if (name->type != REDIS_STRING || parcel_member_get(name->text, name->length, &label)) {
		g->view->refused++;
		muster_fault(h, "its list of services has something else in it");
		return;
	}
	if (g->merge.scope.service && strcmp(g->merge.scope.service, label.service) != 0)
		return;
	if (!merge_pair_add(&g->merge, host, &label))
		return;
	h->unread++;
	gather_cut(g, "services");
}

static void gather_services_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct gather_question *q = ctx;
	struct gather *g = q->gather;
	struct muster_host *h = &g->view->muster.hosts[q->at];

	gather_read(g, NULL);
	if (fault != REDIS_FINE) {
		h->unread++;
		muster_fault(h, redis_fault_name(fault));
	}
	for (size_t i = 0; fault == REDIS_FINE && i < v->count; i++) {
		if (i == GATHER_SERVICES) {
			h->unread++;
			gather_cut(g, "services");
			break;
		}
		gather_service(g, q->at, v->items[i]);
	}
	gather_give_back(q);
	gather_run(g);
}

static int gather_host_ask(struct gather *g, struct gather_question *q)
{
	const char *host = g->view->muster.hosts[q->at].name;
	struct redis_then then = { gather_card_told, q };
	char name[PARCEL_KEY];
	struct redis_text key = { name, 0 };

	if (g->part) {
		then.done = gather_services_told;
		key.length = parcel_index_put(host, name);
		return redis_members(g->config.redis, &key, &then);
	}
	key.length = card_key_put(host, name);
	return redis_get(g->config.redis, &key, &then);
}

/* Nothing more of the hosts behind the cursor. */
static void gather_hosts_stop(struct gather *g, const char *limit)
{
	struct muster *m = &g->view->muster;

	gather_cut(g, limit);
	for (; g->next < m->count; g->next++) {
		m->hosts[g->next].unread++;
		muster_fault(&m->hosts[g->next], "there was too much to read before it");
	}
}

/* The next card, or list of services; false: not now, or all are asked for. */
static bool gather_hosts_next(struct gather *g)
{
	struct muster *m = &g->view->muster;
	const char *limit = gather_limit(g);
	struct gather_question *q;
	int ret;

	if (!g->free || g->next == m->count)
		return false;
	if (limit) {
		gather_hosts_stop(g, limit);
		return false;
	}
	q = gather_take(g);
	q->at = g->next;
	g->flying++;
	ret = gather_host_ask(g, q);
	if (ret)
		gather_give_back(q);
	if (ret == -ENOBUFS && g->flying)
		return false;
	if (ret) {
		m->hosts[g->next].unread++;
		muster_fault(&m->hosts[g->next], strerrordesc_np(-ret));
	}
	if (g->part || !g->view->ask.sums) {
		g->part = 0;
		g->next++;
	} else {
		g->part = 1;
	}
	return true;
}

static void gather_hosts_begin(struct gather *g)
{
	muster_sort(&g->view->muster, g->config.forget_ms);
	g->phase = GATHER_CARDS;
	g->next = g->part = 0;
}

static void gather_time_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct gather *g = ctx;

	g->flying--;
	g->view->muster.now_ms = fault == REDIS_FINE ? redis_time_ms(v) : -1;
	if (g->view->muster.now_ms < 0)
		gather_fault(g, fault == REDIS_FINE ? REDIS_ODD : fault);
	gather_run(g);
}

/* Names and scores by turns. */
static void gather_index_take(struct gather *g, const struct redis_value *v)
{
	struct view *view = g->view;

	for (size_t i = 0; i + 1 < v->count; i += 2) {
		const struct redis_value *name = v->items[i], *score = v->items[i + 1];

		if (name->type != REDIS_STRING || score->type != REDIS_STRING ||
		    muster_add(&view->muster, name->text, name->length,
			       strtoll(score->text, NULL, 10)))
			view->hosts_left++;
	}
	if (view->hosts_left)
		gather_cut(g, "hosts");
}

static void gather_index_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct gather *g = ctx;

	g->flying--;
	if (fault != REDIS_FINE)
		gather_fault(g, fault);
	else
		gather_index_take(g, v);
	gather_run(g);
}

/* One phase after the other, while nothing has to be waited for. */
void gather_run(struct gather *g)
{
	while (g->phase == GATHER_PARCELS && gather_parcels_next(g))
		;
	while (g->phase == GATHER_CARDS && gather_hosts_next(g))
		;
	if (g->flying)
		return;
	if (*g->view->fault || g->phase == GATHER_PARCELS) {
		gather_end(g);
	} else if (g->phase == GATHER_INDEX) {
		gather_hosts_begin(g);
		gather_run(g);
	} else {
		gather_parcels_begin(g);
		gather_run(g);
	}
}

static int gather_index_ask(struct gather *g)
{
	static const struct redis_text key = { CARD_INDEX, sizeof(CARD_INDEX) - 1 };
	const struct redis_then time = { gather_time_told, g }, index = { gather_index_told, g };
	int ret = redis_time(g->config.redis, &key, &time);

	if (ret)
		return ret;
	g->flying++;
	ret = redis_rank_list(g->config.redis, &key, MUSTER_HOSTS + 1, &index);
	if (ret)
		gather_fault(g, REDIS_AWAY); /* as soon as the time is told */
	else
		g->flying++;
	return 0;
}

int gather_begin(struct gather *g, const struct view_ask *ask)
{
	int ret;

	if (gather_is_busy(g))
		return -EBUSY;
	g->view = view_open(ask);
	if (!g->view)
		return -ENOMEM;
	merge_init(&g->merge,
		   &(struct merge_scope){ *g->view->ask.service ? g->view->ask.service : NULL,
					  *g->view->ask.route ? g->view->ask.route : NULL });
	g->begun_ns = g->config.now_ns();
	g->phase = GATHER_INDEX;
	ret = gather_index_ask(g);
	if (ret) {
		view_put(g->view);
		gather_forget(g);
	}
	return ret;
}
