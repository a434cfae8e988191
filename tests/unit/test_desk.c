#include "desk.h"

#include "courier.h"
#include "health.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[32];
static struct config_alerts alerts;
static struct postbox_names names;
static struct scribe *scribe;
static struct dispatch d;

static int setup(void **state)
{
	static const char *const texts[] = { "hook type=webhook url=http://x/",
					     "fix type=exec command=/bin/x user=u",
					     "off type=restart_unit units=a.service" };
	struct channel_error why;

	(void)state;
	strcpy(folder, "/tmp/rs_desk_XXXXXX");
	memset(&alerts, 0, sizeof(alerts));
	memset(&d, 0, sizeof(d));
	strcpy(alerts.channels[0].name, "log");
	for (int i = 0; i < 3; i++)
		assert_int_equal(channel_parse(texts[i], &alerts.channels[1 + i], &why), 0);
	alerts.count = 4;
	alerts.in_use = 7;
	alerts.levels[0] = 3;
	alerts.levels[1] = 6;
	d.config.alerts = &alerts;
	desk_open(&d, &names);
	if (!mkdtemp(folder) || health_open(&d.config.health) || scribe_open(&scribe, folder))
		return -1;
	return postbox_open(&d.postbox, scribe, &names);
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	postbox_close(d.postbox);
	scribe_close(scribe);
	health_close(d.config.health);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static struct health_part part(const char *name)
{
	struct health_part parts[HEALTH_PARTS];
	size_t count;

	desk_tell(&d, 1);
	count = health_list(d.config.health, parts, HEALTH_PARTS);
	for (size_t i = 0; i < count; i++)
		if (!strcmp(parts[i].name, name))
			return parts[i];
	fail_msg("no part %s", name);
	return parts[0];
}

static void a_channel_is_told_or_acts_or_neither(void **state)
{
	(void)state;
	assert_false(desk_carries(&d, 0) ||
		     desk_acts(&d, 0)); /* the log is written by who decides */
	assert_true(desk_carries(&d, 1) && !desk_acts(&d, 1));
	assert_true(!desk_carries(&d, 2) && desk_acts(&d, 2));
	assert_false(desk_carries(&d, 3) || desk_acts(&d, 3) || desk_is_used(&d, 3));
	assert_string_equal(names.at[2], "fix");
	assert_string_equal(d.channels[2].row.type, "exec");
	assert_int_equal(d.channels[1].row.levels, 3);
	assert_int_equal(d.channels[2].row.levels, 2);
}

static void how_it_stands_is_in_health(void **state)
{
	(void)state;
	assert_int_equal(part("channel.fix").status, HEALTH_HEALTHY);
	assert_string_equal(part("channel.off").reason, "not configured");
	desk_arrived(&d.channels[2], "exit code 0", 5);
	assert_string_equal(part("channel.fix").reason,
			    "1 delivered, 0 waiting, 0 dropped, 0 refused");
	desk_refused(&d.channels[2], "exit code 1", 6);
	assert_int_equal(part("channel.fix").status, HEALTH_DEGRADED);
	assert_string_equal(d.channels[2].row.said, "exit code 0");
	assert_string_equal(d.channels[2].row.fault, "exit code 1");
	assert_int_equal(d.channels[2].row.arrived_ms, 5);
	assert_int_equal(d.channels[2].row.failed_ms, 6);
	d.channels[2].dropped = 2;
	d.postbox->dropped[2] = 3;
	assert_int_equal(desk_dropped(&d, 2), 5);
	assert_int_equal(part("outbox").status, HEALTH_HEALTHY);
	d.postbox->late = 4;
	assert_int_equal(part("outbox").status, HEALTH_HEALTHY);
	d.postbox->late = 5;
	assert_non_null(strstr(part("outbox").reason, "has not taken what changed for 5 s"));
	assert_int_equal(part("outbox").status, HEALTH_DEGRADED);
	d.postbox->late = 0;
	d.postbox->damaged = 2;
	d.postbox->place = (struct postbox_place){ 3, 512 };
	assert_int_equal(part("outbox").status, HEALTH_DEGRADED);
	assert_string_equal(part("outbox").reason,
			    "alerts.outbox: line 3, from byte 512 on, is damaged, 2 lines in all: "
			    "what they said is lost");
	d.postbox->unread = -EISDIR;
	assert_string_equal(part("outbox").reason,
			    "alerts.outbox cannot be read: Is a directory: what it said is lost");
}

static void a_trial_is_known_by_its_time(void **state)
{
	struct courier_word word = { .outcome = COURIER_ARRIVED, .at_ms = 8, .text = "fine" };
	struct dispatch_channel *c = &d.channels[1];

	(void)state;
	c->row.trial = DISPATCH_TRYING;
	c->row.trial_ms = 7;
	desk_tried(c, &word);
	assert_int_equal(c->row.trial, DISPATCH_TRYING);
	word.at_ms = 7;
	desk_tried(c, &word);
	assert_int_equal(c->row.trial, DISPATCH_GOOD);
	assert_string_equal(c->row.trial_text, "fine");
	word.outcome = COURIER_REFUSED;
	desk_tried(c, &word);
	assert_int_equal(c->row.trial, DISPATCH_GOOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_channel_is_told_or_acts_or_neither, setup,
						teardown),
		cmocka_unit_test_setup_teardown(how_it_stands_is_in_health, setup, teardown),
		cmocka_unit_test_setup_teardown(a_trial_is_known_by_its_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
