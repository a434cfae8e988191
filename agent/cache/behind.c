#include "behind.h"

#include "capsule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BEHIND_S_NS UINT64_C(1000000000)

struct behind_question {
	uint64_t id; /* 0: the place is free */
	unsigned char *key;
	size_t key_length;
	uint64_t asked_ns, answered_ns; /* answered_ns 0: not yet */
	uint32_t waiting;               /* requests that were told later */
	bool spoiled;                   /* a write overtook it: its answer is of before */
	struct cache_value *value;      /* NULL: nobody has it */
	uint64_t expires_ns;
};

struct behind {
	struct cache *cache;
	struct bridge *bridge;
	uint64_t wait_ns, id;
	struct behind_question questions[BEHIND_QUESTIONS];
	uint32_t top; /* none beyond it is used */
	struct behind_counts counts;
	void (*heard)(void *ctx, const struct drop *d); /* NULL: nobody is told */
	void *heard_ctx;
};

int behind_open(struct behind **out, struct cache *cache, struct bridge *bridge, uint64_t wait_ns)
{
	struct behind *b = calloc(1, sizeof(*b));

	*out = b;
	if (!b)
		return -ENOMEM;
	b->cache = cache;
	b->bridge = bridge;
	b->wait_ns = wait_ns;
	return 0;
}

static void behind_end(struct behind_question *q)
{
	cache_value_put(q->value);
	free(q->key);
	memset(q, 0, sizeof(*q));
}

void behind_close(struct behind *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->top; i++)
		behind_end(&b->questions[i]);
	free(b);
}

static struct behind_question *behind_find(struct behind *b, const struct cache_bytes *key)
{
	for (uint32_t i = 0; i < b->top; i++) {
		struct behind_question *q = &b->questions[i];

		if (q->id && q->key_length == key->length && !memcmp(q->key, key->at, key->length))
			return q;
	}
	return NULL;
}

/* A place with the key in it; NULL: there is none, or no memory. */
static struct behind_question *behind_place(struct behind *b, const struct cache_bytes *key)
{
	uint32_t i = 0;

	while (i < b->top && b->questions[i].id)
		i++;
	if (i == BEHIND_QUESTIONS)
		return NULL;
	b->questions[i].key = malloc(key->length);
	if (!b->questions[i].key)
		return NULL;
	memcpy(b->questions[i].key, key->at, key->length);
	b->questions[i].key_length = key->length;
	if (i == b->top)
		b->top++;
	return &b->questions[i];
}

/* Asks, or asks anew: an answer that is on its way still is no answer to this one. */
static int behind_send(struct behind *b, struct behind_question *q, uint64_t now_ns)
{
	const struct cache_bytes key = { q->key, q->key_length };
	struct letter *l = letter_open(LETTER_ASK, &key);
	int ret = l ? 0 : -ENOMEM;

	if (l) {
		l->id = b->id + 1;
		ret = bridge_put(&b->bridge->there, l);
	}
	if (ret) {
		letter_close(l);
		return ret;
	}
	cache_value_put(q->value);
	q->value = NULL;
	q->id = ++b->id;
	q->asked_ns = now_ns;
	q->answered_ns = 0;
	q->spoiled = false;
	return 0;
}

/* What was answered, to one who waited for it or who comes in the same moment. */
static enum behind_answer behind_give(struct behind_question *q, const struct behind_look *look,
				      struct behind_found *out)
{
	bool found = q->value && look->now_ns < q->expires_ns;

	if (found) {
		out->value = cache_value_get(q->value);
		out->left_ns = q->expires_ns - look->now_ns;
	}
	if (look->again && q->waiting && !--q->waiting)
		behind_end(q);
	return found ? BEHIND_FOUND : BEHIND_NONE;
}

/* One that was told later. */
static enum behind_answer behind_ask_again(struct behind *b, const struct behind_look *look,
					   struct behind_found *out)
{
	struct behind_question *q = behind_find(b, look->key);
	enum behind_answer answer = BEHIND_NONE;

	out->value = cache_peek(b->cache, look->key, look->now_ns, &out->left_ns);
	if (q && !q->answered_ns && !out->value && !look->at_once &&
	    look->now_ns < q->asked_ns + b->wait_ns) {
		out->place = (uint32_t)(q - b->questions) + 1;
		return BEHIND_LATER;
	}
	if (q && !q->answered_ns && !out->value)
		b->counts.late++;
	if (out->value) { /* as it came, or as somebody wrote it meanwhile */
		answer = BEHIND_FOUND;
		if (q && q->answered_ns && q->waiting && !--q->waiting)
			behind_end(q);
	} else if (q && q->answered_ns) {
		answer = behind_give(q, look, out);
	}
	return answer;
}

/* A question that may be joined, or one that is asked now. */
static enum behind_answer behind_join(struct behind *b, const struct behind_look *look,
				      struct behind_found *out)
{
	struct behind_question *q = behind_find(b, look->key);
	bool joins = q && !q->answered_ns && !q->spoiled;

	if (look->at_once || atomic_load_explicit(&b->bridge->away, memory_order_relaxed) ||
	    (joins && look->now_ns >= q->asked_ns + b->wait_ns))
		return BEHIND_NONE;
	if (!q)
		q = behind_place(b, look->key);
	if (!q || (!joins && behind_send(b, q, look->now_ns))) {
		if (q && !q->id)
			behind_end(q);
		return BEHIND_NONE;
	}
	b->counts.coalesced += joins;
	q->waiting++;
	out->place = (uint32_t)(q - b->questions) + 1;
	return BEHIND_LATER;
}

enum behind_answer behind_ask(struct behind *b, const struct behind_look *look,
			      struct behind_found *out)
{
	struct behind_question *q = look->again ? NULL : behind_find(b, look->key);
	enum behind_answer answer;

	*out = (struct behind_found){ .value = NULL };
	if (look->again) {
		answer = behind_ask_again(b, look, out);
	} else if (q && q->answered_ns == look->now_ns && !q->spoiled) {
		answer = behind_give(q, look, out);
	} else {
		answer = behind_join(b, look, out);
		b->counts.unasked += answer == BEHIND_NONE;
		return answer;
	}
	b->counts.hits += answer == BEHIND_FOUND;
	b->counts.misses += answer == BEHIND_NONE;
	if (answer == BEHIND_FOUND)
		cache_found(b->cache);
	return answer;
}

/* What is under way may come back as it was before this. */
static void behind_spoil(struct behind *b, const struct drop *d)
{
	for (uint32_t i = 0; i < b->top; i++) {
		struct behind_question *q = &b->questions[i];
		const struct cache_bytes key = { q->key, q->key_length };

		if (q->id && drop_takes(d, &key, NULL))
			q->spoiled = true;
	}
}

void behind_drop(struct behind *b, enum drop_kind kind, const struct cache_bytes *text)
{
	struct drop *d;

	if (!b)
		return;
	if (drop_open(&d, kind, text)) /* no entry can be meant so; or no memory, which is said */
		return;
	behind_spoil(b, d);
	*(bridge_drop(&b->bridge->there, d) ? &b->counts.lost_drops : &b->counts.sent) += 1;
}

/* The letter with what the memory tier has of it; NULL: it is too long, or there is no memory. */
static struct letter *behind_capsule(const struct behind *b, const struct cache_put *put)
{
	struct capsule c = { .key = put->key };
	struct letter *l = NULL;
	struct cache_value *v;
	uint64_t left_ns;

	v = cache_peek(b->cache, &put->key, put->now_ns, &left_ns);
	if (!v)
		return NULL;
	c.value = (struct cache_stored){ .bytes = { v->bytes, v->stored },
					 .type = v->type,
					 .tags = v->tags,
					 .length = v->length,
					 .packed = v->packed,
					 .checksum = v->checksum,
					 .created_ms = v->created_ms };
	c.ttl_s = left_ns / BEHIND_S_NS;
	if (v->stored <= BEHIND_VALUE)
		l = letter_open(LETTER_SET, &put->key);
	if (l && (capsule_make(&c, &l->capsule, &l->length) ||
		  (*v->tags && !(l->tags = strdup(v->tags))))) {
		letter_close(l);
		l = NULL;
	}
	if (l)
		l->expires_ns = put->now_ns + left_ns;
	cache_value_put(v);
	return l;
}

void behind_wrote(struct behind *b, const struct cache_put *put)
{
	struct behind_question *q = b ? behind_find(b, &put->key) : NULL;
	struct letter *l;

	if (!b)
		return;
	if (q)
		q->spoiled = true;
	l = behind_capsule(b, put);
	if (l && !bridge_put(&b->bridge->there, l)) {
		b->counts.sent++;
		return;
	}
	letter_close(l);
	b->counts.lost_sets++;
	/* nothing is found there rather than something older */
	behind_drop(b, DROP_KEY, &put->key);
}

/* The place that it was asked from; BEHIND_QUESTIONS: nobody waits for it any more. */
static uint32_t behind_asker(const struct behind *b, uint64_t id)
{
	for (uint32_t i = 0; i < b->top; i++)
		if (b->questions[i].id == id)
			return i;
	return BEHIND_QUESTIONS;
}

static void behind_told(struct behind *b, struct behind_question *q, const struct letter *l,
			uint64_t now_ns)
{
	const struct cache_bytes key = { q->key, q->key_length };
	const struct cache_lease lease = { now_ns, l->left_ns };

	q->answered_ns = now_ns;
	if (!l->value)
		return;
	q->expires_ns = now_ns + l->left_ns;
	q->value = cache_value_get(l->value);
	if (!q->spoiled) /* without room in memory it is given all the same */
		cache_adopt(b->cache, &key, l->value, &lease);
}

static void behind_apply(struct behind *b, const struct drop *d, uint64_t now_ns)
{
	/* without memory it is all of it, as soon as there is some */
	if (drop_apply(d, b->cache, now_ns))
		bridge_overflow(&b->bridge->back);
	behind_spoil(b, d);
	if (b->heard)
		b->heard(b->heard_ctx, d);
}

static void behind_lost(struct behind *b, uint64_t now_ns)
{
	static const struct drop all = { .kind = DROP_PREFIX };

	behind_apply(b, &all, now_ns);
}

/* Whoever waited has left, or no answer came. */
static void behind_sweep(struct behind *b, uint64_t now_ns)
{
	for (uint32_t i = 0; i < b->top; i++) {
		struct behind_question *q = &b->questions[i];
		uint64_t since_ns = q->answered_ns ? q->answered_ns : q->asked_ns + b->wait_ns;

		if (q->id && now_ns >= since_ns + BEHIND_S_NS)
			behind_end(q);
	}
	while (b->top && !b->questions[b->top - 1].id)
		b->top--;
}

void behind_tell(struct behind *b)
{
	bridge_tell(&b->bridge->there);
}

void behind_listen(struct behind *b, void (*heard)(void *ctx, const struct drop *d), void *ctx)
{
	b->heard = heard;
	b->heard_ctx = ctx;
}

int behind_fd(const struct behind *b)
{
	return b->bridge->back.wake;
}

void behind_hear(struct behind *b, uint64_t now_ns, void (*wake)(void *ctx, uint32_t place),
		 void *ctx)
{
	struct letter *next, *first;
	bool lost;

	first = bridge_take(&b->bridge->back, &lost);
	if (lost)
		behind_lost(b, now_ns);
	for (struct letter *l = first; l; l = next) {
		uint32_t place = BEHIND_QUESTIONS;

		next = l->next;
		if (l->kind == LETTER_DROP)
			behind_apply(b, l->drop, now_ns);
		else
			place = behind_asker(b, l->id);
		if (place < BEHIND_QUESTIONS) {
			behind_told(b, &b->questions[place], l, now_ns);
			wake(ctx, place + 1);
		}
		letter_close(l);
	}
	behind_sweep(b, now_ns);
}

void behind_counts_get(const struct behind *b, struct behind_counts *out)
{
	*out = b->counts;
}

void behind_state_get(const struct behind *b, struct bridge_state *out)
{
	bridge_state_get(b->bridge, out);
	out->progress.pending += b->counts.sent - out->progress.seen;
}
