/* The Redis is the test's: fleet_fixture.h. */
#include "fleet_fixture.h"

#include "../../agent/fleet/gather.c"

#include "../../agent/fleet/gather_parcels.c"

static const struct view_ask five = { .sums = true, .window_s = 300 };
static struct gather *g;
static struct view *got;
static uint64_t step_ns; /* that the clock goes on each time it is looked at */

static uint64_t now(void)
{
	fake_now_ns += step_ns;
	return fake_now_ns;
}

static void done(void *ctx, struct view *v)
{
	assert_null(ctx);
	view_put(got);
	got = v;
}

static int setup(void **state)
{
	const struct gather_config config = { .forget_ms = 3600000, .now_ns = now, .done = done };

	(void)state;
	fake_reset();
	got = NULL;
	step_ns = 0;
	return gather_open(&g, &config);
}

static int teardown(void **state)
{
	(void)state;
	view_put(got);
	gather_close(g);
	fake_reset();
	return 0;
}

static void gathered(const struct view_ask *ask)
{
	assert_int_equal(gather_begin(g, ask), 0);
	fake_answer_all();
	assert_non_null(got);
}

/* A host of these services, each with 10 requests in each of its newest slots. */
static struct card host(const char *name, const char *services, int64_t slots)
{
	struct card card = fake_card(name, 0);
	char service[64];

	fake_host_keep(&card);
	fake_services_keep(name, services);
	for (const char *at = services; *at;) {
		size_t n = strcspn(at, " ");

		snprintf(service, sizeof(service), "%.*s", (int)strcspn(at, ":"), at);
		for (int64_t i = 1; i <= slots; i++)
			fake_parcel_keep(&card, service, SERIES_COARSE, card.slots[0].until - i, 9);
		at += n + (at[n] == ' ');
	}
	return card;
}

static void all_slots_of_all_hosts_are_added(void **state)
{
	(void)state;
	host("a", "shop: api:", 30);
	host("b", "shop:", 12);
	gathered(&five);
	assert_int_equal(got->total.sums.count, (30 + 30 + 12) * 10);
	assert_int_equal(got->row_count, 2);
	assert_string_equal(got->rows[0].service, "shop");
	assert_int_equal(got->rows[0].sums.count, 420);
	assert_int_equal(got->rows[0].hosts, 2);
	assert_int_equal(got->rows[1].sums.count, 300);
	assert_int_equal(got->muster.hosts[0].sums.count, 600);
	assert_int_equal(got->muster.hosts[1].sums.count, 120);
	/* where there is no parcel there was nothing to tell */
	assert_int_equal(got->muster.hosts[1].told_s, 300);
	assert_int_equal(got->told_s, 300);
	assert_null(got->cut);
	assert_int_equal(got->keys, 2 + 2 + 90);
}

static void only_the_window_is_read(void **state)
{
	const struct view_ask minute = { .sums = true, .window_s = 60 };

	(void)state;
	host("a", "shop:", 30);
	gathered(&minute);
	assert_int_equal(got->total.sums.count, 6 * 10);
	assert_int_equal(got->muster.hosts[0].wanted_s, 60);
}

static void only_the_service_that_is_asked_for_is_read(void **state)
{
	struct view_ask ask = five;

	(void)state;
	snprintf(ask.service, sizeof(ask.service), "api");
	host("a", "shop: api:", 30);
	gathered(&ask);
	assert_int_equal(got->total.sums.count, 300);
	assert_int_equal(got->row_count, 1);
	assert_int_equal(got->keys, 1 + 1 + 30);
}

static void of_an_hour_nothing_is_counted_twice(void **state)
{
	const struct view_ask hour = { .sums = true, .window_s = 3600 };
	struct card card = host("a", "shop:", 60);
	struct muster_span span;

	(void)state;
	for (int64_t i = 0; i < 14; i++)
		fake_parcel_keep(&card, "shop", SERIES_WIDE, card.slots[1].until - i, 299);
	gathered(&hour);
	span = got->muster.hosts[0].span;
	assert_int_equal(got->total.sums.count,
			 300 * (span.ranges[1].until - span.ranges[1].from) +
				 10 * (span.ranges[0].until - span.ranges[0].from));
	assert_true(span.ranges[0].until - span.ranges[0].from < 60);
}

static void what_is_no_parcel_is_refused_and_its_slot_not_told(void **state)
{
	struct card card = host("a", "shop:", 30), other = fake_card("b", 0);
	char key[PARCEL_KEY];
	struct parcel_label label = { .step = SERIES_COARSE, .host = "a", .service = "shop" };
	struct fake_row *row;

	(void)state;
	parcel_key_put(&label, card.slots[0].until - 1, key);
	fake_keep(key, "a value of somebody else", 24);
	/* of the next schema, its sum right */
	parcel_key_put(&label, card.slots[0].until - 2, key);
	fake_must(key)->bytes[3] = '2';
	/* another host's, another slot's */
	fake_parcel_keep(&other, "shop", SERIES_COARSE, card.slots[0].until - 3, 9);
	label.host[0] = 'b';
	parcel_key_put(&label, card.slots[0].until - 3, key);
	row = fake_must(key);
	label.host[0] = 'a';
	parcel_key_put(&label, card.slots[0].until - 3, key);
	fake_keep(key, row->bytes, row->length);
	parcel_key_put(&label, card.slots[0].until - 10, key);
	row = fake_must(key);
	parcel_key_put(&label, card.slots[0].until - 4, key);
	fake_keep(key, row->bytes, row->length);
	gathered(&five);
	assert_int_equal(got->refused, 4);
	assert_int_equal(got->total.sums.count, 26 * 10);
	assert_int_equal(got->muster.hosts[0].told_s, 260);
	assert_string_not_equal(got->muster.hosts[0].fault, "");
}

static void what_is_not_answered_is_not_told(void **state)
{
	(void)state;
	host("a", "shop:", 30);
	host("b", "shop:", 30);
	fake_bad = "agg:{b}:shop";
	fake_says = REDIS_TIMEOUT;
	gathered(&five);
	assert_int_equal(got->total.sums.count, 300);
	assert_int_equal(got->muster.hosts[0].told_s, 300);
	assert_int_equal(got->muster.hosts[1].told_s, 0);
	assert_int_equal(got->muster.hosts[1].unread, 30);
	assert_string_equal(got->muster.hosts[1].fault, "timeout");
	assert_int_equal(got->muster.hosts[1].state, MUSTER_LIVE); /* its card was */
}

static void without_the_list_of_its_services_a_host_told_nothing(void **state)
{
	(void)state;
	host("a", "shop:", 30);
	fake_bad = "agg:{a}";
	fake_says = REDIS_LOST;
	gathered(&five);
	assert_int_equal(got->muster.hosts[0].told_s, 0);
	assert_int_equal(got->muster.hosts[0].unread, 1);
}

static void what_a_host_did_not_put_is_missing(void **state)
{
	struct card card = fake_card("a", 0);

	(void)state;
	card.slots[0].from = card.slots[0].until - 12;      /* it began two minutes ago … */
	card.slots[0].lacks_from = card.slots[0].until - 4; /* … and waits with three slots */
	card.slots[0].lacks_until = card.slots[0].until - 1;
	fake_host_keep(&card);
	fake_services_keep("a", "shop:");
	fake_parcel_keep(&card, "shop", SERIES_COARSE, card.slots[0].until - 20, 9); /* before it */
	fake_parcel_keep(&card, "shop", SERIES_COARSE, card.slots[0].until - 3, 9); /* put by now */
	gathered(&five);
	assert_int_equal(got->muster.hosts[0].told_s, (12 - 3 + 1 + 1) * 10);
	assert_int_equal(got->total.sums.count, 20);
}

static void a_view_that_takes_too_long_is_cut(void **state)
{
	(void)state;
	host("a", "shop:", 30);
	host("b", "shop:", 30);
	step_ns = GATHER_NS / 50;
	gathered(&five);
	assert_string_equal(got->cut, "time");
	assert_true(got->total.sums.count < 600);
	assert_true(got->muster.hosts[0].told_s + got->muster.hosts[1].told_s < 600);
	assert_int_equal(got->muster.hosts[1].told_s, 0); /* it was not read to its end */
}

static void no_more_is_under_way_than_is_fair(void **state)
{
	(void)state;
	host("a", "shop: api: db:", 30);
	assert_int_equal(gather_begin(g, &five), 0);
	for (int i = 0; i < 4; i++)
		fake_answer();
	assert_int_equal(fake_count - fake_answered, GATHER_FLYING);
	fake_answer();
	assert_int_equal(fake_count - fake_answered, GATHER_FLYING);
	fake_answer_all();
}

static void there_is_an_end_to_keys(void **state)
{
	const struct view_ask month = { .sums = true, .window_s = 2592000 };
	char name[16];

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct card card;

		snprintf(name, sizeof(name), "h%02d", i);
		card = fake_card(name, 0);
		fake_host_keep(&card);
	}
	gathered(&month);
	assert_string_equal(got->cut, "keys");
	assert_int_equal(got->muster.hosts[0].told_s, got->muster.hosts[0].wanted_s);
	assert_int_equal(got->muster.hosts[39].told_s, 0);
}

static void what_finds_no_way_now_is_not_lost(void **state)
{
	(void)state;
	host("a", "shop: api: db:", 30);
	assert_int_equal(gather_begin(g, &five), 0);
	for (int i = 0; i < 6; i++)
		fake_answer();
	assert_int_equal(fake_count - fake_answered, GATHER_FLYING);
	fake_refusal = -ENOBUFS; /* others fill the way for a while */
	fake_answer();
	fake_refusal = 0;
	fake_answer_all();
	assert_int_equal(got->total.sums.count, 900);
	assert_int_equal(got->muster.hosts[0].told_s, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_slots_of_all_hosts_are_added, setup, teardown),
		cmocka_unit_test_setup_teardown(only_the_window_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(only_the_service_that_is_asked_for_is_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(of_an_hour_nothing_is_counted_twice, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_no_parcel_is_refused_and_its_slot_not_told,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_answered_is_not_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			without_the_list_of_its_services_a_host_told_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_host_did_not_put_is_missing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_view_that_takes_too_long_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(no_more_is_under_way_than_is_fair, setup, teardown),
		cmocka_unit_test_setup_teardown(there_is_an_end_to_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(what_finds_no_way_now_is_not_lost, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
