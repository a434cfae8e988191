#include "remote.h"

#include "capsule.h"
#include "remote_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMOTE_MS_NS UINT64_C(1000000)
#define REMOTE_LOOK_NS (100 * REMOTE_MS_NS)  /* who is back is seen so soon */
#define REMOTE_PAUSE_NS (100 * REMOTE_MS_NS) /* between two tries of what failed */

/* One question for a value, with its key in Redis. */
struct remote_ask {
	struct remote *remote;
	uint64_t id;
	size_t length;
	char key[];
};

int remote_open(struct remote **out, const struct remote_config *config)
{
	struct remote *r = calloc(1, sizeof(*r));
	int ret;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->config = *config;
	ret = pending_open(&r->pending, config->items, config->bytes);
	if (ret) {
		free(r);
		return ret;
	}
	atomic_store_explicit(&config->bridge->away, true, memory_order_relaxed);
	*out = r;
	return 0;
}

void remote_close(struct remote *r)
{
	if (!r)
		return;
	pending_close(r->pending);
	free(r);
}

void remote_attach(struct remote *r, struct redis *redis)
{
	r->redis = redis;
}

char *remote_key(char kind, const struct cache_bytes *name, struct redis_text *out)
{
	char *key = malloc(name->length + 2);

	if (!key)
		return NULL;
	key[0] = kind;
	key[1] = ':';
	if (name->length)
		memcpy(key + 2, name->at, name->length);
	*out = (struct redis_text){ key, name->length + 2 };
	return key;
}

int remote_announce(struct remote *r, const struct drop *d, const struct redis_then *then)
{
	struct redis_text message;
	void *bytes;
	int ret = drop_write(d, r->config.sender, &bytes, &message.length);

	message.bytes = bytes;
	if (!ret)
		ret = redis_publish(r->redis, REMOTE_CHANNEL, &message, then);
	r->published += !ret;
	free(bytes);
	return ret;
}

/* What the server would do again another time, for as long as we ask. */
bool remote_is_refused(enum redis_fault fault)
{
	return fault == REDIS_OOM || fault == REDIS_NOPERM || fault == REDIS_WRONGTYPE ||
	       fault == REDIS_ERROR || fault == REDIS_TOO_LONG;
}

enum redis_fault remote_fault(int ret)
{
	return ret == -EHOSTDOWN ? REDIS_AWAY : REDIS_TIMEOUT;
}

uint64_t remote_pause(struct remote *r, enum redis_fault fault)
{
	uint64_t due_ns = r->config.now_ns() + REMOTE_PAUSE_NS;

	r->again_ns = due_ns;
	if (fault != REDIS_AWAY)
		r->pause_ns = due_ns;
	return due_ns;
}

/* v is taken over; NULL: it is not known. An answer that does not go is late on the other side. */
static void remote_tell(struct remote *r, uint64_t id, struct cache_value *v, uint64_t left_ns)
{
	struct letter *l = letter_open(LETTER_TOLD, &(struct cache_bytes){ NULL, 0 });

	if (!l) {
		cache_value_put(v);
		return;
	}
	l->id = id;
	l->value = v;
	l->left_ns = left_ns;
	if (bridge_put(&r->config.bridge->back, l))
		letter_close(l);
}

/* What is left of its time, by the wall clocks of two hosts; 0: nothing. */
static uint64_t remote_left_ns(const struct capsule *c, int64_t wall_ms)
{
	uint64_t ttl_ms = c->ttl_s * 1000, age_ms;

	if (c->value.created_ms < 0)
		return 0;
	age_ms = wall_ms > c->value.created_ms ? (uint64_t)(wall_ms - c->value.created_ms) : 0;
	return age_ms < ttl_ms ? (ttl_ms - age_ms) * REMOTE_MS_NS : 0;
}

static void remote_tell_capsule(struct remote *r, uint64_t id, const struct capsule *c)
{
	uint64_t left_ns = remote_left_ns(c, r->config.wall_ms());
	struct cache_value *v = NULL;

	if (left_ns && cache_value_restore(&v, &c->value))
		v = NULL;
	remote_tell(r, id, v, left_ns);
}

/* A value: is it one, and this key's? */
static void remote_judge(const struct remote_ask *a, const struct redis_value *found)
{
	const struct redis_text key = { a->key, a->length };
	struct remote *r = a->remote;
	struct capsule c;

	if (capsule_read(found->text, found->length, &c)) {
		r->corrupted++;
	} else if (c.key.length != a->length - 2 ||
		   memcmp(c.key.at, a->key + 2, c.key.length) != 0) {
		r->foreign++;
		redis_suspect(r->redis, &key);
	} else {
		remote_tell_capsule(r, a->id, &c);
		return;
	}
	remote_tell(r, a->id, NULL, 0);
}

static void remote_got(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct remote_ask *a = ctx;

	if (fault == REDIS_FINE && v->type == REDIS_STRING)
		remote_judge(a, v);
	else
		remote_tell(a->remote, a->id, NULL, 0);
	a->remote->corrupted += fault == REDIS_WRONGTYPE;
	free(a);
}

/* True: what waits to be written has the answer. */
static bool remote_knows(struct remote *r, uint64_t id, const struct cache_bytes *key)
{
	const struct pending_write *w = pending_find(r->pending, key);
	struct capsule c;

	if (w && w->capsule && !w->overtaken && !capsule_read(w->capsule, w->length, &c))
		remote_tell_capsule(r, id, &c);
	else if (w || pending_takes(r->pending, key))
		remote_tell(r, id, NULL, 0);
	else
		return false;
	return true;
}

static void remote_ask(struct remote *r, const struct letter *l)
{
	const struct cache_bytes key = { l->key, l->key_length };
	struct redis_then then = { .done = remote_got };
	struct remote_ask *a;

	if (remote_knows(r, l->id, &key))
		return;
	a = malloc(sizeof(*a) + key.length + 2);
	if (a) {
		*a = (struct remote_ask){ .remote = r, .id = l->id, .length = key.length + 2 };
		memcpy(a->key, "v:", 2);
		memcpy(a->key + 2, key.at, key.length);
		then.ctx = a;
		if (!redis_get(r->redis, &(struct redis_text){ a->key, a->length }, &then))
			return;
	}
	free(a);
	remote_tell(r, l->id, NULL, 0);
}

static void remote_keep(struct remote *r, struct letter *l, const struct cache_bytes *key)
{
	struct pending_write *w = pending_write_open(key);

	if (!w) {
		r->lost++;
		return;
	}
	w->capsule = l->capsule;
	w->length = l->length;
	w->tags = l->tags;
	w->expires_ns = l->expires_ns;
	l->capsule = NULL;
	l->tags = NULL;
	w->ctx = r;
	pending_put(r->pending, w);
}

static void remote_read(struct remote *r, struct letter *l)
{
	const struct cache_bytes key = { l->key, l->key_length };

	if (l->kind == LETTER_ASK) {
		remote_ask(r, l);
	} else if (l->kind == LETTER_SET) {
		remote_keep(r, l, &key);
	} else if (l->drop->kind == DROP_KEY) {
		remote_keep(r, l, &(struct cache_bytes){ l->drop->text, l->drop->length });
	} else {
		pending_drop(r->pending, l->drop);
		l->drop = NULL;
	}
}

void remote_heard(void *remote, const void *message, size_t length)
{
	struct remote *r = remote;
	uint64_t sender;
	struct drop *d;

	if (!message) {
		r->gaps++;
		bridge_overflow(&r->config.bridge->back);
		return;
	}
	if (drop_read(message, length, &sender, &d)) {
		r->corrupted++;
		return;
	}
	if (sender == r->config.sender) {
		drop_close(d);
		return;
	}
	r->heard++;
	bridge_drop(&r->config.bridge->back, d);
}

/* Is somebody there? */
static bool remote_look(struct remote *r, uint64_t now_ns)
{
	struct redis_state s;

	if (now_ns >= r->look_ns) {
		redis_state_get(r->redis, &s);
		atomic_store_explicit(&r->config.bridge->away, !s.ready, memory_order_relaxed);
		r->look_ns = now_ns + REMOTE_LOOK_NS;
	}
	return !atomic_load_explicit(&r->config.bridge->away, memory_order_relaxed);
}

static void remote_progress(struct remote *r, const struct pending_counts *counts)
{
	const struct bridge_progress now = { .seen = r->seen,
					     .pending = counts->writes + counts->drops,
					     .bytes = counts->bytes };

	if (!memcmp(&now, &r->progress, sizeof(now)))
		return;
	r->progress = now;
	bridge_progress_put(r->config.bridge, &now);
}

int remote_step(struct remote *r, int most_ms)
{
	uint64_t now_ns = r->config.now_ns(), due_ns = UINT64_MAX;
	struct pending_counts counts;
	struct letter *next, *first;
	bool lost; /* was counted where it was */

	first = bridge_take(&r->config.bridge->there, &lost);
	for (struct letter *l = first; l; l = next) {
		next = l->next;
		r->seen += l->kind != LETTER_ASK;
		remote_read(r, l);
		letter_close(l);
	}
	if (!remote_look(r, now_ns))
		due_ns = r->look_ns;
	remote_pump(r);
	pending_counts_get(r->pending, &counts);
	remote_progress(r, &counts);
	bridge_tell(&r->config.bridge->back);
	if (redis_due_ns(r->redis) <= now_ns)
		return 0;
	if (counts.writes + counts.drops && r->again_ns > now_ns && r->again_ns < due_ns)
		due_ns = r->again_ns;
	if (due_ns == UINT64_MAX || (due_ns - now_ns) / REMOTE_MS_NS >= (uint64_t)most_ms)
		return most_ms;
	return (int)((due_ns - now_ns) / REMOTE_MS_NS) + 1;
}

bool remote_is_through(const struct remote *r)
{
	const struct bridge *b = r->config.bridge;
	struct pending_counts counts;

	pending_counts_get(r->pending, &counts);
	return atomic_load_explicit(&b->away, memory_order_relaxed) ||
	       (!counts.writes && !counts.drops &&
		!atomic_load_explicit(&b->there.some, memory_order_relaxed));
}

static void remote_reason(const struct redis_state *s, char out[BRIDGE_REASON])
{
	if (s->fault != REDIS_FINE)
		snprintf(out, BRIDGE_REASON, "%s: %.100s", redis_fault_name(s->fault), s->text);
	else if (!s->ready)
		snprintf(out, BRIDGE_REASON, "it is being connected");
	else
		out[0] = '\0';
}

void remote_second(struct remote *r)
{
	struct pending_counts p;
	struct bridge_state out;
	struct redis_state s;

	redis_state_get(r->redis, &s);
	pending_counts_get(r->pending, &p);
	out = (struct bridge_state){
		.ready = s.ready,
		.cluster = s.cluster,
		.listening = s.listening,
		.circuit = breaker_state_name(s.circuit),
		.persistence = redis_persistence_name(redis_info_persistence(&s.info)),
		.average_ms = s.answered ? (double)s.took_ns / (double)s.answered / 1e6 : -1,
		.p99_ms = s.answered ? (double)s.took_p99_ns / 1e6 : -1,
		.limit = r->config.items,
		.limit_bytes = r->config.bytes,
		.written = r->written,
		.removed = r->removed,
		.lost_sets = p.lost_sets,
		.lost_drops = p.lost_drops + r->lost,
		.corrupted = r->corrupted,
		.foreign = r->foreign,
		.published = r->published,
		.heard = r->heard,
		.gaps = r->gaps,
	};
	remote_reason(&s, out.reason);
	bridge_state_put(r->config.bridge, &out);
}
