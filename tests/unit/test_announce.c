/* The Redis is the test's: fleet_fixture.h. */
#include "fleet_fixture.h"

#include "../../agent/fleet/announce.c"

#define KEY "fleet:{web-1}"

static struct announce *a;
static int64_t wall_ms;

static int64_t wall(void)
{
	return wall_ms;
}

static void fill(void *ctx, struct card *card)
{
	assert_null(ctx);
	card->services = 5;
	card->alerts = calloc(1, sizeof(*card->alerts)); /* freed with the card */
	card->alert_count = 1;
}

static int setup(void **state)
{
	const struct announce_config config = { .host = "web-1",
						.gone_after_ms = 30000,
						.forget_ms = 3600000,
						.agent = 0xabc,
						.version = "0.1.0",
						.started_ms = FLEET_NOW_MS - 60000,
						.now_ns = fake_now,
						.wall_ms = wall,
						.fill = fill };

	(void)state;
	fake_reset();
	wall_ms = FLEET_NOW_MS;
	return announce_open(&a, &config);
}

static int teardown(void **state)
{
	(void)state;
	announce_close(a);
	fake_reset();
	return 0;
}

static struct announce_state now(void)
{
	struct announce_state s;

	announce_state_get(a, &s);
	return s;
}

static struct card card_put_there(void)
{
	const struct fake_row *row = fake_must(KEY);
	struct card card;

	assert_null(card_read(row->bytes, row->length, &card));
	return card;
}

static void it_says_that_it_is_there(void **state)
{
	struct card card;

	(void)state;
	announce_second(a, true);
	fake_answer_all();
	card = card_put_there();
	assert_string_equal(card.host, "web-1");
	assert_string_equal(card.agent, "0000000000000abc");
	assert_int_equal(card.at_ms, FLEET_NOW_MS);
	assert_int_equal(card.gone_after_ms, 30000);
	assert_int_equal(card.services, 5);
	assert_int_equal(card.alert_count, 1);
	card_fini(&card);
	assert_int_equal(fake_ttl_ms, 3600000);
	assert_memory_equal(fake_ranked.member.bytes, "web-1", 5);
	assert_int_equal(fake_ranked.score, FLEET_NOW_MS);
	assert_int_equal(fake_ranked.least, FLEET_NOW_MS - 3600000);
	assert_int_equal(fake_ranked.ttl_ms, 3600000);
	assert_int_equal(now().announced, 1);
	assert_int_equal(now().failed, 0);
	assert_true(now().bytes > 100);
	assert_int_equal(now().put_ns, fake_now_ns);
}

static void three_times_before_it_would_be_gone(void **state)
{
	(void)state;
	announce_second(a, true);
	fake_answer_all();
	fake_now_ns += 9 * SECOND;
	announce_second(a, true);
	assert_int_equal(fake_answered, fake_count);
	fake_now_ns += SECOND;
	announce_second(a, true);
	assert_true(fake_count > fake_answered);
	announce_second(a, true); /* while that is under way, nothing more */
	assert_int_equal(fake_count, fake_answered + 2);
	fake_answer_all();
	assert_int_equal(now().announced, 2);
}

static void the_clock_of_the_redis_counts(void **state)
{
	struct card card;

	(void)state;
	wall_ms = FLEET_NOW_MS + 3600000; /* ours is an hour ahead */
	announce_second(a, true);
	fake_answer_all();
	card = card_put_there();
	assert_int_equal(card.offset_ms, 3600000);
	assert_int_equal(card.at_ms, FLEET_NOW_MS);
	assert_int_equal(card.started_ms, FLEET_NOW_MS - 60000 - 3600000);
	card_fini(&card);
}

static void half_of_the_way_is_the_way_back(void **state)
{
	(void)state;
	announce_second(a, true);
	fake_now_ns += 200 * MILLISECOND;
	fake_ms += 100; /* of the Redis, when it looked */
	fake_answer_all();
	assert_int_equal(now().offset_ms, 0);
}

static void an_answer_that_took_too_long_tells_no_time(void **state)
{
	(void)state;
	announce_second(a, true);
	fake_now_ns += 501 * MILLISECOND;
	fake_answer_all();
	assert_int_equal(now().announced, 0);
	assert_int_equal(now().failed, 1);
	assert_null(fake_find(KEY));
}

static void what_failed_is_done_again_a_second_later(void **state)
{
	(void)state;
	fake_bad = "fleet";
	fake_says = REDIS_TIMEOUT;
	announce_second(a, true);
	fake_answer_all();
	assert_int_equal(now().failed, 1);
	assert_int_equal(now().fault, REDIS_TIMEOUT);
	fake_bad = NULL;
	fake_now_ns += SECOND;
	announce_second(a, true);
	fake_answer_all();
	assert_int_equal(now().announced, 1);
	assert_int_equal(now().fault, REDIS_FINE);
}

static void half_an_announcement_is_none(void **state)
{
	(void)state;
	announce_second(a, true);
	fake_answer();
	fake_answer(); /* time and card are there: it puts */
	fake_bad = CARD_INDEX;
	fake_says = REDIS_OOM;
	fake_answer_all();
	assert_int_equal(now().announced, 0);
	assert_int_equal(now().fault, REDIS_OOM);
}

static void without_a_redis_nothing_is_asked(void **state)
{
	(void)state;
	announce_second(a, false);
	assert_int_equal(fake_count, 0);
	fake_refusal = -EHOSTDOWN;
	announce_second(a, true);
	assert_int_equal(now().failed, 1);
	fake_refusal = 0;
	announce_second(a, true);
	fake_answer_all();
	assert_int_equal(now().announced, 1);
}

static void another_agent_of_the_name_is_noticed(void **state)
{
	struct card other = fake_card("web-1", 0);

	(void)state;
	fake_host_keep(&other); /* of the agent that was before us: that is no other */
	announce_second(a, true);
	fake_answer_all();
	fake_now_ns += 10 * SECOND;
	announce_second(a, true);
	fake_answer_all();
	assert_int_equal(now().others, 0);
	fake_host_keep(&other);
	fake_now_ns += 10 * SECOND;
	announce_second(a, true);
	fake_answer_all();
	assert_int_equal(now().others, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_says_that_it_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(three_times_before_it_would_be_gone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_clock_of_the_redis_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(half_of_the_way_is_the_way_back, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_that_took_too_long_tells_no_time, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_failed_is_done_again_a_second_later, setup,
						teardown),
		cmocka_unit_test_setup_teardown(half_an_announcement_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_redis_nothing_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(another_agent_of_the_name_is_noticed, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
