#include "replay.h"

#include "engine_fixture.h"

#include <ringside/abi.h>

struct seen {
	uint32_t at_s;
	unsigned int turn;
	bool over;
	double value;
	uint8_t level;
};

static struct seen seen[16];
static size_t seen_count;
static struct replay *replay;
static uint32_t now_s;

static void turned(void *ctx, const struct engine_turn *turn)
{
	const struct notice *n = turn->notice;
	bool over = n->kind == NOTICE_RECOVERED;

	(void)ctx;
	if (book_is_shipped(turn->spec))
		return;
	assert_true(seen_count < 16);
	seen[seen_count++] = (struct seen){ now_s, turn->turn, over, n->value, n->level };
}

static void replayed(const struct replay_input *input, const char *rules, uint32_t seconds)
{
	const struct replay_config config = { .input = *input,
					      .begin_ms = WALL_MS,
					      .second_level = 3,
					      .third_level = 6,
					      .turned = turned };

	seen_count = 0;
	now_s = 0;
	assert_int_equal(replay_open(&replay, &config, fixture_book(rules)), 0);
	while (now_s < seconds) {
		now_s++;
		assert_int_equal(replay_step(replay), 0);
	}
	replay_close(replay);
}

static struct replay_load load(uint32_t from_s, uint32_t to_s, uint64_t span_ns, uint16_t status)
{
	return (struct replay_load){ .labels = { .service = "shop", .route = "/a" },
				     .from_s = from_s,
				     .to_s = to_s,
				     .per_s = 2,
				     .span_ns = span_ns,
				     .status = status,
				     .method = RS_METHOD_GET };
}

static void requests_fire_and_resolve_through_the_window(void **state)
{
	const struct replay_load loads[] = { load(0, 100, 100000000, 200),
					     load(100, 160, 2000000000, 200),
					     load(160, 600, 100000000, 200) };
	const struct replay_input input = { loads, 3, NULL, 0 };

	(void)state;
	/* SLOW: the average of 5 minutes above 1 s; looked at each 10 s, from 1 s on */
	replayed(&input, "[" SLOW "]", 600);
	assert_int_equal(seen_count, 0); /* 60 of 160 seconds are no more than 0.8 s on average */
	replayed(&input,
		 "[{\"name\":\"x\",\"metric\":\"requests.duration\",\"window\":\"30s\","
		 "\"interval\":\"10s\",\"warning\":{\"above\":\"1s\"}}]",
		 300);
	assert_int_equal(seen_count, 2 + 0);
	assert_int_equal(seen[0].at_s, 121);
	assert_int_equal(seen[0].turn, ALARM_CHANGED | ALARM_NOTICE);
	assert_true(fabs(seen[0].value - (20 * 2000 + 9 * 100) / 29.0) < 100);
	assert_int_equal(seen[1].at_s, 181);
	assert_true(seen[1].over);
}

static void failures_are_failures(void **state)
{
	const struct replay_load loads[] = { load(0, 60, 1000000, 503) };
	const struct replay_input input = { loads, 1, NULL, 0 };

	(void)state;
	replayed(&input,
		 "[{\"name\":\"x\",\"metric\":\"requests.errors\",\"window\":\"30s\","
		 "\"interval\":\"10s\",\"warning\":{\"above\":\"50%\"}}]",
		 60);
	assert_int_equal(seen_count, 1);
	assert_true(seen[0].value == 100);
}

static void values_are_what_the_metric_gives(void **state)
{
	const struct replay_value values[] = {
		{ { .service = "shop" }, METRIC_CPU_PERCENT, 0, 21, 50 },
		{ { .service = "shop" }, METRIC_CPU_PERCENT, 21, 41, 99 },
		{ { .service = "shop" }, METRIC_CPU_PERCENT, 41, 60, (double)NAN },
		{ { .service = "bank" }, METRIC_CPU_PERCENT, 0, 60, 10 },
	};
	const struct replay_input input = { NULL, 0, values, 4 };

	(void)state;
	replayed(&input,
		 "[{\"name\":\"x\",\"metric\":\"cpu.percent\",\"interval\":\"10s\","
		 "\"warning\":{\"above\":90},\"nodata\":\"ok\"}]",
		 60);
	assert_int_equal(seen_count, 2);
	assert_int_equal(seen[0].at_s, 31); /* what happens in second 21 is told behind it */
	assert_true(seen[0].value == 99);
	assert_int_equal(seen[1].at_s, 51); /* without data all is well, as the rule says */
	assert_true(seen[1].over);
}

static void notices_climb_as_in_the_agent(void **state)
{
	const struct replay_value values[] = {
		{ { .service = "shop" }, METRIC_CPU_PERCENT, 0, 600, 99 }
	};
	const struct replay_input input = { NULL, 0, values, 1 };

	(void)state;
	replayed(&input,
		 "[{\"name\":\"x\",\"metric\":\"cpu.percent\",\"interval\":\"10s\","
		 "\"cooldown\":\"60s\",\"service_impacting\":true,\"warning\":{\"above\":90}}]",
		 330);
	assert_int_equal(seen_count, 6);
	for (uint8_t i = 0; i < 6; i++) {
		assert_int_equal(seen[i].at_s, 1 + 60 * i);
		assert_int_equal(seen[i].level, i < 2 ? 1 : i < 5 ? 2 : 3);
	}
}

static void too_many_services_are_refused(void **state)
{
	static struct replay_load loads[REPLAY_SERVICES + 1];
	const struct replay_config config = { .input = { loads, REPLAY_SERVICES + 1, NULL, 0 } };

	(void)state;
	for (size_t i = 0; i <= REPLAY_SERVICES; i++) {
		loads[i] = load(0, 1, 1, 200);
		snprintf(loads[i].labels.service, sizeof(loads[i].labels.service), "s%zu", i);
	}
	assert_int_equal(replay_open(&replay, &config, fixture_book("[]")), -E2BIG);
	replay_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_fire_and_resolve_through_the_window),
		cmocka_unit_test(failures_are_failures),
		cmocka_unit_test(values_are_what_the_metric_gives),
		cmocka_unit_test(notices_climb_as_in_the_agent),
		cmocka_unit_test(too_many_services_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
