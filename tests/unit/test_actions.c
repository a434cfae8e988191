#include "../../agent/send/actions.c" /* white box: what the disk refuses */
#include "rs_test.h"

#include "health.h"
#include "stalled_disk.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define PAUSE_MS INT64_C(600000)

enum { LOG, EMAIL, FIX, CACHE };

static char folder[32];
static struct config_alerts alerts;
static struct health *health;
static struct scribe *scribe;
static struct dispatch *d;
static int links[2];
static int64_t now_ns, wall_ms;
static int wipes[2];
static char cleared[64];

static int64_t clear(void *ctx, const char *pattern)
{
	snprintf(cleared, sizeof(cleared), "%s", pattern);
	return *(int64_t *)ctx;
}

static void open_it(void)
{
	const struct dispatch_config config = { .alerts = &alerts,
						.health = health,
						.scribe = scribe,
						.link = -1,
						.runner = links[0],
						.cache = wipes[0] };

	assert_int_equal(dispatch_open(&d, &config, wall_ms), 0);
}

static int setup(void **state)
{
	struct channel_error why;

	(void)state;
	strcpy(folder, "/tmp/rs_actions_XXXXXX");
	now_ns = 100 * SECOND;
	wall_ms = INT64_C(864000000);
	memset(&alerts, 0, sizeof(alerts));
	strcpy(alerts.channels[LOG].name, "log");
	strcpy(alerts.channels[EMAIL].name, "email");
	alerts.channels[EMAIL].type = CHANNEL_EMAIL;
	if (channel_parse("fix type=exec user=u command=/bin/x", &alerts.channels[FIX], &why) ||
	    channel_parse("cache type=cache_clear pattern=shop:*", &alerts.channels[CACHE], &why))
		return -1;
	alerts.count = 4;
	alerts.in_use = 0xd;
	alerts.levels[0] = 0x4;
	alerts.levels[1] = 0x8;
	if (!mkdtemp(folder) || health_open(&health) || courier_link(links) ||
	    courier_link(wipes) || scribe_open(&scribe, folder))
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
	close(wipes[0]);
	close(wipes[1]);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static void again(void)
{
	dispatch_close(d);
	open_it();
}

static void notice(uint64_t sequence, uint8_t level, enum notice_kind kind)
{
	const struct notice n = { .sequence = sequence,
				  .number = 1,
				  .level = level,
				  .kind = kind,
				  .severity = SPEC_CRITICAL,
				  .value = 3,
				  .limit = 2,
				  .unit = METRIC_UNIT_NUMBER,
				  .at_ms = wall_ms,
				  .rule = "r",
				  .labels = { .service = "shop" } };

	dispatch_notice(d, &n);
	dispatch_settle(d);
}

static void second(void)
{
	now_ns += SECOND;
	wall_ms += 1000;
	dispatch_second(d, now_ns, wall_ms);
}

static bool ordered(struct runner_order *order)
{
	return recv(links[1], order, sizeof(*order), MSG_DONTWAIT) == sizeof(*order);
}

static void answer(const struct runner_order *order, enum courier_outcome outcome)
{
	const struct courier_word word = { .outcome = outcome,
					   .sum = order->sum,
					   .kind = order->kind,
					   .sequence = order->sequence,
					   .at_ms = order->at_ms,
					   .pid = 77,
					   .text = "its word" };

	assert_int_equal(send(links[1], &word, sizeof(word), 0), sizeof(word));
	assert_true(actions_hear(d, now_ns, wall_ms));
}

static struct dispatch_row row(uint32_t channel)
{
	struct dispatch_row rows[CHANNEL_MAX];

	assert_int_equal(dispatch_list(d, rows), 4);
	return rows[channel];
}

static void an_action_is_ordered_with_its_values(void **state)
{
	struct runner_order order;

	(void)state;
	notice(1, 1, NOTICE_FIRING);
	second();
	assert_true(ordered(&order));
	assert_true(order.sum == channel_sum(&alerts.channels[FIX]));
	assert_string_equal(order.values.at[ACTION_SERVICE], "shop");
	assert_string_equal(order.values.at[ACTION_SEVERITY], "critical");
	assert_string_equal(order.values.at[ACTION_VALUE], "3");
	assert_string_equal(order.values.at[ACTION_LIMIT], "2");
	assert_string_equal(order.values.at[ACTION_ROUTE], "");
	assert_int_equal(row(FIX).waiting, 0);
	answer(&order, COURIER_ARRIVED);
	assert_int_equal(row(FIX).delivered, 1);
	assert_string_equal(row(FIX).said, "its word");
	assert_int_equal(dispatch_runner(d), 77);
	notice(2, 1, NOTICE_RECOVERED); /* there is nothing to be done any more */
	now_ns += PAUSE_MS * 1000000;
	second();
	assert_false(ordered(&order));
	assert_int_equal(row(FIX).skipped, 0);
}

static void it_is_begun_once_whatever_comes(void **state)
{
	struct runner_order order;

	(void)state;
	notice(1, 1, NOTICE_FIRING);
	second();
	assert_true(ordered(&order));
	again(); /* killed as it was under way */
	second();
	assert_false(ordered(&order));
	now_ns += PAUSE_MS * 1000000;
	second();
	assert_false(ordered(&order));
	notice(2, 1, NOTICE_FIRING);
	second();
	assert_true(ordered(&order));
	answer(&order, COURIER_REFUSED); /* it is not tried again */
	assert_int_equal(row(FIX).refused, 1);
	assert_string_equal(row(FIX).fault, "its word");
	now_ns += PAUSE_MS * 1000000;
	second();
	assert_false(ordered(&order));
}

static void what_waits_is_begun_after_a_restart(void **state)
{
	struct runner_order order;

	(void)state;
	notice(1, 1, NOTICE_FIRING);
	again(); /* killed before it began */
	second();
	assert_true(ordered(&order));
	assert_int_equal(order.sequence, 1);
}

/* A row may be left of what was a webhook under that name, or of a night without the agent. */
static void what_is_over_or_old_is_not_done(void **state)
{
	struct runner_order order;

	(void)state;
	notice(1, 1, NOTICE_FIRING);
	d->postbox->entries[0].notice.kind = NOTICE_RECOVERED;
	second();
	assert_false(ordered(&order));
	assert_int_equal(row(FIX).skipped, 1);
	notice(2, 1, NOTICE_FIRING);
	wall_ms += 3600000;
	second();
	assert_false(ordered(&order));
	assert_int_equal(row(FIX).skipped, 2);
	assert_int_equal(row(FIX).waiting, 0);
}

static void it_pauses_over_restarts_too(void **state)
{
	struct runner_order order;

	(void)state;
	notice(1, 1, NOTICE_FIRING);
	second();
	assert_true(ordered(&order));
	answer(&order, COURIER_ARRIVED);
	notice(2, 1, NOTICE_FIRING);
	second();
	assert_false(ordered(&order));
	assert_int_equal(row(FIX).skipped, 1);
	assert_int_equal(row(FIX).waiting, 0);
	again();
	again(); /* the file was written anew */
	wall_ms += PAUSE_MS - 10000;
	now_ns += 5 * SECOND;
	notice(3, 1, NOTICE_FIRING);
	second();
	assert_false(ordered(&order));
	now_ns += 10 * SECOND;
	notice(4, 1, NOTICE_FIRING);
	second();
	assert_true(ordered(&order));
	assert_int_equal(order.sequence, 4);
	wall_ms -= INT64_C(86400000); /* a clock that was put back */
	again();
	notice(5, 1, NOTICE_FIRING);
	second();
	assert_false(ordered(&order));
	now_ns += PAUSE_MS * 1000000;
	notice(6, 1, NOTICE_FIRING);
	second();
	assert_true(ordered(&order));
}

static void without_its_mark_on_disk_nothing_is_done(void **state)
{
	struct runner_order order;
	struct scribe *gone;

	(void)state;
	assert_int_equal(scribe_open(&gone, "/there/is/no/such/folder"), 0);
	notice(1, 1, NOTICE_FIRING);
	d->postbox->scribe = gone;
	second();
	assert_false(ordered(&order));
	assert_int_equal(row(FIX).refused, 1);
	assert_non_null(strstr(row(FIX).fault, "the outbox takes no mark"));
	d->postbox->scribe = scribe;
	scribe_close(gone);
}

static void it_begins_when_the_disk_has_its_mark_and_once(void **state)
{
	struct runner_order order;

	(void)state;
	notice(1, 1, NOTICE_FIRING);
	second();
	assert_true(ordered(&order));
	answer(&order, COURIER_ARRIVED);
	now_ns += PAUSE_MS * 1000000;
	second();
	assert_int_equal(scribe_run(scribe), 0);
	disk_stalls(scribe);
	assert_int_equal(dispatch_try(d, "fix", wall_ms), 0);
	notice(2, 1, NOTICE_FIRING);
	for (int i = 0; i < 3; i++)
		second();
	now_ns += PAUSE_MS * 1000000; /* the disk takes longer than it has to pause */
	second();
	assert_int_equal(dispatch_try(d, "fix", wall_ms), -EBUSY);
	assert_false(ordered(&order));
	disk_goes_on(scribe);
	dispatch_written(d, now_ns, wall_ms);
	assert_true(ordered(&order));
	assert_int_equal(order.kind, FORMAT_TEST);
	assert_true(scribe_wait(scribe, scribe_given(scribe), 20000));
	dispatch_written(d, now_ns, wall_ms);
	assert_true(ordered(&order)); /* it paused as long as it has to */
	assert_int_equal(order.sequence, 2);
	assert_true(scribe_wait(scribe, scribe_given(scribe), 20000));
	dispatch_written(d, now_ns, wall_ms);
	assert_false(ordered(&order));
}

static void of_a_damaged_outbox_nothing_is_begun(void **state)
{
	const struct notice told = {
		.sequence = 9, .level = 1, .again = true, .at_ms = wall_ms, .rule = "r"
	};
	struct runner_order order;
	char path[64];
	FILE *file;

	(void)state;
	notice(1, 1, NOTICE_FIRING);
	dispatch_close(d);
	snprintf(path, sizeof(path), "%s/" POSTBOX_FILE, folder);
	file = fopen(path, "a");
	assert_non_null(file);
	fprintf(file, "0123456789abcdef {\"done\":1,\"channel\":\"fix\"}\n");
	fclose(file);
	open_it();
	dispatch_notice(d, &told); /* who knows */
	second();
	assert_false(ordered(&order));
	assert_int_equal(row(FIX).dropped, 1);
	assert_int_equal(row(FIX).waiting, 0);
	notice(10, 1, NOTICE_FIRING);
	second();
	assert_true(ordered(&order));
	assert_int_equal(order.sequence, 10);
}

static void who_does_not_answer_is_not_asked_again(void **state)
{
	const struct runner_order none = { 0 };
	struct runner_order order;

	(void)state;
	notice(1, 1, NOTICE_FIRING);
	second();
	assert_true(ordered(&order));
	now_ns += 88 * SECOND;
	second();
	assert_int_equal(row(FIX).refused, 0);
	now_ns += 2 * SECOND;
	second();
	assert_int_equal(row(FIX).refused, 1);
	assert_non_null(strstr(row(FIX).fault, "did not say"));
	now_ns += PAUSE_MS * 1000000;
	notice(2, 1, NOTICE_FIRING);
	second();
	assert_true(ordered(&order));
	answer(&none, COURIER_HELLO);
	assert_int_equal(row(FIX).refused, 2);
	assert_non_null(strstr(row(FIX).fault, "started anew"));
	close(links[1]);
	links[1] = -1;
	assert_false(actions_hear(d, now_ns, wall_ms));
	now_ns += PAUSE_MS * 1000000;
	notice(3, 1, NOTICE_FIRING);
	second();
	assert_int_equal(row(FIX).refused, 3);
	assert_non_null(strstr(row(FIX).fault, "Broken pipe"));
}

static void a_try_does_it_and_counts(void **state)
{
	struct runner_order order;

	(void)state;
	second();
	assert_int_equal(dispatch_try(d, "fix", wall_ms), 0);
	assert_true(ordered(&order));
	assert_int_equal(order.kind, FORMAT_TEST);
	assert_string_equal(order.values.at[ACTION_RULE], "ringside-test");
	assert_int_equal(dispatch_try(d, "fix", wall_ms), -EBUSY);
	answer(&order, COURIER_ARRIVED);
	assert_int_equal(row(FIX).trial, DISPATCH_GOOD);
	assert_string_equal(row(FIX).trial_text, "its word");
	assert_int_equal(row(FIX).delivered, 0);
	assert_int_equal(dispatch_try(d, "fix", wall_ms), 0);
	assert_false(ordered(&order));
	assert_int_equal(row(FIX).trial, DISPATCH_BAD);
	assert_non_null(strstr(row(FIX).trial_text, "at_most_every"));
	notice(1, 1, NOTICE_FIRING);
	second();
	assert_false(ordered(&order));
	assert_int_equal(row(FIX).skipped, 1);
}

static void a_cache_is_cleared_where_there_is_one(void **state)
{
	const struct courier_word anew = { .outcome = COURIER_HELLO, .pid = 78 };
	int64_t result = 3;

	(void)state;
	notice(1, 2, NOTICE_FIRING);
	second();
	assert_int_equal(row(CACHE).waiting, 0); /* it is begun, and its owner has it */
	assert_int_equal(row(CACHE).delivered, 0);
	assert_int_equal(send(links[1], &anew, sizeof(anew), 0), sizeof(anew));
	assert_true(actions_hear(d, now_ns, wall_ms)); /* the runner has no part in it */
	assert_int_equal(row(CACHE).refused, 0);
	wipe_serve(wipes[1], clear, &result);
	actions_hear_cache(d, now_ns, wall_ms);
	assert_string_equal(cleared, "shop:*");
	assert_int_equal(row(CACHE).delivered, 1);
	assert_string_equal(row(CACHE).said, "3 entries cleared");
	assert_int_equal(dispatch_runner(d), 78);
	assert_int_equal(dispatch_try(d, "cache", wall_ms), 0);
	assert_int_equal(row(CACHE).trial, DISPATCH_BAD); /* it pauses still */
	now_ns += PAUSE_MS * 1000000;
	second();
	assert_int_equal(dispatch_try(d, "cache", wall_ms), 0);
	assert_int_equal(row(CACHE).trial, DISPATCH_TRYING);
	result = -EINVAL;
	wipe_serve(wipes[1], clear, &result);
	actions_hear_cache(d, now_ns, wall_ms);
	assert_string_equal(row(CACHE).trial_text, "not done: Invalid argument");
	assert_int_equal(row(CACHE).trial, DISPATCH_BAD);
}

static void without_a_cache_none_is_cleared(void **state)
{
	(void)state;
	d->config.cache = -1;
	notice(1, 2, NOTICE_FIRING);
	second();
	assert_string_equal(row(CACHE).fault, "not done: the cache is turned off by cache.enabled");
	assert_int_equal(row(CACHE).refused, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_action_is_ordered_with_its_values, setup,
						teardown),
		cmocka_unit_test_setup_teardown(it_is_begun_once_whatever_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_waits_is_begun_after_a_restart, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_over_or_old_is_not_done, setup, teardown),
		cmocka_unit_test_setup_teardown(it_pauses_over_restarts_too, setup, teardown),
		cmocka_unit_test_setup_teardown(without_its_mark_on_disk_nothing_is_done, setup,
						teardown),
		cmocka_unit_test_setup_teardown(it_begins_when_the_disk_has_its_mark_and_once,
						setup, teardown),
		cmocka_unit_test_setup_teardown(of_a_damaged_outbox_nothing_is_begun, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_does_not_answer_is_not_asked_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_try_does_it_and_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cache_is_cleared_where_there_is_one, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_a_cache_none_is_cleared, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
