#include "redis_nodes.h"

#include "redis_slots.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REDIS_NODES_REFRESH_NS 10000000000u /* of the slots, while all is well */
#define REDIS_NODES_ALONE_NS 10000000000u   /* somebody has to change a configuration first */
#define REDIS_NODES_HURRY_NS 200000000u /* while a node is not there: a failover takes 1 s or 2 */

/* Between the tries of a question that the cluster cannot answer at the moment. */
static const struct breaker_limits redis_nodes_again = { .first_ns = 20000000,
							 .most_ns = 320000000 };

/* The node at this place, a new one where there is none yet; REDIS_NODES: no room. */
static uint32_t redis_nodes_find(struct redis_nodes *n, const struct redis_place *place)
{
	uint32_t free = n->top;

	for (uint32_t i = 0; i < n->top; i++) {
		const struct redis_place *p = &n->at[i].link.place;

		if (!n->at[i].used)
			free = free == n->top ? i : free;
		else if (p->port == place->port && !strcmp(p->host, place->host) &&
			 !strcmp(p->path, place->path))
			return i;
	}
	if (free == REDIS_NODES)
		return free;
	n->top += free == n->top;
	n->at[free] = (struct redis_node){ .used = true };
	redis_link_init(&n->at[free].link, &n->shared, place, NULL);
	return free;
}

struct redis_link *redis_nodes_of(struct redis_nodes *n, uint32_t slot)
{
	struct redis_link *best = NULL;

	if (slot < REDIS_SLOTS && n->owners[slot] < REDIS_NODES)
		return &n->at[n->owners[slot]].link;
	/* who is ready leads to who has it; else who may become ready */
	for (uint32_t i = 0; i < n->top; i++) {
		struct redis_link *l = &n->at[i].link;

		if (!n->at[i].used || l->breaker.state != BREAKER_CLOSED)
			continue;
		if (l->state == REDIS_LINK_READY)
			return l;
		best = best ? best : l;
	}
	return best;
}

void redis_nodes_load(const struct redis_nodes *n, size_t *questions, size_t *bytes)
{
	*questions = n->waiting.count;
	*bytes = n->waiting.bytes;
	for (uint32_t i = 0; i < n->top; i++) {
		const struct redis_link *l = &n->at[i].link;

		if (!n->at[i].used)
			continue;
		*questions += l->sent.count + l->unsent.count;
		*bytes += l->sent.bytes + l->unsent.bytes;
	}
}

static int redis_nodes_put(struct redis_nodes *n, struct redis_link *l, struct redis_call *c)
{
	size_t questions, bytes;

	if (!l || l->breaker.state != BREAKER_CLOSED || n->ending)
		return -EHOSTDOWN;
	redis_nodes_load(n, &questions, &bytes);
	if (questions >= n->most_questions || bytes + c->length > n->most_bytes)
		return -ENOBUFS;
	redis_link_ask(l, c);
	return 0;
}

int redis_nodes_ask(struct redis_nodes *n, struct redis_call *c)
{
	return redis_nodes_put(n, redis_nodes_of(n, c->slot), c);
}

uint32_t redis_nodes_next(const struct redis_nodes *n, uint32_t from)
{
	while (from < n->top && !(n->at[from].used && (n->at[from].master || !n->cluster)))
		from++;
	return from < n->top ? from : REDIS_NODES;
}

int redis_nodes_ask_one(struct redis_nodes *n, uint32_t node, struct redis_call *c)
{
	c->own = true;
	return redis_nodes_put(n, n->at[node].used ? &n->at[node].link : NULL, c);
}

static void redis_nodes_again_later(struct redis_nodes *n, struct redis_call *c,
				    enum redis_fault fault)
{
	uint32_t random = n->shared.random();

	c->retry_ns = n->now_ns + breaker_wait_ns(&redis_nodes_again, c->turns, random);
	c->refused = fault;
	n->asked_again++;
	redis_queue_put(&n->waiting, c);
}

/* It goes on; where its new node is away it is told so. */
static void redis_nodes_forward(struct redis_nodes *n, struct redis_link *l, struct redis_call *c)
{
	if (l->breaker.state != BREAKER_CLOSED || n->ending) {
		redis_call_answer(c, REDIS_AWAY, NULL);
		return;
	}
	n->redirected++;
	redis_link_ask(l, c);
}

/* What the cluster is asked for once, right before the question. */
static bool redis_nodes_ask_first(struct redis_link *l, const struct redis_call *c)
{
	const struct redis_text asking[] = { REDIS_TEXT("ASKING") };
	struct redis_call *first;

	if (redis_call_open(&first, asking, 1))
		return false;
	first->own = true;
	first->taken = REDIS_BIT(REDIS_STATUS);
	first->asked_ns = c->asked_ns;
	first->deadline_ns = c->deadline_ns;
	redis_link_ask(l, first);
	return true;
}

static bool redis_nodes_redirect(struct redis_nodes *n, const struct redis_link *from,
				 struct redis_call *c, enum redis_fault fault,
				 const struct redis_value *text)
{
	struct redis_place place;
	uint32_t slot, to;

	if (redis_fault_redirect(text->text, text->length, &slot, &place))
		return false;
	if (!*place.host || !strcmp(place.host, "?"))
		memcpy(place.host, from->place.host, sizeof(place.host));
	to = redis_nodes_find(n, &place);
	if (to == REDIS_NODES)
		return false;
	if (fault == REDIS_MOVED) {
		n->owners[slot] = (uint8_t)to;
		n->at[to].master = true;
		n->cluster = true;
	} else if (!redis_nodes_ask_first(&n->at[to].link, c)) {
		return false;
	}
	redis_nodes_forward(n, &n->at[to].link, c);
	return true;
}

static bool redis_nodes_refused(void *ctx, struct redis_link *l, struct redis_call *c,
				enum redis_fault fault, const struct redis_value *text)
{
	struct redis_nodes *n = ctx;
	bool redirects = fault == REDIS_MOVED || fault == REDIS_ASK;

	if ((redirects || redis_fault_passes(fault)) && c->turns++ < REDIS_NODES_TURNS) {
		if (redirects && redis_nodes_redirect(n, l, c, fault, text))
			return true;
		if (!redirects) {
			redis_nodes_again_later(n, c, fault);
			return true;
		}
	}
	if (fault == REDIS_NOAUTH) /* the password was changed: the next connection shows it */
		redis_link_doom(l, fault, text->text, text->length);
	n->refused++;
	if (fault == REDIS_WRONGTYPE)
		return false;
	n->refusal = fault;
	n->refusal_ns = n->now_ns;
	snprintf(n->refusal_text, sizeof(n->refusal_text), "%s", text->text);
	return false;
}

static void redis_nodes_answered(void *ctx, uint64_t took_ns)
{
	struct redis_nodes *n = ctx;

	lag_add(&n->lag, took_ns);
}

static void redis_nodes_turned(void *ctx, struct redis_link *l)
{
	static const char alone[] =
		"it is no node of a cluster, and the configuration names several";
	struct redis_nodes *n = ctx;

	if (l->state != REDIS_LINK_READY) {
		if (n->cluster && n->refresh_ns > n->now_ns + REDIS_NODES_HURRY_NS)
			n->refresh_ns = n->now_ns + REDIS_NODES_HURRY_NS;
		return;
	}
	if (l->info.cluster && !n->cluster) {
		n->cluster = true;
		n->refresh_ns = n->now_ns;
	}
	if (!l->info.cluster && n->shared.who->count > 1)
		redis_link_rest(l, alone, REDIS_NODES_ALONE_NS);
}

static void redis_nodes_range(void *ctx, uint32_t first, uint32_t last,
			      const struct redis_place *master)
{
	struct redis_nodes *n = ctx;

	memset(n->owners + first, (int)redis_nodes_find(n, master), last - first + 1);
}

/* Those that have no slots any more go, once nothing is under way on them. */
static void redis_nodes_clear(struct redis_nodes *n)
{
	for (uint32_t i = 0; i < n->top; i++) {
		struct redis_node *node = &n->at[i];

		if (!node->used || node->named || node->master || node->link.sent.first ||
		    node->link.unsent.first)
			continue;
		redis_link_fini(&node->link);
		node->used = false;
	}
}

static void redis_nodes_slots(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct redis_nodes *n = ctx;
	const char *host = n->at[n->asked_node].link.place.host;

	n->asking = false;
	if (fault != REDIS_FINE || !v->count)
		return; /* another one is asked the next time */
	for (uint32_t i = 0; i < n->top; i++)
		n->at[i].master = false;
	redis_slots_read(v, host, redis_nodes_range, n);
	for (uint32_t slot = 0; slot < REDIS_SLOTS; slot++)
		if (n->owners[slot] < REDIS_NODES)
			n->at[n->owners[slot]].master = true;
}

static bool redis_nodes_missing(const struct redis_nodes *n)
{
	for (uint32_t i = 0; i < n->top; i++)
		if (n->at[i].used && n->at[i].master && n->at[i].link.state != REDIS_LINK_READY)
			return true;
	return redis_nodes_next(n, 0) == REDIS_NODES;
}

static void redis_nodes_refresh(struct redis_nodes *n)
{
	const struct redis_text words[] = { REDIS_TEXT("CLUSTER"), REDIS_TEXT("SLOTS") };
	struct breaker_limits wait = { .most_ns = REDIS_NODES_REFRESH_NS };
	struct redis_call *c;
	uint32_t i = 0;

	wait.first_ns = redis_nodes_missing(n) ? REDIS_NODES_HURRY_NS : REDIS_NODES_REFRESH_NS;
	n->refresh_ns = n->now_ns + breaker_wait_ns(&wait, 0, n->shared.random());
	do
		n->asked_node = (n->asked_node + 1) % n->top;
	while (++i <= n->top &&
	       (!n->at[n->asked_node].used || n->at[n->asked_node].link.state != REDIS_LINK_READY));
	if (i > n->top || redis_call_open(&c, words, 2))
		return;
	c->own = n->asking = true;
	c->done = redis_nodes_slots;
	c->ctx = n;
	c->taken = REDIS_BIT(REDIS_ARRAY);
	c->asked_ns = n->now_ns;
	c->deadline_ns = n->now_ns + n->shared.timeout_ns;
	redis_link_ask(&n->at[n->asked_node].link, c);
}

static void redis_nodes_retry(struct redis_nodes *n)
{
	struct redis_call **at = &n->waiting.first;

	while (*at) {
		struct redis_call *c = *at;
		struct redis_link *l;

		if (c->retry_ns > n->now_ns && c->deadline_ns > n->now_ns) {
			at = &c->next;
			continue;
		}
		redis_queue_take_at(&n->waiting, at);
		l = redis_nodes_of(n, c->slot);
		if (c->deadline_ns <= n->now_ns)
			redis_call_answer(c, c->refused, NULL);
		else if (!l || l->breaker.state != BREAKER_CLOSED)
			redis_call_answer(c, REDIS_AWAY, NULL);
		else
			redis_link_ask(l, c);
	}
}

void redis_nodes_step(struct redis_nodes *n, uint64_t now_ns)
{
	n->now_ns = now_ns;
	redis_nodes_retry(n);
	if (n->cluster && !n->asking && now_ns >= n->refresh_ns) {
		redis_nodes_clear(n);
		redis_nodes_refresh(n);
	}
	for (uint32_t i = 0; i < n->top; i++)
		if (n->at[i].used)
			redis_link_step(&n->at[i].link, now_ns);
}

uint64_t redis_nodes_due_ns(const struct redis_nodes *n)
{
	uint64_t due_ns = n->cluster && !n->asking ? n->refresh_ns : UINT64_MAX;

	for (const struct redis_call *c = n->waiting.first; c; c = c->next) {
		due_ns = c->retry_ns < due_ns ? c->retry_ns : due_ns;
		due_ns = c->deadline_ns < due_ns ? c->deadline_ns : due_ns;
	}
	for (uint32_t i = 0; i < n->top; i++) {
		uint64_t link_ns = n->at[i].used ? redis_link_due_ns(&n->at[i].link) : UINT64_MAX;

		due_ns = link_ns < due_ns ? link_ns : due_ns;
	}
	return due_ns;
}

void redis_nodes_init(struct redis_nodes *n)
{
	const struct redis_url *who = n->shared.who;

	n->shared.ctx = n;
	n->shared.refused = redis_nodes_refused;
	n->shared.answered = redis_nodes_answered;
	n->shared.turned = redis_nodes_turned;
	memset(n->owners, REDIS_NODES, sizeof(n->owners));
	redis_queue_init(&n->waiting);
	for (uint32_t i = 0; i < who->count; i++) {
		uint32_t node = redis_nodes_find(n, &who->places[i]);

		n->at[node].named = true;
	}
}

void redis_nodes_fini(struct redis_nodes *n)
{
	struct redis_call *c;

	n->ending = true;
	while ((c = redis_queue_take(&n->waiting)))
		redis_call_answer(c, REDIS_CLOSED, NULL);
	for (uint32_t i = 0; i < n->top; i++)
		if (n->at[i].used)
			redis_link_fini(&n->at[i].link);
}
