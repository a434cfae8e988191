/* The Redis is the test's: fleet_fixture.h. */
#include "fleet_fixture.h"

#include "../../agent/fleet/announce.c"

#include "../../agent/fleet/gather.c"

#include "../../agent/fleet/gather_parcels.c"

#include "../../agent/fleet/fleet.c"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>

static const struct view_ask hosts_ask = { .window_s = 300 };
static const struct view_ask sums_ask = { .sums = true, .window_s = 300 };
static struct fleet *f;

static int64_t wall(void)
{
	return FLEET_NOW_MS + (int64_t)(fake_now_ns / MILLISECOND);
}

static void fill(void *ctx, struct card *card)
{
	assert_null(ctx);
	card->lost = 1;
}

static int setup(void **state)
{
	const struct announce_config config = { .host = "web-1",
						.gone_after_ms = 30000,
						.forget_ms = 3600000,
						.version = "0.1.0",
						.now_ns = fake_now,
						.wall_ms = wall,
						.fill = fill };

	(void)state;
	fake_reset();
	return fleet_open(&f, &config);
}

static int teardown(void **state)
{
	(void)state;
	fleet_close(f);
	fake_reset();
	return 0;
}

static bool is_woken(void)
{
	struct pollfd fd = { .fd = fleet_fd(f), .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

/* As the worker's loop does it. */
static void work(void)
{
	fake_answer_all();
	while (is_woken()) {
		fleet_step(f);
		fake_answer_all();
	}
}

static struct view *asked(const struct view_ask *ask)
{
	struct view *v = NULL;
	int ret = fleet_ask(f, ask, fake_now_ns, &v);

	if (ret == -EAGAIN) {
		work();
		ret = fleet_ask(f, ask, fake_now_ns, &v);
	}
	assert_int_equal(ret, 0);
	return v;
}

static void who_asks_waits_for_a_view(void **state)
{
	struct view *v = NULL;

	(void)state;
	assert_false(is_woken());
	assert_int_equal(fleet_ask(f, &hosts_ask, fake_now_ns, &v), -EAGAIN);
	assert_true(is_woken());
	fleet_step(f);
	assert_int_equal(fleet_ask(f, &hosts_ask, fake_now_ns, &v), -EAGAIN);
	fake_answer_all();
	assert_int_equal(fleet_ask(f, &hosts_ask, fake_now_ns, &v), 0);
	assert_string_equal(v->fault, "");
	view_put(v);
}

static void within_seconds_it_is_the_same_one(void **state)
{
	struct view *one = asked(&sums_ask), *other;
	uint32_t count = fake_count;

	(void)state;
	fake_now_ns += FLEET_FRESH_NS - 1;
	other = asked(&sums_ask);
	assert_ptr_equal(one, other);
	assert_int_equal(fake_count, count);
	view_put(other);
	fake_now_ns += 1;
	other = asked(&sums_ask);
	assert_true(fake_count > count);
	assert_true(other->made_ns > one->made_ns); /* which is there still, for who holds it */
	view_put(one);
	view_put(other);
}

static void hosts_are_looked_at_more_often(void **state)
{
	struct view *one = asked(&hosts_ask), *other;

	(void)state;
	fake_now_ns += FLEET_HOSTS_NS;
	other = asked(&hosts_ask);
	assert_true(other->made_ns > one->made_ns);
	view_put(one);
	view_put(other);
}

static void while_nobody_asks_nothing_is_read(void **state)
{
	(void)state;
	fleet_second(f);
	fake_answer_all();
	fake_count = fake_answered = 0;
	for (int i = 0; i < 9; i++) {
		fake_now_ns += SECOND;
		fleet_second(f);
	}
	assert_int_equal(fake_count, 0);
	assert_false(is_woken());
}

static void different_ones_come_one_after_the_other(void **state)
{
	struct view_ask ask = sums_ask;
	struct view *v;

	(void)state;
	for (uint32_t i = 0; i < FLEET_VIEWS; i++) {
		ask.window_s = 10 + i;
		fake_now_ns += 1;
		assert_int_equal(fleet_ask(f, &ask, fake_now_ns, &v), -EAGAIN);
	}
	ask.window_s = 999;
	assert_int_equal(fleet_ask(f, &ask, fake_now_ns, &v), -ENOBUFS);
	fleet_step(f);
	assert_int_equal(fake_count, 2); /* one is under way */
	work();
	for (uint32_t i = 0; i < FLEET_VIEWS; i++) {
		ask.window_s = 10 + i;
		assert_int_equal(fleet_ask(f, &ask, fake_now_ns, &v), 0);
		view_put(v);
	}
	ask.window_s = 999; /* takes the place of the one that was asked for longest ago */
	v = asked(&ask);
	view_put(v);
	ask.window_s = 10;
	assert_int_equal(fleet_ask(f, &ask, fake_now_ns, &v), -EAGAIN);
	work();
}

static void who_asks_again_does_not_lose_its_turn(void **state)
{
	const struct view_ask first = { .window_s = 60 }, second = { .window_s = 10 };
	struct view_ask next;
	struct view *v;

	(void)state;
	v = asked(&second); /* in the place that is looked at first */
	view_put(v);
	fake_now_ns += FLEET_HOSTS_NS;
	assert_int_equal(fleet_ask(f, &first, fake_now_ns, &v), -EAGAIN);
	fake_now_ns += 1;
	assert_int_equal(fleet_ask(f, &second, fake_now_ns, &v), -EAGAIN);
	assert_int_equal(fleet_ask(f, &first, fake_now_ns, &v), -EAGAIN);
	assert_true(fleet_wanted(f, &next));
	assert_true(view_is_same(&next, &first));
}

static void what_nobody_is_given_any_more_is_not_kept(void **state)
{
	struct view *v = asked(&sums_ask);

	(void)state;
	fake_now_ns += FLEET_FRESH_NS - 1;
	fleet_second(f);
	assert_int_equal(atomic_load(&v->references), 2);
	fake_now_ns += 1;
	fleet_second(f);
	fake_answer_all();
	assert_int_equal(atomic_load(&v->references), 1); /* ours */
	assert_false(f->places[0].is_used);
	view_put(v);
}

static void a_redis_that_is_away_is_told_and_since_when(void **state)
{
	struct view *v;

	(void)state;
	fleet_second(f);
	fake_answer_all();
	fake_now_ns += 10 * SECOND;
	fake_redis = (struct redis_state){ .ready = false, .fault = REDIS_LOST };
	snprintf(fake_redis.text, sizeof(fake_redis.text), "Connection refused");
	fleet_second(f);
	fake_now_ns += 3 * SECOND;
	v = asked(&hosts_ask);
	assert_string_equal(v->fault, "connection lost: Connection refused");
	assert_int_equal(v->since_ms, FLEET_NOW_MS + 11000);
	view_put(v);
	fake_redis = (struct redis_state){ .ready = true };
	fleet_second(f);
	fake_answer_all();
	fake_now_ns += FLEET_FAULT_NS;
	v = asked(&hosts_ask);
	assert_string_equal(v->fault, "");
	assert_int_equal(v->since_ms, 0);
	view_put(v);
}

static void a_node_that_is_away_is_told_by_its_circuit(void **state)
{
	struct view *v;

	(void)state;
	fleet_second(f);
	fake_answer_all();
	fake_now_ns = 100 * SECOND;
	fake_redis = (struct redis_state){ .ready = true,
					   .circuit = BREAKER_OPEN,
					   .since_ns = 90 * SECOND,
					   .fault = REDIS_TIMEOUT };
	fake_bad = CARD_INDEX;
	fake_says = REDIS_AWAY;
	v = asked(&sums_ask);
	assert_string_equal(v->fault, "the list of hosts cannot be read: away");
	assert_int_equal(v->since_ms, FLEET_NOW_MS + 90000);
	view_put(v);
}

static void all_is_counted(void **state)
{
	struct card gone = fake_card("a", 60000);
	struct fleet_counts c;

	(void)state;
	fleet_second(f);
	fake_answer_all();
	fake_host_keep(&gone);
	view_put(asked(&sums_ask));
	fleet_second(f);
	fleet_counts_get(f, &c);
	assert_int_equal(c.announce.announced, 1);
	assert_int_equal(c.views, 1);
	assert_int_equal(c.cut, 0);
	assert_int_equal(c.faults, 0);
	assert_int_equal(c.keys, 2);
	assert_true(c.bytes > 100);
	assert_int_equal(c.hosts, 1);
	assert_int_equal(c.gone, 1);
}

#define ASKED 300u

static atomic_bool has_ended;
static uint32_t given, odd; /* of the asker; read when it has ended */

/* More different ones than are kept, so that views go while others hold them. */
static void *asker(void *ctx)
{
	for (uint32_t i = 0; given < ASKED && i < 1000 * ASKED; i++) {
		const struct view_ask ask = { .window_s = 10 + i / 7 % (2 * FLEET_VIEWS) };
		struct view *v = NULL;
		int ret = fleet_ask(f, &ask, SECOND, &v);

		if (!ret) {
			given++;
			odd += v->ask.window_s != ask.window_s || *v->fault;
			view_put(v);
		} else {
			odd += ret != -EAGAIN && ret != -ENOBUFS;
			sched_yield();
		}
	}
	atomic_store(&has_ended, true);
	return ctx;
}

/* Under the thread sanitizer it is a race that fails. */
static void others_ask_while_it_works(void **state)
{
	struct fleet_counts c;
	pthread_t thread;

	(void)state;
	given = odd = 0;
	atomic_store(&has_ended, false);
	assert_int_equal(pthread_create(&thread, NULL, asker, NULL), 0);
	while (!atomic_load(&has_ended)) {
		work();
		fleet_second(f);
		fake_answer_all();
		fleet_counts_get(f, &c);
		fake_count = fake_answered = 0;
	}
	pthread_join(thread, NULL);
	assert_int_equal(given, ASKED);
	assert_int_equal(odd, 0);
	assert_true(c.views > FLEET_VIEWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_asks_waits_for_a_view, setup, teardown),
		cmocka_unit_test_setup_teardown(within_seconds_it_is_the_same_one, setup, teardown),
		cmocka_unit_test_setup_teardown(hosts_are_looked_at_more_often, setup, teardown),
		cmocka_unit_test_setup_teardown(while_nobody_asks_nothing_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(different_ones_come_one_after_the_other, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_asks_again_does_not_lose_its_turn, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_nobody_is_given_any_more_is_not_kept, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_redis_that_is_away_is_told_and_since_when, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_node_that_is_away_is_told_by_its_circuit, setup,
						teardown),
		cmocka_unit_test_setup_teardown(all_is_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(others_ask_while_it_works, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
