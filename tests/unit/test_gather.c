/* The Redis is the test's: fleet_fixture.h. */
#include "fleet_fixture.h"

#include "../../agent/fleet/gather.c"

#include "../../agent/fleet/gather_parcels.c"

static const struct view_ask hosts_ask = { .window_s = 300 };
static const struct view_ask sums_ask = { .sums = true, .window_s = 300 };
static struct gather *g;
static struct view *got;
static int times;

static void done(void *ctx, struct view *v)
{
	assert_null(ctx);
	view_put(got);
	got = v;
	times++;
}

static int setup(void **state)
{
	const struct gather_config config = { .forget_ms = 3600000,
					      .now_ns = fake_now,
					      .done = done };

	(void)state;
	fake_reset();
	got = NULL;
	times = 0;
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
	assert_true(gather_is_busy(g));
	fake_answer_all();
	assert_false(gather_is_busy(g));
	assert_non_null(got);
}

static void nobody_is_a_fleet_of_none(void **state)
{
	(void)state;
	gathered(&sums_ask);
	assert_string_equal(got->fault, "");
	assert_null(got->cut);
	assert_int_equal(got->muster.count, 0);
	assert_int_equal(got->total.sums.count, 0);
	assert_int_equal(got->muster.now_ms, FLEET_NOW_MS);
}

static void hosts_alone_cost_a_card_each(void **state)
{
	struct card a = fake_card("a", 0), b = fake_card("b", 40000);

	(void)state;
	fake_host_keep(&a);
	fake_host_keep(&b);
	fake_services_keep("a", "shop:");
	gathered(&hosts_ask);
	assert_int_equal(fake_count, 2 + 2);
	assert_int_equal(got->muster.hosts[0].state, MUSTER_LIVE);
	assert_int_equal(got->muster.hosts[1].state, MUSTER_GONE);
	/* by what it says itself */
	assert_int_equal(got->muster.hosts[0].told_s, 300);
	assert_true(got->muster.hosts[1].told_s < 300);
	assert_int_equal(times, 1);
}

static void one_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(gather_begin(g, &hosts_ask), 0);
	assert_int_equal(gather_begin(g, &hosts_ask), -EBUSY);
	fake_answer_all();
	assert_int_equal(times, 1);
	gathered(&hosts_ask);
	assert_int_equal(times, 2);
}

static void what_cannot_be_asked_is_told_at_once(void **state)
{
	(void)state;
	fake_refusal = -EHOSTDOWN;
	assert_int_equal(gather_begin(g, &hosts_ask), -EHOSTDOWN);
	assert_false(gather_is_busy(g));
	assert_int_equal(times, 0);
}

static void without_the_list_there_is_no_view(void **state)
{
	(void)state;
	fake_bad = CARD_INDEX;
	fake_says = REDIS_TIMEOUT;
	gathered(&sums_ask);
	assert_string_equal(got->fault, "the list of hosts cannot be read: timeout");
}

static void without_the_time_nothing_more_is_asked(void **state)
{
	struct card a = fake_card("a", 0);

	(void)state;
	fake_host_keep(&a);
	fake_ms = 0; /* which is no time */
	gathered(&sums_ask);
	assert_string_equal(got->fault, "the list of hosts cannot be read: out of step");
	assert_int_equal(fake_count, 2);
}

static void a_card_that_is_not_answered_leaves_its_host_unread(void **state)
{
	struct card a = fake_card("a", 0), b = fake_card("b", 0);

	(void)state;
	fake_host_keep(&a);
	fake_host_keep(&b);
	fake_bad = "{b}";
	fake_says = REDIS_LOST;
	gathered(&hosts_ask);
	assert_int_equal(got->muster.hosts[0].state, MUSTER_LIVE);
	assert_int_equal(got->muster.hosts[1].state, MUSTER_UNREAD);
	assert_string_equal(got->muster.hosts[1].fault, redis_fault_name(REDIS_LOST));
}

static void what_is_too_late_is_not_asked_for(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct card card;

		snprintf(name, sizeof(name), "h%02d", i);
		card = fake_card(name, 0);
		fake_host_keep(&card);
		fake_services_keep(name, "shop:");
	}
	assert_int_equal(gather_begin(g, &sums_ask), 0);
	fake_answer();
	fake_answer();
	fake_now_ns += GATHER_NS + 1;
	fake_answer_all();
	assert_int_equal(times, 1);
	assert_int_equal(fake_count, 2 + GATHER_FLYING); /* a card and a list of each */
	assert_string_equal(got->cut, "time");
	assert_int_equal(got->muster.hosts[31].state, MUSTER_LIVE);
	assert_int_equal(got->muster.hosts[31].unread, 0);
	assert_int_equal(got->muster.hosts[32].state, MUSTER_UNREAD);
	assert_int_equal(got->muster.hosts[39].unread, 1);
	assert_string_not_equal(got->muster.hosts[39].fault, "");
}

static void alerts_are_kept_where_they_are_told(void **state)
{
	struct card_alert alert = { .id = "1" };
	struct card a = fake_card("a", 0);

	(void)state;
	a.alerts = &alert;
	a.alert_count = 1;
	fake_host_keep(&a);
	gathered(&hosts_ask);
	assert_int_equal(got->muster.hosts[0].card.alert_count, 1);
	gathered(&sums_ask);
	assert_int_equal(got->muster.hosts[0].card.alert_count, 0);
	assert_int_equal(got->muster.hosts[0].card.alerts_left, 1);
	assert_null(got->muster.hosts[0].card.alerts);
}

static void what_is_no_host_in_the_list_is_counted(void **state)
{
	struct card a = fake_card("a", 0);

	(void)state;
	fake_host_keep(&a);
	snprintf(fake_names[fake_name_count++].key, sizeof(fake_names[0].key), "no {host}");
	gathered(&hosts_ask);
	assert_int_equal(got->muster.count, 1);
	assert_int_equal(got->hosts_left, 1);
	assert_string_equal(got->cut, "hosts");
}

static void one_that_was_closed_is_told_nothing(void **state)
{
	const struct gather_config config = { .now_ns = fake_now, .done = done };
	struct gather *other;

	(void)state;
	assert_int_equal(gather_open(&other, &config), 0);
	assert_int_equal(gather_begin(other, &hosts_ask), 0);
	gather_close(other); /* as behind redis_close, which answered all: here nobody does */
	assert_int_equal(times, 0);
	fake_answered = fake_count;
	gather_close(NULL);
}

/* As redis_close does: all that is under way ends, and nothing else can be asked. */
static void the_end_of_the_redis_ends_it(void **state)
{
	struct card a = fake_card("a", 0);

	(void)state;
	fake_host_keep(&a);
	fake_services_keep("a", "shop: api:");
	assert_int_equal(gather_begin(g, &sums_ask), 0);
	for (int i = 0; i < 6; i++)
		fake_answer();
	fake_refusal = -EHOSTDOWN;
	fake_bad = "";
	fake_says = REDIS_CLOSED;
	fake_answer_all();
	assert_int_equal(times, 1);
	assert_int_equal(got->muster.hosts[0].told_s, 0);
	assert_true(got->muster.hosts[0].unread > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_is_a_fleet_of_none, setup, teardown),
		cmocka_unit_test_setup_teardown(hosts_alone_cost_a_card_each, setup, teardown),
		cmocka_unit_test_setup_teardown(one_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_asked_is_told_at_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_the_list_there_is_no_view, setup, teardown),
		cmocka_unit_test_setup_teardown(without_the_time_nothing_more_is_asked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_card_that_is_not_answered_leaves_its_host_unread,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_too_late_is_not_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(alerts_are_kept_where_they_are_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_no_host_in_the_list_is_counted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_that_was_closed_is_told_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_end_of_the_redis_ends_it, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
