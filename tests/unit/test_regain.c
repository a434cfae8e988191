/* The Redis and the history are the test's: what is asked is kept, and answered when it likes. */
#define redis_get fake_get
#define redis_members fake_members
#define redis_state_get fake_state_get
#define store_state_get fake_store_state_get
#define store_lacks fake_lacks
#define store_give fake_give
#include "../../agent/regain.c"
#include "parcel_fixture.h"

#define NOW_MS INT64_C(1700000000000)
#define ASKED 200000

struct asked {
	char key[PARCEL_KEY];
	struct redis_then then;
};

static struct asked *asked;
static uint32_t count, answered, index_asked, given, given_parcels;
static struct redis_then index_then;
static bool ready, history_ready, busy;
static int refusal;
static int64_t lacks_from_ms, lacks_until_ms; /* nothing but what lies in there */
static struct regain *r;

void fake_state_get(const struct redis *redis, struct redis_state *out)
{
	(void)redis;
	*out = (struct redis_state){ .ready = ready };
}

void fake_store_state_get(struct store *s, struct store_state *out)
{
	(void)s;
	*out = (struct store_state){ .is_ready = history_ready };
}

bool fake_lacks(struct store *s, enum series_step step, int64_t from_ms, int64_t until_ms)
{
	(void)s;
	(void)step;
	return from_ms < lacks_until_ms && until_ms > lacks_from_ms;
}

int fake_give(struct store *s, struct stock *k)
{
	(void)s;
	if (busy)
		return -EAGAIN;
	given++;
	given_parcels += k->count;
	stock_fini(k);
	return 0;
}

int fake_get(struct redis *redis, const struct redis_text *key, const struct redis_then *then)
{
	(void)redis;
	if (refusal)
		return refusal;
	assert_true(count < ASKED);
	memcpy(asked[count].key, key->bytes, key->length + 1);
	asked[count++].then = *then;
	return 0;
}

int fake_members(struct redis *redis, const struct redis_text *key, const struct redis_then *then)
{
	(void)redis;
	assert_string_equal((const char *)key->bytes, "agg:{web-1}");
	index_then = *then;
	index_asked++;
	return refusal;
}

static int setup(void **state)
{
	const struct regain_config config = { .host = "web-1", .boot = "b\n", .ttl_ms = 7200000 };

	(void)state;
	asked = calloc(ASKED, sizeof(*asked));
	count = answered = index_asked = given = given_parcels = 0;
	ready = history_ready = true;
	busy = false;
	refusal = 0;
	lacks_from_ms = 0;
	lacks_until_ms = INT64_MAX;
	return !asked || regain_open(&r, &config);
}

static void answer(enum redis_fault fault, const struct redis_value *v)
{
	struct asked *a = &asked[answered++];

	a->then.done(a->then.ctx, fault, v);
}

static int teardown(void **state)
{
	(void)state;
	ready = false;
	refusal = -EHOSTDOWN;
	while (answered < count)
		answer(REDIS_CLOSED, NULL);
	regain_close(r);
	free(asked);
	return 0;
}

static struct redis_value *text_of(const void *bytes, size_t length)
{
	struct redis_value *v = calloc(1, sizeof(*v) + length + 1);

	v->type = REDIS_STRING;
	v->length = length;
	memcpy(v->text, bytes, length);
	return v;
}

static void index_of(const char *const names[], size_t names_count)
{
	struct redis_value *items[8];
	struct redis_value v = { .type = REDIS_ARRAY, .count = names_count, .items = items };

	for (size_t i = 0; i < names_count; i++)
		items[i] = text_of(names[i], strlen(names[i]));
	index_then.done(index_then.ctx, REDIS_FINE, &v);
	for (size_t i = 0; i < names_count; i++)
		free(items[i]);
}

static void second(void)
{
	regain_second(r, NOW_MS);
}

static void begin(void)
{
	static const char *const names[] = { "shop:live", "api:" };

	second();
	assert_int_equal(index_asked, 1);
	index_of(names, 2);
}

/* What the one that is due asks for, as an agent would have put it. */
static struct redis_value *right(const char *key)
{
	const char *number = strrchr(key, ':'), *step = number;
	struct parcel_label label = parcel_label(SERIES_COARSE, 0);
	struct parcel p;

	while (step[-1] != ':')
		step--;
	if (!strncmp(step, "300:", 4))
		label.step = SERIES_WIDE;
	label.second = 3000;
	label.wall_offset_ms = parcel_number_ms(label.step, atoll(number + 1)) - 3000000 + 700;
	memcpy(label.boot, "b", 2);
	if (strstr(key, "}:api:")) {
		memset(label.service, 0, sizeof(label.service));
		memset(label.environment, 0, sizeof(label.environment));
		memcpy(label.service, "api", 3);
	}
	p = parcel_of(&label, 3);
	return text_of(p.bytes, p.size);
}

static void answer_right(void)
{
	struct redis_value *v = right(asked[answered].key);

	answer(REDIS_FINE, v);
	free(v);
}

static void answer_nothing(void)
{
	const struct redis_value nil = { .type = REDIS_NIL };

	answer(REDIS_FINE, &nil);
}

static void shown(const char *text)
{
	char out[REGAIN_TEXT];

	regain_show(r, out);
	assert_string_equal(out, text);
}

static void it_waits_for_a_redis_and_for_the_history(void **state)
{
	(void)state;
	ready = false;
	second();
	ready = true;
	history_ready = false;
	second();
	assert_int_equal(index_asked, 0);
	shown("fetching waits: 0 slots");
	history_ready = true;
	second();
	assert_int_equal(index_asked, 1);
}

static void all_that_is_lacking_is_fetched_and_given_in_parts(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 1000 && r->phase != REGAIN_DONE; i++) {
		while (answered < count)
			answer_right();
		second();
	}
	assert_int_equal(r->phase, REGAIN_DONE);
	/* of two hours: 721 slots of ten seconds, 25 of five minutes, two services */
	assert_int_equal(count, 2 * (721 + 25));
	assert_int_equal(given, 12 + 1);
	assert_int_equal(given_parcels, count);
	assert_int_equal(r->counts.fetched, count);
	assert_int_equal(r->counts.refused + r->counts.again, 0);
	assert_null(strchr(asked[0].key, '*'));
	assert_string_equal(asked[0].key, "agg:{web-1}:shop:live:10:169999280");
	assert_string_equal(asked[count - 1].key, "agg:{web-1}:api::300:5666666");
	shown("fetched: 1492 slots");
	second();
	assert_int_equal(count, 1492); /* once */
}

static void no_more_are_under_way_than_is_fair(void **state)
{
	(void)state;
	begin();
	assert_int_equal(count, REGAIN_FLYING);
	answer_nothing();
	assert_int_equal(count, REGAIN_FLYING + 1);
}

static void what_the_history_has_is_not_asked_for(void **state)
{
	(void)state;
	lacks_from_ms = NOW_MS - 100000;
	lacks_until_ms = NOW_MS - 70000;
	begin();
	while (answered < count)
		answer_nothing();
	second();
	assert_int_equal(r->phase, REGAIN_DONE);
	assert_int_equal(given, 0);
	assert_in_range(count, 2 * (4 + 1),
			2 * (5 + 2)); /* a slot has three ends that may lie in it */
}

static void refuses(struct redis_value *v)
{
	uint64_t refused = r->counts.refused;

	answer(REDIS_FINE, v);
	free(v);
	assert_int_equal(r->counts.refused, refused + 1);
}

static void what_is_not_the_parcel_of_its_place_is_refused(void **state)
{
	struct redis_value *v;

	(void)state;
	begin();
	refuses(text_of("", 0));
	refuses(text_of("{\"a\": \"cache's value\"}", 22));
	v = right(asked[answered].key);
	v->text[v->length / 2] ^= 1;
	refuses(v);
	refuses(right(asked[answered + 2].key));             /* of another slot … */
	refuses(right("agg:{web-1}:api::10:169999284"));     /* … service … */
	refuses(right("agg:{web-1}:shop:live:300:5666642")); /* … and step */
	answer(REDIS_WRONGTYPE, NULL);
	assert_int_equal(r->counts.refused, 7);
	assert_false(r->has_failed);
	answer_right();
	assert_int_equal(r->counts.fetched, 1);
	assert_int_equal(r->stock.count, 1);
	assert_string_equal(r->stock.at[0]->label.boot, "b\n"); /* as the history has it */
}

static void names_that_are_none_are_refused(void **state)
{
	static const char *const names[] = { "no colon", "a%zz:", "shop:live", "" };

	(void)state;
	second();
	index_of(names, 4);
	assert_int_equal(r->counts.refused, 3);
	assert_int_equal(r->service_count, 1);
}

static void without_an_index_there_is_nothing_to_do(void **state)
{
	(void)state;
	second();
	index_of(NULL, 0);
	second();
	assert_int_equal(r->phase, REGAIN_DONE);
	assert_int_equal(count, 0);
	shown("fetched: 0 slots");
}

static void a_part_that_was_cut_short_is_fetched_again(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 10; i++)
		answer_right();
	while (answered < count)
		answer(REDIS_LOST, NULL);
	assert_int_equal(r->counts.again, 0); /* in the next second, or when there is one */
	ready = false;
	second();
	assert_int_equal(r->counts.again, 0);
	ready = true;
	second();
	assert_int_equal(r->counts.again, 1);
	second();
	assert_string_equal(asked[answered].key, asked[0].key);
	for (int i = 0; i < 1000 && r->phase != REGAIN_DONE; i++) {
		while (answered < count)
			answer_right();
		second();
	}
	assert_int_equal(given_parcels, 2 * (721 + 25));
}

static void what_fails_again_and_again_ends(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 100 && r->phase != REGAIN_DONE; i++) {
		while (answered < count)
			answer(REDIS_TIMEOUT, NULL);
		second();
	}
	assert_int_equal(r->phase, REGAIN_DONE);
	assert_int_equal(r->counts.again, REGAIN_TRIES - 1);
	shown("not fetched: timeout");
}

static void an_index_that_fails_is_asked_again(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= REGAIN_TRIES; i++) {
		while (index_asked < i)
			second();
		index_then.done(index_then.ctx, REDIS_NOPERM, NULL);
	}
	for (int i = 0; i < 5; i++)
		second();
	assert_int_equal(r->phase, REGAIN_DONE);
	assert_int_equal(index_asked, REGAIN_TRIES);
	shown("not fetched: NOPERM");
}

static void a_history_that_is_busy_is_waited_for(void **state)
{
	(void)state;
	begin();
	busy = true;
	while (answered < count && r->phase == REGAIN_PARTS)
		answer_right();
	assert_int_equal(r->phase, REGAIN_GIVES);
	second();
	assert_int_equal(given, 0);
	busy = false;
	second();
	assert_int_equal(given, 1);
	assert_int_equal(given_parcels, 2 * 64);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(it_waits_for_a_redis_and_for_the_history),
		WITH(all_that_is_lacking_is_fetched_and_given_in_parts),
		WITH(no_more_are_under_way_than_is_fair),
		WITH(what_the_history_has_is_not_asked_for),
		WITH(what_is_not_the_parcel_of_its_place_is_refused),
		WITH(names_that_are_none_are_refused),
		WITH(without_an_index_there_is_nothing_to_do),
		WITH(a_part_that_was_cut_short_is_fetched_again),
		WITH(what_fails_again_and_again_ends),
		WITH(an_index_that_fails_is_asked_again),
		WITH(a_history_that_is_busy_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
