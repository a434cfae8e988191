#include "../../agent/rules/diary.c" /* white box: which fields it knows */
#include "engine_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static struct engine_fixture f;
static char folder[32];
static struct diary d;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rs_diary_XXXXXX");
	d = (struct diary){ .boot = "this-boot" };
	if (!mkdtemp(folder) || scribe_open(&d.scribe, folder))
		return -1;
	fixture_open(&f, "[" SLOW "]");
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	engine_close(f.engine);
	scribe_close(d.scribe);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static int load(void)
{
	char why[STAMPED_WHY];
	uint64_t sent;

	diary_marked(&d, &sent, why);
	return diary_load(&d, f.engine, sent, f.now_s * SECOND, why);
}

/* The agent was killed and comes back. */
static void again(void)
{
	engine_close(f.engine);
	fixture_engine(&f);
	assert_int_equal(load(), 0);
	assert_int_equal(
		engine_rules(f.engine, fixture_book("[" SLOW "]"), f.now_s * SECOND, f.wall_ms), 0);
}

static void fires(void)
{
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 1);
	assert_int_equal(diary_save(&d, f.engine, f.now_s * SECOND), 0);
}

static void every_field_of_an_alarm_comes_back(void **state)
{
	struct instance out;
	const struct instance *i;

	(void)state;
	fires();
	f.engine->instances.first->alarm.acknowledged = true;
	f.engine->instances.first->alarm.limits[1].looks = UINT32_MAX;
	f.engine->instances.first->alarm.told_severity = -1;
	out = *f.engine->instances.first;
	assert_int_equal(diary_save(&d, f.engine, f.now_s * SECOND), 0);
	again();
	i = f.engine->instances.first;
	assert_non_null(i);
	assert_string_equal(i->rule, out.rule);
	assert_memory_equal(&i->labels, &out.labels, sizeof(out.labels));
	assert_int_equal(i->id, out.id);
	for (const struct diary_field *field = diary_instance; field->name; field++)
		if (field->type != DIARY_TEXT && field->type != DIARY_DOUBLE)
			assert_int_equal(diary_whole(field, i), diary_whole(field, &out));
	assert_true(i->alarm.value == 2000 && i->alarm.peak == 2000);
}

static void a_restart_neither_forgets_nor_repeats_a_notice(void **state)
{
	(void)state;
	fires();
	assert_int_equal(diary_mark(&d, f.engine->outbox[0].sequence), 0); /* it was sent */
	again();
	assert_int_equal(f.engine->outbox_count, 0);
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 0);
	fixture_step(&f, 40);
	assert_int_equal(f.engine->outbox_count, 0);
	fixture_step(&f, 10); /* a cooldown after the first, not after the restart */
	assert_int_equal(f.engine->outbox_count, 1);
	assert_int_equal(f.engine->outbox[0].number, 2);
	assert_int_equal(f.engine->outbox[0].sequence, 2);
	assert_false(f.engine->outbox[0].again);
	f.slow[0].value = 100;
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox[1].kind, NOTICE_RECOVERED);
	assert_int_equal(f.engine->outbox[1].lasted_ns, 70 * SECOND);
}

static void a_notice_that_was_not_marked_is_sent_again_and_says_so(void **state)
{
	(void)state;
	fires();
	again();
	assert_int_equal(f.engine->outbox_count, 1);
	assert_true(f.engine->outbox[0].again);
	assert_int_equal(f.engine->outbox[0].sequence, 1);
	assert_string_equal(f.engine->outbox[0].summary, "shop 2 s");
}

static void every_field_of_a_notice_comes_back(void **state)
{
	const struct notice *n;
	struct notice out;

	(void)state;
	fires();
	out = f.engine->outbox[0];
	out.given = (struct spec_labels){ .at = { "team=web", "tier=1" }, .count = 2 };
	strcpy(out.labels.environment, "test");
	out.again = true; /* of one that was not marked */
	f.engine->outbox[0] = out;
	assert_int_equal(diary_save(&d, f.engine, f.now_s * SECOND), 0);
	again();
	n = &f.engine->outbox[0];
	for (const struct diary_field *field = diary_notice; field->name; field++)
		if (field->type == DIARY_TEXT)
			assert_string_equal((const char *)n + field->at,
					    (const char *)&out + field->at);
		else if (field->type != DIARY_DOUBLE)
			assert_int_equal(diary_whole(field, n), diary_whole(field, &out));
	assert_string_equal(n->given.at[1], "tier=1");
	f.engine->outbox[0].given.count = SPEC_LABELS; /* more than there are */
	assert_int_equal(diary_save(&d, f.engine, f.now_s * SECOND), 0);
	again();
	assert_int_equal(f.engine->outbox_count, 0);
}

static void another_boot_counts_on_as_if_no_time_had_passed(void **state)
{
	(void)state;
	fires();
	diary_mark(&d, 1);
	strcpy(d.boot, "next-boot");
	f.now_s = 20;
	again();
	fixture_step(&f, 50);
	assert_int_equal(f.engine->outbox_count, 0);
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 1);
}

static void silences_and_the_past_come_back_too(void **state)
{
	struct hush *h = &f.engine->hushes.rows[0];

	(void)state;
	fires();
	f.slow[0].value = 100;
	fixture_step(&f, 10);
	h->id = f.engine->hushes.last = 7;
	strcpy(h->rule, "x*");
	h->until_ns = 5000 * SECOND;
	f.engine->hushes.count = 1;
	assert_int_equal(diary_save(&d, f.engine, f.now_s * SECOND), 0);
	again();
	assert_int_equal(f.engine->past_count, 1);
	assert_string_equal(f.engine->past[0].rule, "slow");
	assert_int_equal(f.engine->hushes.count, 1);
	assert_int_equal(f.engine->hushes.last, 7);
	assert_string_equal(f.engine->hushes.rows[0].rule, "x*");
	assert_int_equal(f.engine->hushes.rows[0].until_ns, 5000 * SECOND);
}

static void a_rule_that_went_meanwhile_ends_its_alerts(void **state)
{
	(void)state;
	fires();
	diary_mark(&d, 1);
	engine_close(f.engine);
	fixture_engine(&f);
	assert_int_equal(load(), 0);
	assert_int_equal(engine_rules(f.engine, fixture_book("[]"), f.now_s * SECOND, f.wall_ms),
			 0);
	assert_int_equal(f.engine->outbox_count, 1);
	assert_int_equal(f.engine->outbox[0].kind, NOTICE_RECOVERED);
}

static void without_a_diary_all_begins_anew(void **state)
{
	(void)state;
	assert_int_equal(load(), -ENOENT);
}

static void replace(const char *path, const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

static void a_state_that_is_stamped_but_none_says_which_line(void **state)
{
	char text[] = "{\n\"a\":}";
	const struct scribe_page page = {
		.file = DIARY_STATE, .how = SCRIBE_WHOLE, .bytes = text, .length = 7
	};
	char why[STAMPED_WHY];

	(void)state;
	assert_int_equal(stamped_give(d.scribe, &page), 0);
	assert_int_equal(diary_load(&d, f.engine, 0, 0, why), -EBADMSG);
	assert_memory_equal(why, "line 3: ", 8);
}

static void a_mark_that_was_cut_off_or_changed_marks_nothing(void **state)
{
	char path[64], bytes[128], why[STAMPED_WHY];
	uint64_t sent = 1;
	size_t length;
	FILE *file;

	(void)state;
	assert_int_equal(diary_marked(&d, &sent, why), -ENOENT);
	assert_int_equal(sent, 0);
	assert_int_equal(diary_mark(&d, UINT64_MAX), 0);
	assert_int_equal(diary_mark(&d, 7), 0); /* over it, and as long */
	assert_int_equal(diary_marked(&d, &sent, why), 0);
	assert_int_equal(sent, 7);
	snprintf(path, sizeof(path), "%s/" DIARY_SENT, folder);
	file = fopen(path, "r");
	assert_non_null(file);
	length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	for (size_t cut = 0; cut < length; cut++) {
		replace(path, bytes, cut);
		assert_int_equal(diary_marked(&d, &sent, why), -EBADMSG);
		assert_int_equal(sent, 0);
	}
	for (size_t at = 0; at < length; at++) {
		bytes[at] ^= 1;
		replace(path, bytes, length);
		assert_int_equal(diary_marked(&d, &sent, why), -EBADMSG);
		bytes[at] ^= 1;
	}
}

static void what_cannot_be_written_says_why_and_leaves_the_old(void **state)
{
	char path[64];

	(void)state;
	fires();
	snprintf(path, sizeof(path), "%s/" DIARY_STATE ".next", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(diary_save(&d, f.engine, 0), 0);
	assert_int_equal(scribe_error(d.scribe, DIARY_STATE), -EISDIR);
	rmdir(path);
	again();
	assert_int_equal(f.engine->instances.count, 1);
	scribe_close(d.scribe);
	assert_int_equal(scribe_open(&d.scribe, "/nonexistent"), 0);
	assert_int_equal(diary_save(&d, f.engine, 0), 0);
	assert_int_equal(scribe_error(d.scribe, DIARY_STATE), -ENOENT);
	assert_int_equal(diary_mark(&d, 1), 0);
	assert_int_equal(scribe_error(d.scribe, DIARY_SENT), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_field_of_an_alarm_comes_back),
		TEST(a_restart_neither_forgets_nor_repeats_a_notice),
		TEST(a_notice_that_was_not_marked_is_sent_again_and_says_so),
		TEST(every_field_of_a_notice_comes_back),
		TEST(another_boot_counts_on_as_if_no_time_had_passed),
		TEST(silences_and_the_past_come_back_too),
		TEST(a_rule_that_went_meanwhile_ends_its_alerts),
		TEST(without_a_diary_all_begins_anew),
		TEST(a_state_that_is_stamped_but_none_says_which_line),
		TEST(a_mark_that_was_cut_off_or_changed_marks_nothing),
		TEST(what_cannot_be_written_says_why_and_leaves_the_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
