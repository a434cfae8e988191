#include "fleet_fixture.h"
#include "muster.h"

static struct muster m;

static int setup(void **state)
{
	(void)state;
	muster_init(&m);
	m.now_ms = FLEET_NOW_MS;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	muster_fini(&m);
	return 0;
}

/* It is the last one until they are sorted. */
static struct muster_host *host(const struct card *card)
{
	struct muster_host *h;
	struct json j;

	assert_int_equal(muster_add(&m, card->host, strlen(card->host), card->at_ms), 0);
	h = &m.hosts[m.count - 1];
	json_init(&j);
	card_put(card, &j);
	assert_int_equal(json_finish(&j), 0);
	muster_card(h, j.bytes, j.length);
	json_fini(&j);
	return h;
}

static void a_host_is_gone_after_the_time_that_it_gave_itself(void **state)
{
	struct card live = fake_card("live", 29000), gone = fake_card("gone", 31000);
	struct card patient = fake_card("patient", 31000), ahead = fake_card("ahead", -6000);

	(void)state;
	patient.gone_after_ms = 60000;
	host(&live);
	host(&gone);
	host(&patient);
	host(&ahead);
	muster_judge(&m, 300);
	assert_int_equal(m.hosts[0].state, MUSTER_LIVE);
	assert_int_equal(m.hosts[1].state, MUSTER_GONE);
	assert_int_equal(m.hosts[2].state, MUSTER_LIVE);
	assert_int_equal(m.hosts[3].state, MUSTER_GONE); /* from the future: of no clock of ours */
	assert_int_equal(muster_count(&m, MUSTER_GONE), 2);
}

static void without_a_card_it_is_unread_and_says_why(void **state)
{
	struct card other = fake_card("other", 0);
	struct muster_host *h;

	(void)state;
	h = host(&other);
	muster_card(h, NULL, 0);
	assert_string_equal(h->fault, "its announcement is gone");
	muster_fault(h, "something later");
	assert_string_equal(h->fault, "its announcement is gone");
	muster_judge(&m, 300);
	assert_int_equal(h->state, MUSTER_UNREAD);
	assert_int_equal(h->wanted_s, 0);
}

static void a_card_of_another_schema_or_host_is_refused(void **state)
{
	static const char newer[] = "{\"schema\":2}";
	struct card card = fake_card("a", 0);
	struct muster_host *h = host(&card);

	(void)state;
	muster_card(h, newer, sizeof(newer) - 1);
	assert_string_equal(h->fault, "its announcement is of another schema");
	muster_judge(&m, 300);
	assert_int_equal(h->state, MUSTER_UNREAD);
	h->fault[0] = '\0';
	snprintf(h->name, sizeof(h->name), "b");
	{
		struct json j;

		json_init(&j);
		card_put(&card, &j);
		assert_int_equal(json_finish(&j), 0);
		muster_card(h, j.bytes, j.length);
		json_fini(&j);
	}
	assert_string_equal(h->fault, "its announcement is another host's");
	assert_int_equal(h->card.schema, 0);
}

static void names_that_no_host_has_are_refused(void **state)
{
	char name[PARCEL_HOST + 1];

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_int_equal(muster_add(&m, "", 0, 1), -EBADMSG);
	assert_int_equal(muster_add(&m, "a b", 3, 1), -EBADMSG);
	assert_int_equal(muster_add(&m, "a\0b", 3, 1), -EBADMSG);
	assert_int_equal(muster_add(&m, "{x}", 3, 1), -EBADMSG);
	assert_int_equal(muster_add(&m, name, PARCEL_HOST, 1), -EBADMSG);
	assert_int_equal(muster_add(&m, name, PARCEL_HOST - 1, 1), 0);
	assert_int_equal(m.count, 1);
}

static void times_that_are_none_are_refused(void **state)
{
	(void)state;
	assert_int_equal(muster_add(&m, "a", 1, INT64_MIN), -EBADMSG);
	assert_int_equal(muster_add(&m, "a", 1, -1), -EBADMSG);
	assert_int_equal(muster_add(&m, "a", 1, MUSTER_MS_MOST + 1), -EBADMSG);
	assert_int_equal(muster_add(&m, "a", 1, MUSTER_MS_MOST), 0);
	assert_int_equal(muster_add(&m, "b", 1, 0), 0);
}

static void there_is_an_end_to_hosts(void **state)
{
	char name[16];

	(void)state;
	for (uint32_t i = 0; i < MUSTER_HOSTS; i++)
		assert_int_equal(muster_add(&m, name, (size_t)snprintf(name, 16, "h%u", i), 1), 0);
	assert_int_equal(muster_add(&m, "more", 4, 1), -ENOSPC);
}

static void the_forgotten_are_left_and_the_rest_is_by_name(void **state)
{
	(void)state;
	muster_add(&m, "b", 1, FLEET_NOW_MS - 60000);
	muster_add(&m, "c", 1, FLEET_NOW_MS - 60001);
	muster_add(&m, "a", 1, FLEET_NOW_MS);
	muster_sort(&m, 60000);
	assert_int_equal(m.count, 2);
	assert_string_equal(m.hosts[0].name, "a");
	assert_string_equal(m.hosts[1].name, "b");
}

static void a_window_is_what_the_host_told_last(void **state)
{
	struct card card = fake_card("a", 0);
	const struct muster_range *r;
	struct muster_host *h;

	(void)state;
	card.offset_ms = 0;
	h = host(&card);
	muster_judge(&m, 300);
	r = h->span.ranges;
	assert_int_equal(r[0].until, card.slots[0].until);
	assert_int_equal(r[0].until - r[0].from, 30);
	assert_int_equal(r[1].until - r[1].from, 0);
	assert_int_equal(h->wanted_s, 300);
	/* slots of this host begin a second behind those of the wall clock */
	assert_int_equal(h->span.to_ms, r[0].until * 10000 + 1000);
	assert_int_equal(h->span.to_ms - h->span.from_ms, 300000);
}

static void a_clock_that_is_wrong_shifts_the_numbers_and_not_the_window(void **state)
{
	struct card right = fake_card("a", 0), wrong = fake_card("b", 0);
	struct muster_host *a, *b;

	(void)state;
	wrong.offset_ms = 3600000;
	for (uint32_t i = 0; i < CARD_STEPS; i++) {
		int64_t by = 3600 / series_step_s[SERIES_COARSE + i];

		wrong.slots[i].until += by;
		wrong.slots[i].lacks_from += by;
		wrong.slots[i].lacks_until += by;
	}
	host(&right);
	host(&wrong);
	muster_judge(&m, 300);
	a = &m.hosts[0];
	b = &m.hosts[1];
	assert_int_equal(b->span.ranges[0].until, a->span.ranges[0].until + 360);
	assert_int_equal(a->span.from_ms, b->span.from_ms);
	assert_int_equal(a->span.to_ms, b->span.to_ms);
}

static void who_is_silent_has_a_window_that_goes_on(void **state)
{
	struct card card = fake_card("a", 120000);
	struct muster_host *h = host(&card);
	int64_t now = parcel_number_at(SERIES_COARSE, FLEET_NOW_MS);

	(void)state;
	muster_judge(&m, 300);
	assert_int_equal(h->span.ranges[0].until, now - MUSTER_LATE);
	assert_false(muster_has_told(h, SERIES_COARSE, now - MUSTER_LATE - 1));
	assert_true(muster_has_told(h, SERIES_COARSE, card.slots[0].until - 1));
}

static void what_it_says_of_the_future_is_not_believed(void **state)
{
	struct card card = fake_card("a", 0);
	struct muster_host *h;

	(void)state;
	card.slots[0].until += 1000;
	h = host(&card);
	muster_judge(&m, 300);
	assert_int_equal(h->span.ranges[0].until, parcel_number_at(SERIES_COARSE, FLEET_NOW_MS));
}

static void what_is_yet_to_be_put_is_not_told(void **state)
{
	struct card card = fake_card("a", 0);
	struct muster_host *h;

	(void)state;
	card.slots[0] = (struct card_slots){ 10, 20, 14, 16 };
	h = host(&card);
	assert_false(muster_has_told(h, SERIES_COARSE, 9));
	assert_true(muster_has_told(h, SERIES_COARSE, 10));
	assert_true(muster_has_told(h, SERIES_COARSE, 13));
	assert_false(muster_has_told(h, SERIES_COARSE, 14));
	assert_false(muster_has_told(h, SERIES_COARSE, 15));
	assert_true(muster_has_told(h, SERIES_COARSE, 16));
	assert_false(muster_has_told(h, SERIES_COARSE, 20));
}

/* Of an hour and more: slots of five minutes, and what is newer in slots of ten seconds. */
static void a_long_window_has_no_gap_and_nothing_twice(void **state)
{
	static const uint64_t windows[] = { 3600, 21600, 86400, 604800 };

	(void)state;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		struct card card = fake_card("a", 0);
		const struct muster_range *r;
		struct muster_host *h;
		int64_t wide_ends_ms;

		card.base_ms = INT64_C(1699990123000) + (int64_t)i * 77000;
		h = host(&card);
		muster_judge(&m, windows[i]);
		r = h->span.ranges;
		wide_ends_ms = r[1].until * 300000 + card.base_ms % 300000;
		assert_int_equal(r[0].from * 10000 + card.base_ms % 10000, wide_ends_ms);
		assert_int_equal(r[0].until, card.slots[0].until);
		assert_int_equal(r[1].until - r[1].from, windows[i] / 300 - 1);
		assert_true(h->span.to_ms - h->span.from_ms <= (int64_t)windows[i] * 1000 + 600000);
		assert_int_equal(h->span.to_ms - h->span.from_ms, (int64_t)h->wanted_s * 1000);
		muster_fini(&m);
		m.now_ms = FLEET_NOW_MS;
	}
}

/* It says that it told more of five minutes than of ten seconds: no window has a hole, or less. */
static void who_contradicts_itself_has_a_window_all_the_same(void **state)
{
	struct card card = fake_card("a", 0);
	struct muster_host *h;

	(void)state;
	card.slots[0].until -= 2; /* within what is late */
	card.slots[1].until = parcel_number_at(SERIES_WIDE, FLEET_NOW_MS);
	card.base_ms = 299000;
	h = host(&card);
	muster_judge(&m, 3600);
	assert_int_equal(h->span.ranges[0].from, h->span.ranges[0].until);
	assert_int_equal(h->wanted_s, 11 * 300);
	assert_int_equal(h->span.to_ms - h->span.from_ms, 11 * 300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_host_is_gone_after_the_time_that_it_gave_itself,
						setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_card_it_is_unread_and_says_why, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_card_of_another_schema_or_host_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(names_that_no_host_has_are_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(times_that_are_none_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(there_is_an_end_to_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(the_forgotten_are_left_and_the_rest_is_by_name,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_window_is_what_the_host_told_last, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_clock_that_is_wrong_shifts_the_numbers_and_not_the_window, setup,
			teardown),
		cmocka_unit_test_setup_teardown(who_is_silent_has_a_window_that_goes_on, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_it_says_of_the_future_is_not_believed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_yet_to_be_put_is_not_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_window_has_no_gap_and_nothing_twice, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_contradicts_itself_has_a_window_all_the_same,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
