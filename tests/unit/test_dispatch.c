#include "../../agent/send/dispatch.c" /* white box: how long a channel waits */
#include "rs_test.h"

#include "health.h"
#include "stalled_disk.h"

#include <sys/socket.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define DAY_MS INT64_C(86400000)

static char folder[32];
static struct config_alerts alerts;
static struct health *health;
static struct scribe *scribe;
static struct dispatch *d;
static int links[2];
static int64_t now_ns, wall_ms;

static void open_it(void)
{
	const struct dispatch_config config = {
		.alerts = &alerts, .health = health, .scribe = scribe, .link = links[0]
	};

	assert_int_equal(dispatch_open(&d, &config, wall_ms), 0);
}

static int setup(void **state)
{
	static const char *const texts[] = { "ops type=webhook url=http://x/",
					     "boss type=slack url=http://x/",
					     "am type=alertmanager url=http://x/" };
	struct channel_error why;

	(void)state;
	strcpy(folder, "/tmp/rs_dispatch_XXXXXX");
	now_ns = 100 * SECOND;
	wall_ms = 10 * DAY_MS;
	memset(&alerts, 0, sizeof(alerts));
	strcpy(alerts.channels[0].name, "log");
	strcpy(alerts.channels[1].name, "email");
	alerts.channels[1].type = CHANNEL_EMAIL;
	for (int i = 0; i < 3; i++)
		assert_int_equal(channel_parse(texts[i], &alerts.channels[2 + i], &why), 0);
	alerts.count = 5;
	alerts.in_use = 0x1d;
	alerts.levels[0] = 0x16; /* email, ops, am; the log is left to other tests */
	alerts.levels[1] = 0x08;
	if (!mkdtemp(folder) || health_open(&health) || courier_link(links) ||
	    scribe_open(&scribe, folder))
		return -1;
	open_it();
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	dispatch_close(d);
	scribe_close(scribe);
	health_close(health);
	close(links[0]);
	close(links[1]);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static void notice(uint64_t sequence, uint8_t level)
{
	const struct notice n = {
		.sequence = sequence, .number = 1, .level = level, .at_ms = wall_ms, .rule = "r"
	};

	dispatch_notice(d, &n);
	dispatch_settle(d);
}

/* What the courier was ordered; its channel, or -1. */
static int ordered(struct courier_order *order)
{
	ssize_t n = recv(links[1], order, sizeof(*order), MSG_DONTWAIT);

	for (uint32_t i = 0; n == sizeof(*order) && i < alerts.count; i++)
		if (channel_sum(&alerts.channels[i]) == order->sum)
			return (int)i;
	return -1;
}

static void answer(const struct courier_order *order, enum courier_outcome outcome, uint32_t retry)
{
	const struct courier_word word = { .outcome = outcome,
					   .sum = order->sum,
					   .kind = order->kind,
					   .retry_ms = retry,
					   .sequence = order->notice.sequence,
					   .at_ms = order->notice.at_ms,
					   .pid = 1234,
					   .text = "its word" };

	assert_int_equal(send(links[1], &word, sizeof(word), 0), sizeof(word));
	assert_true(dispatch_hear(d, now_ns, wall_ms));
}

static void second(void)
{
	now_ns += SECOND;
	wall_ms += 1000;
	dispatch_second(d, now_ns, wall_ms);
}

static struct dispatch_row row(uint32_t channel)
{
	struct dispatch_row rows[CHANNEL_MAX];

	assert_int_equal(dispatch_list(d, rows), 5);
	return rows[channel];
}

static struct health_part part(const char *name)
{
	struct health_part parts[HEALTH_PARTS], none = { .name = "" };
	size_t count = health_list(health, parts, HEALTH_PARTS);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(parts[i].name, name))
			return parts[i];
	return none;
}

static void each_level_adds_its_channels(void **state)
{
	struct courier_order order;

	(void)state;
	notice(1, 1);
	second();
	assert_int_equal(ordered(&order), 2);
	answer(&order, COURIER_ARRIVED, 0);
	assert_int_equal(ordered(&order), 4);
	answer(&order, COURIER_ARRIVED, 0);
	assert_int_equal(ordered(&order), -1);
	notice(2, 2);
	second();
	assert_int_equal(ordered(&order), 2);
	assert_int_equal(ordered(&order), 3);
	assert_int_equal(ordered(&order), 4);
	assert_int_equal(row(2).levels, 1);
	assert_int_equal(row(3).levels, 2);
	assert_false(row(1).in_use);
	assert_int_equal(part("channel.email").status, HEALTH_INFO);
	assert_int_equal(part("channel.boss").status, HEALTH_HEALTHY);
	alerts.levels[1] = 0;
	dispatch_close(d);
	open_it(); /* what waits for it is delivered all the same */
	assert_int_equal(part("channel.boss").status, HEALTH_HEALTHY);
	postbox_done(d->postbox, 2, 3);
	second();
	assert_string_equal(part("channel.boss").reason,
			    "no level names it: it is told of nothing");
}

static void one_at_a_time_and_the_next_at_once(void **state)
{
	struct courier_order order;

	(void)state;
	notice(1, 1);
	notice(2, 1);
	second();
	second();
	assert_int_equal(ordered(&order), 2);
	assert_int_equal(order.notice.sequence, 1);
	assert_int_equal(ordered(&order), 4);
	assert_int_equal(ordered(&order), -1);
	order.sum = channel_sum(&alerts.channels[2]);
	answer(&order, COURIER_ARRIVED, 0);
	assert_int_equal(ordered(&order), 2);
	assert_int_equal(order.notice.sequence, 2);
	assert_int_equal(row(2).delivered, 1);
	assert_int_equal(row(2).arrived_ms, wall_ms);
	assert_int_equal(dispatch_courier(d), 1234);
}

static void a_failure_comes_again_later(void **state)
{
	struct courier_order order;

	(void)state;
	notice(1, 1);
	second();
	ordered(&order);
	answer(&order, COURIER_LATER, 0);
	assert_int_equal(ordered(&order), 4); /* the others go on */
	assert_int_equal(ordered(&order), -1);
	assert_int_equal(row(2).tries, 1);
	assert_string_equal(row(2).fault, "its word");
	second();
	assert_int_equal(part("channel.ops").status, HEALTH_DEGRADED);
	second();
	assert_int_equal(ordered(&order), 2);
	answer(&order, COURIER_LATER, 60000); /* he says when */
	for (int i = 0; i < 59; i++)
		second();
	while (ordered(&order) == 4) /* nobody answers there: ordered again in the end */
		continue;
	assert_int_equal(row(2).tries, 2);
	second();
	assert_int_equal(ordered(&order), 2);
	answer(&order, COURIER_ARRIVED, 0);
	second();
	assert_int_equal(row(2).tries, 0);
	assert_int_equal(row(2).waiting, 0);
	assert_int_equal(part("channel.ops").status, HEALTH_HEALTHY);
}

static void what_is_refused_holds_nothing_up(void **state)
{
	struct courier_order order;

	(void)state;
	notice(1, 1);
	notice(2, 1);
	second();
	ordered(&order);
	answer(&order, COURIER_REFUSED, 0);
	assert_int_equal(row(2).refused, 1);
	assert_int_equal(ordered(&order), 4);
	assert_int_equal(ordered(&order), 2);
	assert_int_equal(order.notice.sequence, 2);
	second();
	assert_int_equal(part("channel.ops").status, HEALTH_DEGRADED);
}

static void who_does_not_answer_is_asked_again(void **state)
{
	struct courier_order order;
	int orders = 0;

	(void)state;
	notice(1, 1);
	for (int i = 0; i < 45; i++) {
		second();
		while (ordered(&order) >= 0)
			orders += order.sum == channel_sum(&alerts.channels[2]);
	}
	assert_int_equal(orders, 2); /* 10 s of its own, 30 s of ours */
	memset(&order, 0, sizeof(order));
	answer(&order, COURIER_HELLO, 0); /* a new one knows of nothing */
	assert_int_equal(ordered(&order), 2);
}

static void a_word_about_something_else_changes_nothing(void **state)
{
	struct courier_order order;

	(void)state;
	notice(1, 1);
	second();
	ordered(&order);
	order.notice.at_ms++;
	answer(&order, COURIER_ARRIVED, 0);
	assert_int_equal(row(2).delivered, 0);
	assert_int_equal(row(2).waiting, 1);
}

static void a_restart_goes_on_where_it_was(void **state)
{
	struct courier_order order;
	struct dispatch_counts counts;

	(void)state;
	notice(1, 1);
	notice(2, 1);
	second();
	ordered(&order);
	answer(&order, COURIER_ARRIVED, 0);
	while (ordered(&order) >= 0)
		continue;
	dispatch_close(d);
	open_it();
	dispatch_counts_get(d, &counts);
	assert_int_equal(counts.waiting, 3);
	second();
	assert_int_equal(ordered(&order), 2);
	assert_int_equal(order.notice.sequence, 2);
	assert_int_equal(ordered(&order), 4);
	assert_int_equal(order.notice.sequence, 1);
}

static void nothing_is_told_a_day_late(void **state)
{
	struct courier_order order;

	(void)state;
	notice(1, 1);
	second();
	now_ns += (DAY_MS - 2000) * 1000000;
	wall_ms -= 10 * DAY_MS;
	second();
	assert_int_equal(ordered(&order), 2);
	assert_int_equal(ordered(&order), 4);
	order.sum = channel_sum(&alerts.channels[2]);
	answer(&order, COURIER_LATER, 0);
	now_ns += 2 * SECOND;
	second();
	assert_int_equal(ordered(&order), -1);
	assert_int_equal(row(2).dropped, 1);
	second();
	assert_int_equal(part("channel.ops").status, HEALTH_DEGRADED);
}

static void a_clock_that_jumps_costs_no_notice(void **state)
{
	struct courier_order order;

	(void)state;
	notice(1, 1);
	second();
	assert_int_equal(ordered(&order), 2);
	answer(&order, COURIER_LATER, 0);
	assert_int_equal(ordered(&order), 4);
	wall_ms += 3 * DAY_MS;
	now_ns += 2 * SECOND;
	second();
	assert_int_equal(ordered(&order), 2);
	assert_int_equal(row(2).dropped, 0);
	dispatch_close(d); /* it jumped as nobody looked: an hour is left */
	open_it();
	second();
	assert_int_equal(ordered(&order), 2);
	answer(&order, COURIER_LATER, 0);
	assert_int_equal(ordered(&order), 4);
	now_ns += 3590 * SECOND;
	second();
	assert_int_equal(ordered(&order), 2);
	answer(&order, COURIER_LATER, 0);
	assert_int_equal(row(2).dropped, 0);
	now_ns += 10 * SECOND;
	second();
	assert_int_equal(row(2).dropped, 1);
}

static void what_fires_is_held_where_it_would_be_forgotten(void **state)
{
	struct notice *held = calloc(2, sizeof(*held));
	struct courier_order order;

	(void)state;
	assert_non_null(held);
	held[0].level = held[1].level = 1;
	held[0].id = 1;
	held[1].id = 2;
	assert_true(dispatch_holds(d, now_ns));
	assert_false(dispatch_holds(d, now_ns + SECOND));
	dispatch_hold(d, held, 2);
	assert_int_equal(ordered(&order), 4);
	assert_int_equal(order.kind, FORMAT_HELD);
	answer(&order, COURIER_LATER, 0); /* the next round is near */
	assert_int_equal(row(4).tries, 0);
	assert_int_equal(ordered(&order), 4);
	assert_int_equal(ordered(&order), -1);
}

static void a_channel_can_be_tried(void **state)
{
	struct courier_order order;

	(void)state;
	assert_int_equal(dispatch_try(d, "opps", wall_ms), -ENOENT);
	assert_int_equal(dispatch_try(d, "email", wall_ms), -ENODEV);
	assert_int_equal(dispatch_try(d, "ops", wall_ms), 0);
	assert_int_equal(row(2).trial, DISPATCH_TRYING);
	assert_int_equal(dispatch_try(d, "ops", wall_ms), -EBUSY);
	assert_int_equal(ordered(&order), 2);
	assert_int_equal(order.kind, FORMAT_TEST);
	answer(&order, COURIER_LATER, 0);
	assert_int_equal(row(2).trial, DISPATCH_BAD);
	assert_string_equal(row(2).trial_text, "its word");
	assert_int_equal(row(2).tries, 0); /* it was no notice */
	assert_int_equal(dispatch_try(d, "ops", wall_ms), 0);
	ordered(&order);
	answer(&order, COURIER_ARRIVED, 0);
	assert_int_equal(row(2).trial, DISPATCH_GOOD);
	assert_int_equal(row(2).delivered, 0);
	assert_int_equal(dispatch_try(d, "log", wall_ms), 0);
	assert_int_equal(row(0).trial, DISPATCH_GOOD);
}

static void channels_that_are_read_again_have_what_waited(void **state)
{
	static struct config_alerts next;
	struct courier_order order, late;
	struct channel_error why;

	(void)state;
	notice(1, 2); /* to ops, boss and am */
	second();
	assert_int_equal(ordered(&order), 2);
	late = order;
	assert_int_equal(ordered(&order), 3);
	assert_int_equal(ordered(&order), 4);
	answer(&order, COURIER_ARRIVED, 0);
	next = alerts; /* boss is no more, ops has another address and place, am its own */
	assert_int_equal(channel_parse("new type=webhook url=http://x/", &next.channels[2], &why),
			 0);
	assert_int_equal(channel_parse("ops type=webhook url=http://y/", &next.channels[3], &why),
			 0);
	next.levels[0] = 0x1c;
	next.levels[1] = 0;
	alerts.levels[0] = 0;
	dispatch_channels(d, &next);
	alerts = next;
	second();
	assert_string_equal(part("channel.boss").name, "");
	assert_string_equal(row(3).name, "ops");
	assert_int_equal(row(3).waiting, 1);
	assert_int_equal(row(3).levels, 1);
	assert_int_equal(row(2).waiting, 0);
	assert_int_equal(row(4).delivered, 1);
	answer(&late, COURIER_ARRIVED, 0); /* of the channel as it was */
	assert_int_equal(row(3).delivered, 0);
	assert_int_equal(ordered(&order), 3);
	assert_int_equal(order.notice.sequence, 1);
	assert_int_equal(ordered(&order), -1);
	dispatch_close(d);
	open_it(); /* so it is on disk */
	assert_int_equal(row(3).waiting, 1);
	assert_int_equal(row(2).waiting, 0);
	notice(2, 1);
	second();
	assert_int_equal(ordered(&order), 2);
	assert_int_equal(ordered(&order), 3);
	assert_int_equal(ordered(&order), 4);
}

static void nothing_is_ordered_before_the_disk_has_what_was_said(void **state)
{
	struct courier_order order;

	(void)state;
	assert_int_equal(scribe_run(scribe), 0);
	disk_stalls(scribe);
	notice(1, 1);
	notice(2, 1);
	second();
	assert_int_equal(ordered(&order), -1);
	disk_goes_on(scribe);
	dispatch_written(d, now_ns, wall_ms);
	assert_int_equal(ordered(&order), 2);
	disk_stalls(scribe);
	answer(&order, COURIER_ARRIVED, 0);
	assert_int_equal(ordered(&order), 4); /* it was ordered with the first */
	assert_int_equal(ordered(&order), -1);
	second();
	assert_int_equal(ordered(&order), -1);
	disk_goes_on(scribe);
	dispatch_written(d, now_ns, wall_ms);
	assert_int_equal(ordered(&order), 2);
	assert_int_equal(order.notice.sequence, 2);
}

static void without_a_runner_notices_wait(void **state)
{
	(void)state;
	close(links[1]);
	links[1] = -1;
	assert_false(dispatch_hear(d, now_ns, wall_ms));
	notice(1, 1);
	second();
	assert_int_equal(row(2).waiting, 1);
	assert_int_equal(dispatch_try(d, "ops", wall_ms), -EPIPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_level_adds_its_channels),
		TEST(one_at_a_time_and_the_next_at_once),
		TEST(a_failure_comes_again_later),
		TEST(what_is_refused_holds_nothing_up),
		TEST(who_does_not_answer_is_asked_again),
		TEST(a_word_about_something_else_changes_nothing),
		TEST(a_restart_goes_on_where_it_was),
		TEST(nothing_is_told_a_day_late),
		TEST(a_clock_that_jumps_costs_no_notice),
		TEST(what_fires_is_held_where_it_would_be_forgotten),
		TEST(a_channel_can_be_tried),
		TEST(channels_that_are_read_again_have_what_waited),
		TEST(nothing_is_ordered_before_the_disk_has_what_was_said),
		TEST(without_a_runner_notices_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
