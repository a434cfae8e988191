/* The Redis is the test's: what is put there is kept, and told when the test likes. */
#define redis_set fake_set
#define redis_member_add fake_member_add
#define redis_state_get fake_state_get
#include "../../agent/deposit.c"
#include "metrics_fixture.h"
#include "registry.h"

#define BEGIN 30000u
#define FAKES 4096

struct fake {
	char key[PARCEL_KEY];
	uint8_t *bytes;
	size_t size;
	uint64_t ttl_ms;
	struct redis_then then;
};

static struct fake fakes[FAKES]; /* in the order in which they were put */
static uint32_t put, told, members;
static uint64_t member_ttl_ms;
static char member[PARCEL_MEMBER];
static struct redis_then member_then;
static bool ready;
static int refusal; /* of the client */
static struct fixture x;
static struct deposit *d;
static int64_t wall_offset_ms;

void fake_state_get(const struct redis *r, struct redis_state *out)
{
	(void)r;
	*out = (struct redis_state){ .ready = ready };
}

int fake_set(struct redis *r, const struct redis_text *key, const struct redis_text *value,
	     uint64_t ttl_ms, const struct redis_then *then)
{
	struct fake *f = &fakes[put];

	(void)r;
	if (refusal)
		return refusal;
	assert_true(put < FAKES && key->length < sizeof(f->key));
	memcpy(f->key, key->bytes, key->length + 1);
	f->bytes = malloc(value->length);
	memcpy(f->bytes, value->bytes, value->length);
	f->size = value->length;
	f->ttl_ms = ttl_ms;
	f->then = *then;
	put++;
	return 0;
}

int fake_member_add(struct redis *r, const struct redis_text *key, const struct redis_text *text,
		    uint64_t ttl_ms, const struct redis_then *then)
{
	(void)r;
	assert_string_equal((const char *)key->bytes, "agg:{web-1}");
	memcpy(member, text->bytes, text->length + 1);
	member_ttl_ms = ttl_ms;
	member_then = *then;
	members++;
	return 0;
}

static void tell(enum redis_fault fault)
{
	while (told < put) {
		struct fake *f = &fakes[told++];

		f->then.done(f->then.ctx, fault, NULL);
	}
}

static void open_deposit(uint64_t budget)
{
	const struct deposit_config config = { .metrics = x.m,
					       .host = "web-1",
					       .boot = "11111111-1111-1111-1111-111111111111\n",
					       .budget = budget,
					       .ttl_ms = 86400000 };

	assert_int_equal(deposit_open(&d, &config), 0);
}

static int setup(void **state)
{
	(void)state;
	put = told = members = 0;
	refusal = 0;
	ready = true;
	wall_offset_ms = INT64_C(1700000000000);
	fixture_open(&x, BEGIN * SECOND);
	open_deposit(65536);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tell(REDIS_CLOSED);
	for (uint32_t i = 0; i < put; i++)
		free(fakes[i].bytes);
	deposit_close(d);
	metrics_close(x.m);
	return 0;
}

/* A request a second, of two routes by turns. */
static void request(uint64_t at)
{
	fixture_request_as(&x, &x.target, at * SECOND, MILLISECOND, at % 2 ? "/a" : "/b", 200, 0);
	fixture_counters(&x, &x.target, 1, 1, at * SECOND);
	fixture_tick(&x, at * SECOND);
	x.m->wall_offset_ms = wall_offset_ms;
}

/* Up to and with `to`; each answer is fine. */
static void live(uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at <= to; at++) {
		request(at);
		deposit_second(d, at * SECOND);
		tell(REDIS_FINE);
	}
}

/* Requests of the service in this one. */
static uint64_t requests_of(const struct fake *f, struct parcel_label *label)
{
	struct parcel_series series;
	struct column_reader r;
	uint64_t count = 0;

	assert_null(parcel_check(f->bytes, f->size, label, NULL));
	r = parcel_read(f->bytes, f->size, label);
	while (parcel_next(&r, label, &series))
		if (series.key.kind == EXPORT_SERVICE)
			count += slot_unpack_count(series.bytes, series.size);
	return count;
}

/* How many slots of the step are there, each once, with all requests of their time. */
static uint32_t slots_of(enum series_step step, uint64_t expected)
{
	uint32_t slots = 0;

	for (uint32_t i = 0; i < put; i++) {
		struct parcel_label label;
		char key[PARCEL_KEY];
		uint64_t requests = requests_of(&fakes[i], &label);

		if (label.step != step)
			continue;
		assert_int_equal(requests, expected);
		parcel_key_put(&label, parcel_number(step, label.second, label.wall_offset_ms),
			       key);
		assert_string_equal(fakes[i].key, key);
		for (uint32_t j = 0; j < i; j++)
			assert_true(strcmp(fakes[i].key, fakes[j].key) != 0);
		slots++;
	}
	return slots;
}

static void each_slot_of_a_service_is_put_once_it_is_complete(void **state)
{
	struct parcel_label label;

	(void)state;
	live(BEGIN, BEGIN + 1000);
	assert_int_equal(slots_of(SERIES_COARSE, 10), 99); /* 1000 is a part of the next one */
	assert_int_equal(slots_of(SERIES_WIDE, 300), 3);
	requests_of(&fakes[0], &label);
	assert_string_equal(label.boot, "11111111-1111-1111-1111-111111111111");
	assert_string_equal(label.host, "web-1");
	assert_string_equal(label.service, "shop");
	assert_int_equal(fakes[0].ttl_ms, 7200000);
	for (uint32_t i = 0; i < put; i++) {
		requests_of(&fakes[i], &label);
		assert_int_equal(fakes[i].ttl_ms, label.step == SERIES_WIDE ? 86400000 : 7200000);
	}
	assert_int_equal(d->counts.parcels, put);
	assert_int_equal(d->counts.refused + d->counts.again + d->counts.over_budget +
				 d->counts.missed + d->counts.left_out,
			 0);
	assert_int_equal(d->counts.behind_s, 0);
}

static void the_index_names_each_service_each_quarter_of_an_hour(void **state)
{
	(void)state;
	live(BEGIN, BEGIN + 800);
	assert_int_equal(members, 1);
	assert_string_equal(member, "shop:");
	assert_int_equal(member_ttl_ms, 86400000 + 3600000);
	live(BEGIN + 801, BEGIN + 1000);
	assert_int_equal(members, 2);
	member_then.done(member_then.ctx, REDIS_LOST, NULL); /* it may lack it: it is told again */
	live(BEGIN + 1001, BEGIN + 1015);
	assert_int_equal(members, 3);
	member_then.done(member_then.ctx, REDIS_FINE, NULL);
	live(BEGIN + 1016, BEGIN + 1030);
	assert_int_equal(members, 3);
}

static void while_it_is_away_nothing_is_lost(void **state)
{
	(void)state;
	live(BEGIN, BEGIN + 100);
	ready = false;
	live(BEGIN + 101, BEGIN + 700);
	assert_int_equal(slots_of(SERIES_COARSE, 10), 9);
	assert_int_equal(d->counts.behind_s, 600);
	ready = true;
	live(BEGIN + 701, BEGIN + 800);
	assert_int_equal(slots_of(SERIES_COARSE, 10), 79);
	assert_int_equal(slots_of(SERIES_WIDE, 300), 2);
	assert_int_equal(d->counts.behind_s, 0);
	assert_int_equal(d->counts.missed, 0);
}

static void slots_that_ended_while_nobody_looked_are_put_too(void **state)
{
	(void)state;
	live(BEGIN, BEGIN + 100);
	for (uint64_t at = BEGIN + 101; at <= BEGIN + 140; at++)
		request(at);
	live(BEGIN + 141, BEGIN + 200);
	assert_int_equal(slots_of(SERIES_COARSE, 10), 19);
}

static void the_newest_is_not_kept_waiting_by_the_past(void **state)
{
	struct parcel_label label;

	(void)state;
	ready = false;
	live(BEGIN, BEGIN + 600);
	ready = true;
	live(BEGIN + 601, BEGIN + 606);
	requests_of(&fakes[0], &label);
	assert_true(label.step == SERIES_WIDE || label.second == BEGIN + 590);
	live(BEGIN + 607, BEGIN + 615);
	for (uint32_t i = 0; i < put; i++) {
		requests_of(&fakes[i], &label);
		if (label.second == BEGIN + 600)
			return;
	}
	fail_msg("the newest slot waits");
}

static void what_memory_gives_up_is_counted(void **state)
{
	(void)state;
	live(BEGIN, BEGIN + 100);
	ready = false;
	live(BEGIN + 101, BEGIN + 8000);
	ready = true;
	live(BEGIN + 8001, BEGIN + 8010);
	/* memory has two hours of ten seconds; 90 is the first that was not put */
	assert_in_range(d->counts.missed, (8000 - 7200 - 90) / 10 - 1, (8010 - 7200 - 90) / 10 + 1);
}

static void what_may_be_lost_is_put_again_as_it_was(void **state)
{
	uint32_t first;

	(void)state;
	live(BEGIN, BEGIN + 13);
	assert_int_equal(put, 0);
	fixture_tick(&x, (BEGIN + 14) * SECOND);
	deposit_second(d, (BEGIN + 14) * SECOND);
	assert_int_equal(put, 1);
	tell(REDIS_LOST);
	assert_int_equal(d->counts.again, 1);
	assert_int_equal(d->counts.behind_s, 0); /* as of the last second */
	fixture_tick(&x, (BEGIN + 15) * SECOND);
	deposit_second(d, (BEGIN + 15) * SECOND);
	assert_int_equal(put, 2);
	first = 0;
	assert_string_equal(fakes[1].key, fakes[first].key);
	assert_int_equal(fakes[1].size, fakes[first].size);
	assert_memory_equal(fakes[1].bytes, fakes[first].bytes, fakes[1].size);
	tell(REDIS_CLUSTERDOWN); /* it is a matter of a moment */
	deposit_second(d, (BEGIN + 16) * SECOND);
	assert_int_equal(put, 3);
	tell(REDIS_FINE);
	deposit_second(d, (BEGIN + 17) * SECOND);
	assert_int_equal(put, 3);
	assert_int_equal(d->counts.parcels, 1);
	assert_int_equal(d->counts.again, 2);
}

static void what_is_refused_is_counted_and_left(void **state)
{
	(void)state;
	live(BEGIN, BEGIN + 13);
	fixture_tick(&x, (BEGIN + 14) * SECOND);
	deposit_second(d, (BEGIN + 14) * SECOND);
	tell(REDIS_OOM);
	for (uint64_t at = BEGIN + 15; at < BEGIN + 20; at++)
		deposit_second(d, at * SECOND);
	assert_int_equal(put, 1);
	assert_int_equal(d->counts.refused, 1);
	assert_int_equal(d->counts.parcels, 0);
}

/* The client has no room, or its circuit is open: the budget is not spent by that. */
static void what_the_client_does_not_take_waits(void **state)
{
	uint64_t tokens = d->tokens;

	(void)state;
	refusal = -ENOBUFS;
	live(BEGIN, BEGIN + 40);
	assert_int_equal(put, 0);
	assert_true(d->tokens >= tokens);
	refusal = 0;
	live(BEGIN + 41, BEGIN + 60);
	assert_int_equal(slots_of(SERIES_COARSE, 10), 5);
	assert_int_equal(d->counts.over_budget + d->counts.missed, 0);
}

/* Many services, of which each needs a parcel. */
static void the_budget_holds(void **state)
{
	struct capture_target targets[60];
	uint64_t bytes = 0;

	(void)state;
	deposit_close(d);
	open_deposit(1024);
	for (uint64_t i = 0; i < 60; i++) {
		char name[32];

		snprintf(name, sizeof(name), "service-%llu", (unsigned long long)i);
		fixture_target(&targets[i], 100 + i, (int32_t)(100 + i), name);
		x.sink.seen(x.sink.ctx, &targets[i]);
	}
	for (uint64_t at = BEGIN; at < BEGIN + 4000; at++) {
		for (uint64_t i = 0; i < 60; i++)
			fixture_request_as(&x, &targets[i], at * SECOND, MILLISECOND * (at % 97),
					   at % 2 ? "/a" : "/b", 200, 0);
		fixture_tick(&x, at * SECOND);
		deposit_second(d, at * SECOND);
		tell(REDIS_FINE);
		for (uint32_t i = 0; i < put; i++) {
			bytes += fakes[i].size + strlen(fakes[i].key);
			free(fakes[i].bytes);
		}
		put = told = 0;
		assert_true(bytes <= 1024 * (at - BEGIN + 1 + DEPOSIT_BURST_S));
	}
	assert_true(bytes > 4000 * 1024 / 2); /* … and is used */
	assert_true(d->counts.over_budget > 0);
	assert_true(d->counts.bytes >= bytes);
}

static void a_wall_clock_that_is_set_has_other_numbers_and_one_that_trembles_not(void **state)
{
	int64_t base_ms;

	(void)state;
	live(BEGIN, BEGIN + 20);
	base_ms = d->base_ms;
	wall_offset_ms += 3;
	live(BEGIN + 21, BEGIN + 40);
	assert_int_equal(d->base_ms, base_ms);
	wall_offset_ms -= 3600 * 1000;
	live(BEGIN + 41, BEGIN + 60);
	assert_int_equal(d->base_ms, wall_offset_ms);
}

static struct deposit_span span_of(enum series_step step)
{
	struct deposit_span span;

	deposit_span_get(d, step, &span);
	return span;
}

/* Others are told by it which keys there are. */
static void what_is_there_is_known_by_its_numbers(void **state)
{
	struct deposit_span span;
	uint32_t slots;

	(void)state;
	span = span_of(SERIES_COARSE);
	assert_int_equal(span.until, span.from);
	live(BEGIN, BEGIN + 60);
	span = span_of(SERIES_COARSE);
	slots = slots_of(SERIES_COARSE, 10);
	assert_int_equal(span.until - span.from, slots);
	assert_int_equal(span.from, parcel_number(SERIES_COARSE, BEGIN, wall_offset_ms));
	assert_int_equal(span.lacks_from, span.lacks_until);
	assert_int_equal(span.base_ms, wall_offset_ms);
	assert_int_equal(span.services, 1);
	ready = false;
	live(BEGIN + 61, BEGIN + 90);
	assert_int_equal(span_of(SERIES_COARSE).until, span.until + 3);
	assert_int_equal(span_of(SERIES_COARSE).lacks_from, span.until);
	assert_int_equal(span_of(SERIES_COARSE).lacks_until, span.until + 3);
	wall_offset_ms += 3600000; /* the clock is set: what was put has numbers of the old one */
	live(BEGIN + 91, BEGIN + 91);
	span = span_of(SERIES_COARSE);
	assert_int_equal(span.from, span.until);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(each_slot_of_a_service_is_put_once_it_is_complete),
		WITH(the_index_names_each_service_each_quarter_of_an_hour),
		WITH(while_it_is_away_nothing_is_lost),
		WITH(slots_that_ended_while_nobody_looked_are_put_too),
		WITH(the_newest_is_not_kept_waiting_by_the_past),
		WITH(what_memory_gives_up_is_counted),
		WITH(what_may_be_lost_is_put_again_as_it_was),
		WITH(what_is_refused_is_counted_and_left),
		WITH(what_the_client_does_not_take_waits),
		WITH(the_budget_holds),
		WITH(a_wall_clock_that_is_set_has_other_numbers_and_one_that_trembles_not),
		cmocka_unit_test_setup_teardown(what_is_there_is_known_by_its_numbers, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
