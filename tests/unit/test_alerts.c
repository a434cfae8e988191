#include "alerts.h"
#include "health.h"
#include "scribe.h"

#include "metrics_fixture.h"
#include "stalled_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define START (5000 * SECOND)
#define RULE                                                                                       \
	"[{\"name\":\"mine\",\"metric\":\"agent.memory\",\"interval\":\"1s\",\"cooldown\":"        \
	"\"10s\","                                                                                 \
	"\"warning\":{\"above\":50},\"labels\":{\"team\":\"web\"}}]"

static char folder[32];
static struct fixture metrics;
static struct health *health;
static struct scribe *scribe;
static struct alerts *alerts;
static int64_t now_s;
static struct notice sent[8];
static size_t sent_count;
static struct hush_error error;

static void note(void *ctx, const struct notice *notice)
{
	(void)ctx;
	assert_true(sent_count < 8);
	sent[sent_count++] = *notice;
}

static void open_alerts(void)
{
	const struct alerts_config config = {
		.metrics = metrics.m,
		.health = health,
		.scribe = scribe,
		.base = "",
		.defaults = { (int64_t)(30 * SECOND), (int64_t)(300 * SECOND) },
		.second_level = 3,
		.third_level = 6,
		.send = note,
	};

	assert_int_equal(alerts_open(&alerts, &config, now_s * (int64_t)SECOND, now_s * 1000), 0);
}

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rs_alerts_XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	now_s = START / SECOND;
	sent_count = 0;
	fixture_open(&metrics, START);
	assert_int_equal(health_open(&health), 0);
	assert_int_equal(scribe_open(&scribe, folder), 0);
	open_alerts();
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	alerts_close(alerts);
	alerts_close(NULL);
	scribe_close(scribe);
	health_close(health);
	metrics_close(metrics.m);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static void rules(const char *text)
{
	int fd = memfd_create("rules", MFD_CLOEXEC);
	char head[64];
	int n = snprintf(head, sizeof(head), "0 %zu a.json\n", strlen(text));

	assert_int_equal(write(fd, head, (size_t)n), n);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	alerts_rules(alerts, fd, now_s * (int64_t)SECOND, now_s * 1000);
	close(fd);
}

static void seconds(int count, double bytes)
{
	const struct source_agent agent = { .memory = bytes };

	for (int i = 0; i < count; i++) {
		now_s++;
		alerts_second(alerts, &agent, now_s * (int64_t)SECOND, now_s * 1000);
	}
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

static size_t rule_count(void)
{
	struct alerts_rule *rows;
	int count = alerts_rule_list(alerts, &rows);

	free(rows);
	assert_true(count >= 0);
	return (size_t)count;
}

static void without_files_the_shipped_rules_are_in_force(void **state)
{
	(void)state;
	assert_true(rule_count() > 20);
	assert_int_equal(part("rules").status, HEALTH_HEALTHY);
}

static void what_is_bad_is_sent_once_a_cooldown_and_told_when_it_ends(void **state)
{
	struct alerts_counts counts;
	struct alerts_row *rows;

	(void)state;
	rules(RULE);
	seconds(15, 80);
	assert_int_equal(sent_count, 2);
	assert_int_equal(sent[0].kind, NOTICE_FIRING);
	assert_int_equal(sent[1].number, 2);
	assert_int_equal(alerts_list(alerts, false, 1, &rows), 1);
	assert_int_equal(rows[0].state, ALARM_FIRING);
	assert_string_equal(rows[0].notice.given.at[0], "team=web");
	assert_true(rows[0].notice.value == 80);
	free(rows);
	seconds(1, 10);
	assert_int_equal(sent_count, 3);
	assert_int_equal(sent[2].kind, NOTICE_RECOVERED);
	assert_int_equal(sent[2].given.count, 1);
	assert_int_equal(alerts_list(alerts, false, 1, &rows), 0);
	free(rows);
	assert_int_equal(alerts_list(alerts, true, 1, &rows), 1);
	assert_int_equal(rows[0].state, ALERTS_OVER);
	free(rows);
	alerts_counts_get(alerts, &counts);
	assert_int_equal(counts.sent, 3);
}

static void bad_rules_leave_the_last_good_ones_in_force_over_a_restart_too(void **state)
{
	size_t good;

	(void)state;
	rules(RULE);
	good = rule_count();
	rules("[{]");
	assert_int_equal(part("rules").status, HEALTH_DEGRADED);
	assert_non_null(strstr(part("rules").reason, "a.json:1: "));
	assert_int_equal(rule_count(), good);
	seconds(2, 80);
	assert_int_equal(sent_count, 1);
	alerts_close(alerts);
	open_alerts();
	assert_int_equal(rule_count(), good);
	rules("[]");
	assert_int_equal(rule_count(), good - 1);
	assert_int_equal(part("rules").status, HEALTH_HEALTHY);
}

static void a_restart_neither_forgets_nor_repeats(void **state)
{
	(void)state;
	rules(RULE);
	seconds(3, 80);
	assert_int_equal(sent_count, 1);
	alerts_close(alerts);
	open_alerts();
	seconds(5, 80);
	assert_int_equal(sent_count, 1);
	seconds(5, 80);
	assert_int_equal(sent_count, 2);
	assert_int_equal(sent[1].number, 2);
	assert_int_equal(sent[1].id, sent[0].id);
}

static void a_state_that_cannot_be_read_is_kept_aside_and_said(void **state)
{
	char path[64];
	struct stat st;
	FILE *file;

	(void)state;
	rules(RULE);
	seconds(3, 80);
	alerts_close(alerts);
	snprintf(path, sizeof(path), "%s/alerts.state", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("garbage", file);
	fclose(file);
	open_alerts();
	seconds(1, 10);
	assert_int_equal(part("alerts").status, HEALTH_DEGRADED);
	strcat(path, ".bad");
	assert_int_equal(stat(path, &st), 0);
}

static void good_rules_that_cannot_be_read_end_no_alert_and_are_said(void **state)
{
	char path[64];
	FILE *file;

	(void)state;
	rules(RULE);
	seconds(3, 80);
	assert_int_equal(sent_count, 1);
	alerts_close(alerts);
	snprintf(path, sizeof(path), "%s/rules.good", folder);
	file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, -3, SEEK_END);
	fputc('!', file);
	fclose(file);
	open_alerts();
	assert_int_equal(part("rules").status, HEALTH_DEGRADED);
	assert_non_null(strstr(part("rules").reason, "rules.good: from byte "));
	seconds(2, 80);
	rules("[{]"); /* nor do those of files that are bad */
	seconds(2, 80);
	assert_int_equal(sent_count, 1);
	rules(RULE);
	assert_int_equal(part("rules").status, HEALTH_HEALTHY);
	seconds(4, 80);
	assert_int_equal(sent_count, 2);
	assert_int_equal(sent[1].kind, NOTICE_FIRING);
	assert_int_equal(sent[1].number, 2);
	assert_int_equal(sent[1].id, sent[0].id);
	rules("[]"); /* now it is known that there is none */
	seconds(1, 80);
	assert_int_equal(sent_count, 3);
	assert_int_equal(sent[2].kind, NOTICE_RECOVERED);
}

static void a_state_that_cannot_be_written_is_said_and_notices_go_out_all_the_same(void **state)
{
	char path[64];

	(void)state;
	rules(RULE);
	snprintf(path, sizeof(path), "%s/alerts.state.next", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	seconds(3, 80);
	assert_int_equal(sent_count, 1);
	assert_int_equal(part("alerts").status, HEALTH_DEGRADED);
	assert_non_null(strstr(part("alerts").reason, "cannot be written"));
	rmdir(path);
	seconds(1, 80);
	assert_int_equal(part("alerts").status, HEALTH_HEALTHY);
}

static void while_the_disk_stalls_it_looks_on_and_sends_nothing(void **state)
{
	const struct alerts_time when = { 0, 1 };
	struct alerts_row *rows;

	(void)state;
	rules(RULE);
	assert_int_equal(scribe_run(scribe), 0);
	disk_stalls(scribe);
	seconds(3, 80);
	alerts_written(alerts);
	assert_int_equal(sent_count, 0);
	assert_int_equal(alerts_list(alerts, false, 1, &rows), 1);
	assert_int_equal(rows[0].state, ALARM_FIRING);
	assert_int_equal(alerts_acknowledge(alerts, rows[0].notice.id, &when), -ETIMEDOUT);
	free(rows);
	disk_goes_on(scribe);
	alerts_written(alerts);
	assert_int_equal(sent_count, 1);
	alerts_close(alerts);
	assert_true(scribe_wait(scribe, scribe_given(scribe), 20000));
	open_alerts();
	seconds(20, 80); /* it is marked, and what was said is kept */
	assert_int_equal(sent_count, 1);
}

static void changes_are_told_once_as_they_stood_then(void **state)
{
	struct alerts_time when = { 0, 1 };
	struct alerts_counts counts;
	struct alerts_row *rows;
	uint64_t from = 0, lost;

	(void)state;
	rules(RULE);
	seconds(3, 80);
	alerts_counts_get(alerts, &counts);
	assert_int_equal(counts.firing, 1);
	assert_int_equal(counts.pending, 0);
	assert_int_equal(alerts_acknowledge(alerts, sent[0].id, &when), 0);
	seconds(1, 10);
	assert_int_equal(alerts_changes(alerts, &from, &rows, &lost), 3);
	assert_int_equal(lost, 0);
	assert_int_equal(rows[0].state, ALARM_FIRING);
	assert_false(rows[0].acknowledged);
	assert_string_equal(rows[0].notice.given.at[0], "team=web");
	assert_true(rows[1].acknowledged);
	assert_int_equal(rows[2].state, ALERTS_OVER);
	assert_true(rows[2].notice.lasted_ns > 0);
	free(rows);
	assert_int_equal(alerts_changes(alerts, &from, &rows, &lost), 0);
	free(rows);
}

static void changes_that_are_not_remembered_are_counted(void **state)
{
	struct alerts_row *rows;
	uint64_t from = 0, lost;

	(void)state;
	rules("[{\"name\":\"mine\",\"metric\":\"agent.memory\",\"interval\":\"1s\","
	      "\"for\":\"1h\",\"warning\":{\"above\":70}}]");
	for (uint32_t i = 0; i < ALERTS_TRAIL + 3; i++)
		seconds(1, i % 2 ? 10 : 80);
	assert_int_equal(alerts_changes(alerts, &from, &rows, &lost), ALERTS_TRAIL);
	assert_true(lost > 0 && from == ALERTS_TRAIL + lost);
	free(rows);
}

static void an_acknowledgement_survives_a_restart(void **state)
{
	struct alerts_time when = { 0, 1 };
	struct alerts_row *rows;

	(void)state;
	rules(RULE);
	seconds(3, 80);
	assert_int_equal(alerts_acknowledge(alerts, sent[0].id + 1, &when), -ENOENT);
	when.now_ns = now_s * (int64_t)SECOND;
	assert_int_equal(alerts_acknowledge(alerts, sent[0].id, &when), 0);
	alerts_close(alerts);
	open_alerts();
	seconds(20, 80);
	assert_int_equal(sent_count, 1);
	assert_int_equal(alerts_list(alerts, false, 1, &rows), 1);
	assert_true(rows[0].acknowledged);
	free(rows);
}

static void a_silence_survives_a_restart_and_is_taken_back(void **state)
{
	static const char text[] = "{\"rule\": \"mine\", \"duration\": \"1h\"}";
	const struct alerts_time when = { now_s * (int64_t)SECOND, 1 };
	struct tree_error why;
	struct alerts_row *rows;
	struct hush hush, *hushes;
	struct tree *root;

	(void)state;
	rules(RULE);
	assert_int_equal(tree_open(&root, text, strlen(text), &why), 0);
	assert_int_equal(alerts_hush(alerts, root, &when, &hush, &error), 0);
	tree_close(root);
	alerts_close(alerts);
	open_alerts();
	seconds(3, 80);
	assert_int_equal(sent_count, 0);
	assert_int_equal(alerts_list(alerts, false, 1, &rows), 1);
	assert_int_equal(rows[0].silence, hush.id);
	free(rows);
	assert_int_equal(alerts_hush_list(alerts, &hushes), 1);
	assert_string_equal(hushes[0].rule, "mine");
	free(hushes);
	assert_int_equal(alerts_unhush(alerts, hush.id, 1), 0);
	assert_int_equal(alerts_unhush(alerts, hush.id, 1), -ENOENT);
	seconds(1, 80);
	assert_int_equal(sent_count, 1);
}

static void a_storm_that_was_told_of_can_be_asked_for(void **state)
{
	char text[8192] = "[";
	struct notice n;
	size_t length = 1;

	(void)state;
	assert_false(alerts_storm(alerts, 1, &n));
	for (int i = 0; i < 30; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   "%s{\"name\":\"m%d\",\"metric\":\"agent.memory\","
					   "\"interval\":\"1s\",\"warning\":{\"above\":50}}",
					   i ? "," : "", i);
	snprintf(text + length, sizeof(text) - length, "]");
	rules(text);
	seconds(2, 80);
	assert_int_equal(sent_count, 1);
	assert_true(alerts_storm(alerts, 77, &n));
	assert_int_equal(n.id, sent[0].id);
	assert_string_equal(n.rule, "alert-storm");
	assert_int_equal(n.kind, NOTICE_FIRING);
	assert_int_equal(n.level, 1);
	assert_int_equal(n.at_ms, 77);
	assert_int_equal(n.since_ms, sent[0].since_ms);
	seconds(2, 10);
	assert_false(alerts_storm(alerts, 1, &n));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_files_the_shipped_rules_are_in_force),
		TEST(what_is_bad_is_sent_once_a_cooldown_and_told_when_it_ends),
		TEST(bad_rules_leave_the_last_good_ones_in_force_over_a_restart_too),
		TEST(a_restart_neither_forgets_nor_repeats),
		TEST(a_state_that_cannot_be_read_is_kept_aside_and_said),
		TEST(good_rules_that_cannot_be_read_end_no_alert_and_are_said),
		TEST(a_state_that_cannot_be_written_is_said_and_notices_go_out_all_the_same),
		TEST(while_the_disk_stalls_it_looks_on_and_sends_nothing),
		TEST(changes_are_told_once_as_they_stood_then),
		TEST(changes_that_are_not_remembered_are_counted),
		TEST(an_acknowledgement_survives_a_restart),
		TEST(a_silence_survives_a_restart_and_is_taken_back),
		TEST(a_storm_that_was_told_of_can_be_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
