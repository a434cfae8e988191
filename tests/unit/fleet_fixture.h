/*
 * fleet_fixture - a Redis in memory that answers when a test says so, with a fleet in it. To be
 *                 included ahead of the source that asks it.
 */
#ifndef FLEET_FIXTURE_H
#define FLEET_FIXTURE_H

#define redis_get fake_get
#define redis_set fake_set
#define redis_members fake_members
#define redis_time fake_time
#define redis_rank_list fake_list
#define redis_rank_put fake_rank
#define redis_state_get fake_state_get

#include "card.h"
#include "parcel_fixture.h"
#include "redis_client.h"

#define FLEET_NOW_MS INT64_C(1700000000000) /* of the Redis */
#define FLEET_ROWS 4096

enum fake_kind { FLEET_GET, FLEET_SET, FLEET_MEMBERS, FLEET_TIME, FLEET_LIST, FLEET_RANK };

struct fake_row {
	char key[PARCEL_KEY];
	char *bytes;
	size_t length;
	int64_t score; /* of a host in the list */
};

struct fake_asked {
	enum fake_kind kind;
	char key[PARCEL_KEY];
	struct redis_then then;
};

static struct fake_row fake_rows[FLEET_ROWS], fake_names[64];
static struct fake_asked fake_asked[64 * FLEET_ROWS];
static uint32_t fake_row_count, fake_name_count, fake_count, fake_answered;
static const char *fake_bad;       /* keys that have this in them are answered by … */
static enum redis_fault fake_says; /* … this fault */
static int fake_refusal;           /* nothing can be asked */
static uint64_t fake_now_ns;
static struct redis_state fake_redis;
static int64_t fake_ms = FLEET_NOW_MS;
static uint64_t fake_ttl_ms;
static struct redis_rank fake_ranked;

static inline void fake_reset(void)
{
	for (uint32_t i = 0; i < fake_row_count; i++)
		free(fake_rows[i].bytes);
	fake_row_count = fake_name_count = fake_count = fake_answered = 0;
	fake_bad = NULL;
	fake_refusal = 0;
	fake_now_ns = SECOND;
	fake_ms = FLEET_NOW_MS;
	fake_redis = (struct redis_state){ .ready = true };
}

static inline uint64_t fake_now(void)
{
	return fake_now_ns;
}

static inline struct fake_row *fake_find(const char *key)
{
	for (uint32_t i = 0; i < fake_row_count; i++)
		if (!strcmp(fake_rows[i].key, key))
			return &fake_rows[i];
	return NULL;
}

static inline struct fake_row *fake_must(const char *key)
{
	struct fake_row *row = fake_find(key);

	if (!row) {
		fail_msg("%s is not there", key);
		abort(); /* which the compiler believes */
	}
	return row;
}

static inline void fake_keep(const char *key, const void *bytes, size_t length)
{
	struct fake_row *row = fake_find(key);

	if (!row)
		row = &fake_rows[fake_row_count++];
	else
		free(row->bytes);
	assert_true(fake_row_count <= FLEET_ROWS);
	snprintf(row->key, sizeof(row->key), "%s", key);
	row->bytes = malloc(length + 1);
	memcpy(row->bytes, bytes, length);
	row->bytes[length] = '\0';
	row->length = length;
}

static inline int fake_ask_of(enum fake_kind kind, const struct redis_text *key,
			      const struct redis_then *then)
{
	struct fake_asked *a = &fake_asked[fake_count];

	if (fake_refusal)
		return fake_refusal;
	assert_true(fake_count < sizeof(fake_asked) / sizeof(fake_asked[0]));
	fake_count++;
	a->kind = kind;
	a->then = *then;
	memcpy(a->key, key->bytes, key->length);
	a->key[key->length] = '\0';
	return 0;
}

int fake_get(struct redis *r, const struct redis_text *key, const struct redis_then *then)
{
	(void)r;
	return fake_ask_of(FLEET_GET, key, then);
}

int fake_set(struct redis *r, const struct redis_text *key, const struct redis_text *value,
	     uint64_t ttl_ms, const struct redis_then *then)
{
	int ret = fake_ask_of(FLEET_SET, key, then);

	(void)r;
	fake_ttl_ms = ttl_ms;
	if (!ret && !fake_bad)
		fake_keep(fake_asked[fake_count - 1].key, value->bytes, value->length);
	return ret;
}

int fake_members(struct redis *r, const struct redis_text *key, const struct redis_then *then)
{
	(void)r;
	return fake_ask_of(FLEET_MEMBERS, key, then);
}

int fake_time(struct redis *r, const struct redis_text *key, const struct redis_then *then)
{
	(void)r;
	return fake_ask_of(FLEET_TIME, key, then);
}

int fake_list(struct redis *r, const struct redis_text *key, uint32_t most,
	      const struct redis_then *then)
{
	(void)r;
	(void)most;
	return fake_ask_of(FLEET_LIST, key, then);
}

int fake_rank(struct redis *r, const struct redis_text *key, const struct redis_rank *rank,
	      const struct redis_then *then)
{
	(void)r;
	fake_ranked = *rank;
	return fake_ask_of(FLEET_RANK, key, then);
}

void fake_state_get(const struct redis *r, struct redis_state *out)
{
	(void)r;
	*out = fake_redis;
}

static inline struct redis_value *fake_text(const void *bytes, size_t length)
{
	struct redis_value *v = calloc(1, sizeof(*v) + length + 1);

	v->type = REDIS_STRING;
	v->length = length;
	memcpy(v->text, bytes, length);
	return v;
}

static inline struct redis_value *fake_number(int64_t number)
{
	char text[32];

	return fake_text(text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)number));
}

static inline struct redis_value *fake_array(size_t most)
{
	struct redis_value *v = calloc(1, sizeof(*v));

	v->type = REDIS_ARRAY;
	v->items = calloc(most + 1, sizeof(struct redis_value *));
	return v;
}

/* The members of a set are its bytes, parted by blanks. */
static inline struct redis_value *fake_value_members(const char *key)
{
	struct fake_row *row = fake_find(key);
	struct redis_value *v = fake_array(row ? row->length : 0);

	for (const char *at = row ? row->bytes : ""; *at;) {
		size_t n = strcspn(at, " ");

		v->items[v->count++] = fake_text(at, n);
		at += n + (at[n] == ' ');
	}
	return v;
}

static inline struct redis_value *fake_value(const struct fake_asked *a)
{
	struct fake_row *row = fake_find(a->key);
	struct redis_value *v;

	switch (a->kind) {
	case FLEET_GET:
		if (row)
			return fake_text(row->bytes, row->length);
		v = calloc(1, sizeof(*v) + 1);
		v->type = REDIS_NIL;
		return v;
	case FLEET_MEMBERS:
		return fake_value_members(a->key);
	case FLEET_TIME:
		v = fake_array(2);
		v->items[v->count++] = fake_number(fake_ms / 1000);
		v->items[v->count++] = fake_number(fake_ms % 1000 * 1000);
		return v;
	case FLEET_LIST:
		v = fake_array(2 * (size_t)fake_name_count);
		for (uint32_t i = 0; i < fake_name_count; i++) {
			v->items[v->count++] =
				fake_text(fake_names[i].key, strlen(fake_names[i].key));
			v->items[v->count++] = fake_number(fake_names[i].score);
		}
		return v;
	default:
		return fake_array(0);
	}
}

/* True: one was answered. */
static inline bool fake_answer(void)
{
	struct fake_asked a;
	struct redis_value *v;

	if (fake_answered == fake_count)
		return false;
	a = fake_asked[fake_answered++];
	if (fake_bad && strstr(a.key, fake_bad)) {
		a.then.done(a.then.ctx, fake_says, NULL);
		return true;
	}
	v = fake_value(&a);
	a.then.done(a.then.ctx, REDIS_FINE, v);
	redis_value_free(v);
	return true;
}

static inline void fake_answer_all(void)
{
	while (fake_answer())
		;
}

/* A host that was heard of `ago_ms` ago; its card tells all slots but the newest. */
static inline struct card fake_card(const char *host, int64_t ago_ms)
{
	struct card card = { .schema = CARD_SCHEMA,
			     .agent = "0123456789abcdef",
			     .version = "1",
			     .at_ms = FLEET_NOW_MS - ago_ms,
			     .started_ms = FLEET_NOW_MS - 86400000,
			     .base_ms = 1000,
			     .gone_after_ms = 30000,
			     .services = 1 };

	snprintf(card.host, sizeof(card.host), "%s", host);
	for (uint32_t i = 0; i < CARD_STEPS; i++) {
		int64_t until = parcel_number_at((enum series_step)(SERIES_COARSE + i),
						 FLEET_NOW_MS - ago_ms) -
				1;

		card.slots[i] = (struct card_slots){ 1, until, until, until };
	}
	return card;
}

static inline void fake_host_keep(const struct card *card)
{
	struct fake_row *name = &fake_names[fake_name_count++];
	char key[PARCEL_KEY];
	struct json j;

	snprintf(name->key, sizeof(name->key), "%s", card->host);
	name->score = card->at_ms;
	json_init(&j);
	card_put(card, &j);
	assert_int_equal(json_finish(&j), 0);
	card_key_put(card->host, key);
	fake_keep(key, j.bytes, j.length);
	json_fini(&j);
}

static inline void fake_services_keep(const char *host, const char *members)
{
	char key[PARCEL_KEY];

	parcel_index_put(host, key);
	fake_keep(key, members, strlen(members));
}

/* The parcel of a service in one slot: requests + 1 of it, as parcel_of has them. */
static inline void fake_parcel_keep(const struct card *card, const char *service,
				    enum series_step step, int64_t number, uint32_t requests)
{
	struct parcel_label label = parcel_label(step, series_step_s[step]);
	char key[PARCEL_KEY];
	struct parcel p;

	label.wall_offset_ms = parcel_number_ms(step, number) + card->base_ms -
			       (int64_t)series_step_s[step] * 1000;
	memset(label.host, 0, sizeof(label.host));
	memset(label.service, 0, sizeof(label.service));
	memset(label.environment, 0, sizeof(label.environment));
	snprintf(label.host, sizeof(label.host), "%s", card->host);
	snprintf(label.service, sizeof(label.service), "%s", service);
	p = parcel_of(&label, requests);
	parcel_key_put(&label, number, key);
	fake_keep(key, p.bytes, p.size);
}

#endif
