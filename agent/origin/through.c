#include "through.h"

#include "put.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THROUGH_S_NS UINT64_C(1000000000)

/* One who waits for a fetch; who leaves before it is told leaves this behind. */
struct through_visit {
	struct through_visit *next, **link; /* of those that were not told yet */
	struct through *through;
	const void *who; /* NULL: nobody waits for it */
	uint32_t slot;
	enum through_answer answer;
	struct through_found found;
	bool spoiled;                             /* a write overtook it */
	bool behind;                              /* the tier behind memory was not asked for it */
	uint64_t ttl_s;                           /* as struct through_load has it, … */
	void (*done)(void *ctx, const char *why); /* … and this; NULL: it is none */
	void *ctx;
	size_t key_length;
	unsigned char key[];
};

struct through {
	struct through_config config;
	struct through_visit *first; /* not told yet */
	struct through_visit *waiting[THROUGH_WAITING];
	struct origin_health health;
	uint32_t top, count; /* no slot beyond top is used; how many are */
	/* Of the fetch that is being told: */
	struct cache_value *value;
	bool spoiled, kept;
	/* Of the step that is done: */
	void (*wake)(void *ctx, uint32_t place);
	void *wake_ctx;
};

static void through_dropped(void *through, const struct drop *d)
{
	struct through *t = through;

	for (struct through_visit *v = t->first; v; v = v->next) {
		const struct cache_bytes key = { v->key, v->key_length };

		/* which tags it will have nobody knows: any */
		v->spoiled = v->spoiled || drop_takes(d, &key, NULL);
	}
}

int through_open(struct through **out, const struct through_config *config)
{
	struct through *t = calloc(1, sizeof(*t));

	*out = t;
	if (!t) {
		origin_close(config->origin);
		return -ENOMEM;
	}
	t->config = *config;
	if (config->behind)
		behind_listen(config->behind, through_dropped, t);
	t->health.health = config->health;
	origin_health_tell(&t->health, config->origin, config->wall_ms());
	return 0;
}

static void visit_unlink(struct through_visit *v)
{
	if (!v->link)
		return;
	*v->link = v->next;
	if (v->next)
		v->next->link = v->link;
	v->link = NULL;
}

static void visit_close(struct through_visit *v)
{
	visit_unlink(v);
	cache_value_put(v->found.value);
	free(v);
}

static int visit_open(struct through_visit **out, struct through *t, const struct cache_bytes *key)
{
	struct through_visit *v = malloc(sizeof(*v) + key->length);

	*out = v;
	if (!v)
		return -ENOMEM;
	*v = (struct through_visit){ .next = t->first,
				     .link = &t->first,
				     .through = t,
				     .answer = THROUGH_LATER,
				     .key_length = key->length };
	memcpy(v->key, key->at, key->length);
	if (v->next)
		v->next->link = &v->next;
	t->first = v;
	return 0;
}

/* Its request has its answer, or left. */
static void visit_vacate(struct through *t, struct through_visit *v)
{
	t->waiting[v->slot] = NULL;
	t->count--;
	while (t->top && !t->waiting[t->top - 1])
		t->top--;
	v->who = NULL;
}

void through_close(struct through *t)
{
	if (!t)
		return;
	if (t->config.behind)
		behind_listen(t->config.behind, NULL, NULL);
	origin_close(t->config.origin); /* all are told */
	for (uint32_t i = 0; i < t->top; i++)
		if (t->waiting[i])
			visit_close(t->waiting[i]);
	cache_value_put(t->value);
	free(t);
}

/* A value that is not in memory, for those who wait. */
static struct cache_value *through_value(const struct through *t, const struct origin_answer *a)
{
	const struct cache_parts parts = { .bytes = a->value,
					   .type = a->type,
					   .tags = a->tags,
					   .created_ms = t->config.wall_ms() };
	struct pack as_it_is = { .on = false };
	struct cache_value *v;

	return cache_value_open(&v, &as_it_is, &parts) ? NULL : v;
}

/* For how long it is kept beyond its time. */
static uint64_t through_lapse_s(const struct origin_answer *a)
{
	return a->revalidate_s > a->error_s ? a->revalidate_s : a->error_s;
}

static struct cache_value *through_keep(const struct through *t, const struct through_visit *v,
					const struct origin_answer *a)
{
	struct cache_bytes tags[CACHE_TAGS];
	int count = put_tags_read(a->tags, tags);
	const struct cache_put put = { .key = { v->key, v->key_length },
				       .value = a->value,
				       .type = a->type,
				       .tags = tags,
				       .tag_count = count < 0 ? CACHE_TAGS + 1 : (size_t)count,
				       .ttl_s = v->ttl_s ? v->ttl_s : a->ttl_s,
				       .lapse_s = through_lapse_s(a),
				       .now_ns = t->config.now_ns(),
				       .wall_ms = t->config.wall_ms() };
	uint64_t left_ns;

	if (cache_set(t->config.cache, &put)) { /* then nothing older either */
		cache_invalidate_key(t->config.cache, &put.key, put.now_ns);
		return NULL;
	}
	behind_wrote(t->config.behind, &put);
	return cache_peek(t->config.cache, &put.key, put.now_ns, &left_ns);
}

/* There is none, or none that may be kept: what was there goes. */
static void through_forget(const struct through *t, const struct through_visit *v,
			   const struct origin_answer *a)
{
	const struct origin_rule *rule;
	struct cache_put put = { .key = { v->key, v->key_length },
				 .value.at = "",
				 .type = "",
				 .ttl_s = a->ttl_s,
				 .absent = true,
				 .now_ns = t->config.now_ns() };
	struct cache_bytes tags[ORIGIN_TAGS];

	if (v->behind)
		behind_drop(t->config.behind, DROP_KEY, &put.key);
	rule = origin_rule_of(t->config.origin, &put.key);
	for (; put.tag_count < rule->tag_count; put.tag_count++)
		tags[put.tag_count] = (struct cache_bytes){ rule->tags[put.tag_count],
							    strlen(rule->tags[put.tag_count]) };
	put.tags = tags;
	if (a->found || !a->ttl_s || cache_set(t->config.cache, &put))
		cache_invalidate_key(t->config.cache, &put.key, put.now_ns);
}

/* What came is kept by the first who is told of it, and is there for the others. */
static void through_take(struct through *t, const struct through_visit *v,
			 const struct origin_answer *a)
{
	t->spoiled = v->spoiled;
	t->kept = false;
	cache_value_put(t->value);
	t->value = NULL;
	if (a->fault != ORIGIN_FINE)
		return;
	if (a->found && a->ttl_s && !t->spoiled)
		t->value = through_keep(t, v, a);
	else if (!t->spoiled)
		through_forget(t, v, a);
	t->kept = t->value != NULL;
	if (a->found && !t->value)
		t->value = through_value(t, a);
}

/* One whose time is over, but by less than so many seconds. */
static bool through_lapsed(const struct through *t, const struct cache_bytes *key,
			   uint64_t within_s, struct through_found *out)
{
	uint64_t over_ns;
	struct cache_value *v = cache_lapsed(t->config.cache, key, t->config.now_ns(), &over_ns);

	if (v && over_ns < within_s * THROUGH_S_NS) {
		out->value = v;
		out->stale = true;
		origin_note(t->config.origin, key, ORIGIN_STALE);
		cache_found(t->config.cache);
		return true;
	}
	cache_value_put(v);
	return false;
}

/* … where a new one is not to be had. */
static bool through_lapsed_for_want(const struct through *t, const struct cache_bytes *key,
				    struct through_found *out)
{
	return through_lapsed(t, key, origin_rule_of(t->config.origin, key)->error_s, out);
}

static void visit_answer(const struct through *t, struct through_visit *v,
			 const struct origin_answer *a)
{
	const struct cache_bytes key = { v->key, v->key_length };

	if (a->fault != ORIGIN_FINE && through_lapsed_for_want(t, &key, &v->found)) {
		v->answer = THROUGH_FOUND;
	} else if (a->fault != ORIGIN_FINE) {
		v->answer = THROUGH_FAULT;
		v->found.fault = a->fault;
		snprintf(v->found.text, sizeof(v->found.text), "%s", a->text);
	} else if (!a->found) {
		v->answer = THROUGH_ABSENT;
	} else if (!t->value) {
		v->answer = THROUGH_REFUSED;
		v->found.error = -ENOMEM;
	} else {
		v->answer = THROUGH_FOUND;
		v->found.value = cache_value_get(t->value);
		v->found.left_ns = t->spoiled ? 0 : a->ttl_s * THROUGH_S_NS;
	}
}

/* … and why it was not loaded, where it was not. */
static void visit_tell_loader(const struct through *t, const struct through_visit *v,
			      const struct origin_answer *a)
{
	char why[sizeof(v->found.text) + 32];

	if (!v->done)
		return;
	if (a->fault != ORIGIN_FINE)
		snprintf(why, sizeof(why), "%s: %s", origin_fault_name(a->fault), a->text);
	else if (!a->found)
		snprintf(why, sizeof(why), "its origin has nothing under this key");
	else
		snprintf(why, sizeof(why), "%s",
			 t->spoiled ? "it was changed meanwhile" : "it may not be kept");
	v->done(v->ctx, t->kept && a->fault == ORIGIN_FINE ? NULL : why);
}

static int visit_fetch(struct through_visit *v);

static void visit_told(void *ctx, const struct origin_answer *a)
{
	struct through_visit *v = ctx;
	struct through *t = v->through;

	if (a->first)
		through_take(t, v, a);
	/* it came after what overtook the fetch that it joined */
	if (t->spoiled && !v->spoiled && v->who && a->fault == ORIGIN_FINE && !visit_fetch(v))
		return;
	visit_unlink(v);
	if (!v->who) {
		visit_tell_loader(t, v, a);
		visit_close(v);
		return;
	}
	visit_answer(t, v, a);
	if (t->wake)
		t->wake(t->wake_ctx, THROUGH_PLACE + v->slot);
}

static int visit_fetch(struct through_visit *v)
{
	const struct cache_bytes key = { v->key, v->key_length };
	const struct origin_then then = { visit_told, v };

	return origin_fetch(v->through->config.origin, &key, &then);
}

static struct through_visit *through_visit_of(const struct through *t, const void *who)
{
	for (uint32_t i = 0; t->count && i < t->top; i++)
		if (t->waiting[i] && t->waiting[i]->who == who)
			return t->waiting[i];
	return NULL;
}

/* Nobody waits for it. One that does not go goes another time. */
static void through_refresh(struct through *t, const struct cache_bytes *key)
{
	struct through_visit *v;

	if (origin_is_fetching(t->config.origin, key) || visit_open(&v, t, key))
		return;
	v->behind = true;
	if (visit_fetch(v))
		visit_close(v);
}

int through_load(struct through *t, const struct through_load *load)
{
	struct through_visit *v;
	int ret = visit_open(&v, t, load->key);

	if (ret)
		return ret;
	v->behind = true;
	v->ttl_s = load->ttl_s;
	ret = visit_fetch(v);
	if (ret) {
		visit_close(v);
		return ret;
	}
	v->done = load->done;
	v->ctx = load->ctx;
	return 0;
}

/* What memory knows still. */
static enum through_answer through_known(struct through *t, const struct through_look *look,
					 struct through_found *out)
{
	const struct origin_rule *rule = origin_rule_of(t->config.origin, look->key);

	if (!rule)
		return THROUGH_NONE;
	if (cache_is_absent(t->config.cache, look->key, t->config.now_ns())) {
		origin_note(t->config.origin, look->key, ORIGIN_ABSENT);
		return THROUGH_ABSENT;
	}
	if (!through_lapsed(t, look->key, rule->revalidate_s, out))
		return THROUGH_NONE;
	through_refresh(t, look->key);
	return THROUGH_FOUND;
}

enum through_answer through_near(struct through *t, const struct through_look *look,
				 struct through_found *out)
{
	struct through_visit *v = through_visit_of(t, look->who);
	enum through_answer answer;

	*out = (struct through_found){ .value = NULL };
	if (!v)
		return through_known(t, look, out);
	answer = v->answer;
	if (answer == THROUGH_LATER) {
		out->place = THROUGH_PLACE + v->slot;
		return answer;
	}
	*out = v->found;
	v->found.value = NULL;
	visit_vacate(t, v);
	visit_close(v);
	return answer;
}

/* A slot for one more; THROUGH_WAITING: there is none. */
static uint32_t through_slot(const struct through *t)
{
	uint32_t i = 0;

	while (i < t->top && t->waiting[i])
		i++;
	return i;
}

static int through_visit(struct through *t, const struct through_look *look, uint32_t *place)
{
	uint32_t slot = through_slot(t);
	struct through_visit *v;
	int ret;

	if (look->at_once || slot == THROUGH_WAITING) {
		origin_note(t->config.origin, look->key, ORIGIN_CROWDED);
		return -ENOBUFS;
	}
	ret = visit_open(&v, t, look->key);
	if (ret)
		return ret;
	ret = visit_fetch(v);
	if (ret) {
		visit_close(v);
		return ret;
	}
	v->who = look->who;
	v->slot = slot;
	t->waiting[slot] = v;
	t->count++;
	if (slot == t->top)
		t->top++;
	*place = THROUGH_PLACE + slot;
	return 0;
}

enum through_answer through_ask(struct through *t, const struct through_look *look,
				struct through_found *out)
{
	*out = (struct through_found){ .value = NULL };
	if (!origin_rule_of(t->config.origin, look->key))
		return THROUGH_NONE;
	out->error = through_visit(t, look, &out->place);
	if (!out->error)
		return THROUGH_LATER;
	return through_lapsed_for_want(t, look->key, out) ? THROUGH_FOUND : THROUGH_REFUSED;
}

void through_leave(struct through *t, const void *who)
{
	struct through_visit *v = through_visit_of(t, who);

	if (!v)
		return;
	visit_vacate(t, v);
	if (!v->link) /* else it is when it is told */
		visit_close(v);
}

void through_drop(struct through *t, enum drop_kind kind, const struct cache_bytes *text)
{
	static const struct drop all = { .kind = DROP_PREFIX };
	struct drop *d;
	int ret;

	if (!t || !t->first)
		return;
	ret = drop_open(&d, kind, text);
	if (ret != -EINVAL) /* no entry can be meant so */
		through_dropped(t, ret ? &all : d);
	drop_close(d);
}

int through_fd(const struct through *t)
{
	return origin_fd(t->config.origin);
}

uint64_t through_due_ns(const struct through *t)
{
	return origin_due_ns(t->config.origin);
}

void through_step(struct through *t, void (*wake)(void *ctx, uint32_t place), void *ctx)
{
	t->wake = wake;
	t->wake_ctx = ctx;
	origin_step(t->config.origin);
	t->wake = NULL;
	origin_health_tell(&t->health, t->config.origin, t->config.wall_ms());
	cache_value_put(t->value); /* nobody is told of it any more */
	t->value = NULL;
}

const struct origin *through_origin(const struct through *t)
{
	return t->config.origin;
}
