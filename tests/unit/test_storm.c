#include "storm.h"

#include "diary.h"
#include "engine_fixture.h"

#include <unistd.h>

#define MANY 10000
#define RULES                                                                                      \
	"[{\"name\":\"slow\",\"metric\":\"requests.duration\",\"interval\":\"10s\","               \
	"\"cooldown\":\"60s\",\"warning\":{\"above\":\"1s\"},\"critical\":{\"above\":\"5s\"}},"    \
	"{\"name\":\"gone\",\"metric\":\"requests.errors\",\"interval\":\"10s\","                  \
	"\"cooldown\":\"60s\",\"warning\":{\"above\":10}}]"

static struct engine *engine;
static int64_t now_s;
static int bad[2]; /* series of slow and of gone that are bad */
static double worst;

static int read_many(void *ctx, const struct spec *spec, struct engine_reading **rows)
{
	int which = !strcmp(spec->name, "gone"), count = which ? bad[1] : bad[0];

	(void)ctx;
	*rows = NULL;
	if (!which && strcmp(spec->name, "slow") != 0)
		return -ENODATA;
	*rows = calloc(MANY + 1, sizeof(**rows));
	assert_non_null(*rows);
	for (int i = 0; i < MANY; i++) {
		(*rows)[i].of = (const void *)(intptr_t)i;
		(*rows)[i].value = i < count ? 2000 : 0;
	}
	if (!which && count && worst > 0)
		(*rows)[count - 1].value = worst;
	return MANY;
}

static void label_many(void *ctx, const struct spec *spec, const void *of,
		       struct notice_labels *out)
{
	(void)ctx;
	(void)spec;
	memset(out, 0, sizeof(*out));
	snprintf(out->service, sizeof(out->service), "s%d", (int)(intptr_t)of);
}

static void open_engine(void)
{
	const struct engine_config config = { .read = read_many,
					      .label = label_many,
					      .second_level = 3,
					      .third_level = 6,
					      .base = "http://x" };

	assert_int_equal(engine_open(&engine, &config), 0);
}

static int setup(void **state)
{
	(void)state;
	now_s = 1000;
	bad[0] = bad[1] = 0;
	worst = 0;
	open_engine();
	return engine_rules(engine, fixture_book(RULES), now_s * SECOND, WALL_MS);
}

static int teardown(void **state)
{
	(void)state;
	engine_close(engine);
	return 0;
}

/* What was posted in this time; the outbox is empty again. */
static size_t seconds(int count, struct notice *last)
{
	size_t posted = 0;

	for (int i = 0; i < count; i++) {
		now_s++;
		engine_step(engine, now_s * SECOND, WALL_MS + now_s * 1000);
		posted += engine->outbox_count;
		if (engine->outbox_count)
			*last = engine->outbox[engine->outbox_count - 1];
		engine_sent(engine, engine->outbox_count);
	}
	return posted;
}

static void a_few_are_told_one_by_one(void **state)
{
	struct notice n;

	(void)state;
	bad[0] = (int)STORM_ALONE;
	assert_int_equal(seconds(10, &n), STORM_ALONE);
	assert_string_equal(n.rule, "slow");
	bad[0] = 0;
	assert_int_equal(seconds(10, &n), STORM_ALONE);
	assert_int_equal(n.kind, NOTICE_RECOVERED);
	assert_int_equal(engine->storm.id, 0);
}

/* One that is told each second is one alert. */
static void a_few_that_are_told_often_are_no_storm(void **state)
{
	struct notice n;

	(void)state;
	assert_int_equal(engine_rules(engine,
				      fixture_book("[{\"name\":\"slow\",\"metric\":"
						   "\"requests.duration\",\"interval\":\"1s\","
						   "\"cooldown\":\"1s\","
						   "\"warning\":{\"above\":\"1s\"}}]"),
				      now_s * SECOND, WALL_MS),
			 0);
	bad[0] = 2;
	assert_in_range(seconds(120, &n), 236, 240);
	assert_string_equal(n.rule, "slow");
	assert_int_equal(engine->storm.id, 0);
	bad[0] = (int)STORM_ALONE + 1; /* all of these are told in one minute */
	seconds(60, &n);
	assert_int_not_equal(engine->storm.id, 0);
}

static void ten_thousand_are_told_as_one(void **state)
{
	struct notice n;

	(void)state;
	bad[0] = 9000;
	bad[1] = 1000;
	worst = 6000;
	assert_int_equal(seconds(10, &n), 1);
	assert_string_equal(n.rule, STORM_RULE);
	assert_int_equal(n.kind, NOTICE_FIRING);
	assert_int_equal(n.severity, SPEC_CRITICAL);
	assert_int_equal(n.number, 1);
	assert_int_equal(n.level, 1);
	assert_true(n.value == 10000);
	assert_string_equal(n.link, "http://x/api/alerts");
	assert_int_equal(n.id, engine->storm.id);
	assert_true(n.since_ms == engine->storm.since_ms && n.since_ms > 0);
	assert_string_equal(
		n.summary,
		"10000 alerts fire at once, 1 of them critical: slow 9000, gone 1000; the worst: "
		"slow s8999 6 s, gone s999 2000 %, gone s998 2000 %");
	assert_true(engine->outbox_room <= 64); /* they were not held all at once */
}

static void it_is_told_again_when_it_is_told_again_and_over_when_all_are(void **state)
{
	struct notice n;

	(void)state;
	bad[0] = MANY;
	assert_int_equal(seconds(10, &n), 1);
	assert_int_equal(seconds(50, &n), 0);
	assert_int_equal(seconds(10, &n), 1); /* each of them after its cooldown */
	assert_int_equal(n.number, 2);
	bad[0] = 10;
	assert_int_equal(seconds(10, &n), 0);
	bad[0] = 0;
	assert_int_equal(seconds(10, &n), 1);
	assert_int_equal(n.kind, NOTICE_RECOVERED);
	assert_string_equal(n.rule, STORM_RULE);
	assert_true(n.peak == MANY);
	assert_int_equal(n.lasted_ns, 80 * SECOND);
	assert_int_equal(engine->past[(engine->past_next + ENGINE_PAST - 1) % ENGINE_PAST].id,
			 n.id);
	assert_int_equal(seconds(60, &n), 0);
	bad[0] = 1;
	assert_int_equal(seconds(10, &n), 1); /* and one is one again */
	assert_string_equal(n.rule, "slow");
}

static void more_of_it_is_told_after_a_pause(void **state)
{
	struct notice n;

	(void)state;
	bad[0] = 100;
	assert_int_equal(seconds(10, &n), 1);
	bad[1] = 100;
	assert_int_equal(seconds(10, &n), 0);
	assert_int_equal(seconds(50, &n), 1);
	assert_true(n.value == 200);
	assert_int_equal(n.number, 2);
}

static void one_that_turns_critical_says_so(void **state)
{
	struct notice n;

	(void)state;
	bad[0] = 100;
	assert_int_equal(seconds(10, &n), 1);
	assert_int_equal(n.severity, SPEC_WARNING);
	assert_false(n.turned);
	worst = 6000;
	assert_int_equal(seconds(60, &n), 1);
	assert_int_equal(n.severity, SPEC_CRITICAL);
	assert_true(n.turned);
	assert_int_equal(seconds(60, &n), 1);
	assert_false(n.turned);
}

static void who_was_told_by_itself_is_told_by_itself_when_it_ends(void **state)
{
	struct notice n;

	(void)state;
	bad[0] = 2;
	assert_int_equal(seconds(10, &n), 2);
	bad[1] = 100;
	assert_int_equal(seconds(10, &n), 1);
	bad[0] = 0;
	assert_int_equal(seconds(10, &n), 2);
	assert_string_equal(n.rule, "slow");
	assert_int_equal(n.kind, NOTICE_RECOVERED);
	assert_int_equal(engine->storm.notices, 1); /* the others are in it still */
}

static void the_highest_level_of_those_in_it_is_its_own(void **state)
{
	struct notice n;

	(void)state;
	bad[0] = 100;
	seconds(10, &n);
	assert_int_equal(seconds(60, &n), 1);
	assert_int_equal(n.level, 1);
	assert_int_equal(seconds(60, &n), 1);
	assert_int_equal(n.level, 2);
	assert_int_equal(n.number, 3);
}

static void a_storm_survives_a_restart(void **state)
{
	char folder[] = "/tmp/rs_storm_XXXXXX", path[64], why[STAMPED_WHY];
	struct diary diary = { .boot = "a" };
	struct notice n;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(scribe_open(&diary.scribe, folder), 0);
	bad[0] = 100;
	seconds(10, &n);
	assert_int_equal(diary_save(&diary, engine, now_s * SECOND), 0);
	engine_close(engine);
	open_engine();
	assert_int_equal(diary_load(&diary, engine, 0, now_s * SECOND, why), 0);
	assert_int_equal(engine_rules(engine, fixture_book(RULES), now_s * SECOND, WALL_MS), 0);
	assert_int_equal(engine->storm.notices, 1);
	assert_int_equal(seconds(30, &n), 0);
	bad[0] = 0;
	assert_int_equal(seconds(30, &n), 1);
	assert_string_equal(n.rule, STORM_RULE);
	assert_int_equal(n.kind, NOTICE_RECOVERED);
	scribe_close(diary.scribe);
	snprintf(path, sizeof(path), "%s/" DIARY_STATE, folder);
	unlink(path);
	rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_few_are_told_one_by_one),
		TEST(a_few_that_are_told_often_are_no_storm),
		TEST(ten_thousand_are_told_as_one),
		TEST(it_is_told_again_when_it_is_told_again_and_over_when_all_are),
		TEST(more_of_it_is_told_after_a_pause),
		TEST(one_that_turns_critical_says_so),
		TEST(who_was_told_by_itself_is_told_by_itself_when_it_ends),
		TEST(the_highest_level_of_those_in_it_is_its_own),
		TEST(a_storm_survives_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
