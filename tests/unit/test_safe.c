#include "safe.h"

#include "engine_fixture.h"
#include "stalled_disk.h"

#include <unistd.h>

static struct engine_fixture f;
static char folder[32];
static struct scribe *scribe;
static struct safe safe;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rs_safe_XXXXXX");
	if (!mkdtemp(folder) || scribe_open(&scribe, folder))
		return -1;
	fixture_open(&f, "[" SLOW "]");
	safe_init(&safe, scribe);
	safe_load(&safe, f.engine, f.now_s * SECOND);
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	engine_close(f.engine);
	scribe_close(scribe);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT(concurrency-mt-unsafe,cert-env33-c) */
}

static void fires(void)
{
	f.slow[0].value = 2000;
	fixture_step(&f, 10);
	assert_int_equal(f.engine->outbox_count, 1);
}

static void second(void)
{
	safe_second(&safe, f.engine, ++f.now_s * SECOND);
}

static bool complains(const char *of)
{
	char text[160] = "";

	return safe_complains(&safe, text, sizeof(text)) && strstr(text, of);
}

static void what_was_loaded_may_be_sent_at_once(void **state)
{
	(void)state;
	fires();
	second();
	assert_int_equal(safe.covered, 1);
	engine_close(f.engine);
	fixture_engine(&f);
	safe_init(&safe, scribe);
	safe_load(&safe, f.engine, f.now_s * SECOND);
	assert_int_equal(f.engine->outbox_count, 1);
	assert_int_equal(safe.covered, 1);
}

static void a_notice_waits_for_the_state_that_has_it(void **state)
{
	(void)state;
	assert_int_equal(scribe_run(scribe), 0);
	disk_stalls(scribe);
	fires();
	second();
	assert_false(f.engine->changed);
	assert_int_equal(safe.covered, 0);
	f.engine->last_sequence = 2; /* another one comes meanwhile */
	f.engine->changed = true;
	second();
	assert_int_equal(scribe_given(scribe), 2); /* one state at a time */
	assert_int_equal(safe.covered, 0);
	disk_goes_on(scribe);
	safe_look(&safe, f.engine);
	assert_int_equal(safe.covered, 1);
	second();
	assert_true(scribe_wait(scribe, 3, 20000));
	safe_look(&safe, f.engine);
	assert_int_equal(safe.covered, 2);
	assert_false(complains(""));
}

static void a_disk_that_takes_long_is_spoken_of(void **state)
{
	(void)state;
	assert_int_equal(scribe_run(scribe), 0);
	disk_stalls(scribe);
	fires();
	for (int i = 0; i < 4; i++)
		second();
	assert_false(complains(""));
	second();
	assert_true(complains("has not taken the state for 5 s"));
	disk_goes_on(scribe);
	second();
	assert_false(complains(""));
}

static void what_is_refused_may_be_sent_and_is_tried_again(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/" DIARY_STATE ".next", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	fires();
	second();
	assert_int_equal(safe.covered, 1);
	assert_true(complains("cannot be written down"));
	rmdir(path);
	second();
	assert_false(complains(""));
}

static void a_mark_that_is_refused_is_made_again(void **state)
{
	char path[64];

	(void)state;
	fires();
	second();
	snprintf(path, sizeof(path), "%s/" DIARY_SENT, folder);
	assert_int_equal(mkdir(path, 0700), 0);
	safe_mark(&safe, 1);
	assert_true(complains("cannot be written down"));
	rmdir(path);
	second();
	assert_false(complains(""));
	engine_close(f.engine);
	fixture_engine(&f);
	safe_load(&safe, f.engine, f.now_s * SECOND);
	assert_int_equal(f.engine->outbox_count, 0);
}

/* The agent was killed; one of its files is put in place of what it left. */
static void again_with(const char *name, const char *bytes)
{
	char path[64];
	FILE *file;

	engine_close(f.engine);
	fixture_engine(&f);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(bytes, file);
	fclose(file);
	safe_init(&safe, scribe);
	safe_load(&safe, f.engine, f.now_s * SECOND);
}

static void a_mark_that_cannot_be_read_skips_nothing_and_is_said(void **state)
{
	static const char *const marks[] = { "", "\xff\xff\xff\xff\xff\xff\xff\xff", "5\n" };
	char path[64];

	(void)state;
	fires();
	second();
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		again_with(DIARY_SENT, marks[i]);
		assert_int_equal(f.engine->outbox_count, 1); /* too large, it would be skipped */
		assert_true(f.engine->outbox[0].again);
		assert_int_equal(f.engine->last_sequence, 1);
		assert_true(complains(DIARY_SENT ": byte 0 begins no such file: what was sent may "
						 "come again; it is kept as " DIARY_SENT ".bad"));
	}
	snprintf(path, sizeof(path), "%s/" DIARY_SENT, folder);
	assert_int_equal(access(path, F_OK), -1);
	safe_mark(&safe, 1);
	engine_close(f.engine);
	fixture_engine(&f);
	safe_init(&safe, scribe);
	safe_load(&safe, f.engine, f.now_s * SECOND);
	assert_int_equal(f.engine->outbox_count, 0);
	assert_false(complains(""));
}

static void a_state_that_cannot_be_read_is_named_with_the_place(void **state)
{
	char path[64];

	(void)state;
	fires();
	second();
	safe_mark(&safe, 1);
	again_with(DIARY_STATE, "ringside alerts.state 1 0123456789abcdef 500\n{}");
	assert_true(complains(DIARY_STATE ": cut off at byte 47 of 545: alerts began anew; it is "
					  "kept as " DIARY_STATE ".bad"));
	assert_int_equal(f.engine->last_sequence, 1); /* no number twice */
	snprintf(path, sizeof(path), "%s/" DIARY_STATE ".bad", folder);
	assert_int_equal(access(path, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_loaded_may_be_sent_at_once),
		TEST(a_notice_waits_for_the_state_that_has_it),
		TEST(a_disk_that_takes_long_is_spoken_of),
		TEST(what_is_refused_may_be_sent_and_is_tried_again),
		TEST(a_mark_that_is_refused_is_made_again),
		TEST(a_mark_that_cannot_be_read_skips_nothing_and_is_said),
		TEST(a_state_that_cannot_be_read_is_named_with_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
