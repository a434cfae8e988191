#include "../../agent/metrics/restarts.c" /* white box: nothing may be left behind */
#include "rs_test.h"

static const char shop[] = "shop", mail[] = "mail";
static const void *whose;

static unsigned int start(struct restarts *r, uint64_t key, int32_t pid, int32_t parent,
			  uint64_t ticks)
{
	const struct restarts_start s = {
		.key = key, .pid = pid, .parent = parent, .start_ticks = ticks, .service = shop
	};

	return restarts_start(r, &s);
}

static unsigned int end(struct restarts *r, uint64_t key, uint64_t ticks)
{
	return restarts_end(r, key, ticks, &whose);
}

static uint32_t ends_left(const struct restarts *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < RESTARTS_ENDS; i++)
		n += r->ends[i].service != NULL;
	return n;
}

static void a_start_after_an_end_is_a_restart_in_whatever_order_told(void **state)
{
	struct restarts r = { .begin_ticks = 100 };

	(void)state;
	assert_int_equal(start(&r, 1, 10, 5, 50), 0); /* it was there before us */
	assert_int_equal(end(&r, 1, 200), RESTARTS_ENDED);
	assert_ptr_equal(whose, shop);
	assert_int_equal(start(&r, 2, 11, 5, 201), RESTARTS_STARTED | RESTARTS_AGAIN);
	/* the next one's start is told before its end */
	assert_int_equal(start(&r, 3, 12, 5, 301), RESTARTS_STARTED);
	assert_int_equal(end(&r, 2, 300), RESTARTS_ENDED | RESTARTS_AGAIN);
	assert_int_equal(ends_left(&r), 0);
	restarts_fini(&r);
	assert_null(r.instances);
}

static void a_second_one_beside_the_first_is_none(void **state)
{
	struct restarts r = { .begin_ticks = 100 };

	(void)state;
	assert_int_equal(start(&r, 1, 10, 5, 200), RESTARTS_STARTED);
	assert_int_equal(start(&r, 2, 11, 5, 250), RESTARTS_STARTED);
	/* the first goes, as in a change without a gap: the second began before that */
	assert_int_equal(end(&r, 1, 300), RESTARTS_ENDED);
	assert_int_equal(ends_left(&r), 1);
	/* each end is answered once */
	assert_int_equal(start(&r, 3, 12, 5, 400), RESTARTS_STARTED | RESTARTS_AGAIN);
	assert_int_equal(start(&r, 4, 13, 5, 400), RESTARTS_STARTED);
	restarts_fini(&r);
}

static void other_services_do_not_answer(void **state)
{
	const struct restarts_start other = {
		.key = 2, .pid = 11, .parent = 5, .start_ticks = 300, .service = mail
	};
	struct restarts r = { .begin_ticks = 100 };

	(void)state;
	start(&r, 1, 10, 5, 200);
	end(&r, 1, 250);
	assert_int_equal(restarts_start(&r, &other), RESTARTS_STARTED);
	assert_int_equal(ends_left(&r), 1);
	assert_ptr_equal(restarts_service(&r, 2), mail);
	assert_ptr_equal(restarts_service(&r, 1), shop); /* a moment ago */
	assert_null(restarts_service(&r, 3));
	restarts_fini(&r);
}

static void a_worker_is_a_part_of_its_server(void **state)
{
	struct restarts r = { .begin_ticks = 100 };

	(void)state;
	start(&r, 1, 10, 5, 200);
	assert_int_equal(start(&r, 2, 11, 10, 201), RESTARTS_STARTED);
	assert_int_equal(end(&r, 2, 300), RESTARTS_ENDED);
	assert_int_equal(start(&r, 3, 12, 10, 301), RESTARTS_STARTED);
	assert_int_equal(ends_left(&r), 0);
	/* killed with its workers, which are told in any order */
	assert_int_equal(end(&r, 1, 400), RESTARTS_ENDED);
	assert_int_equal(ends_left(&r), 0);
	assert_int_equal(end(&r, 3, 401), RESTARTS_ENDED);
	assert_int_equal(ends_left(&r), 1);
	assert_int_equal(start(&r, 4, 20, 5, 402), RESTARTS_STARTED | RESTARTS_AGAIN);
	assert_int_equal(start(&r, 5, 21, 20, 403), RESTARTS_STARTED);
	restarts_fini(&r);
}

/* Who starts it is over at once: it goes on in the child. */
static void a_daemon_is_its_parent_gone_into_the_background(void **state)
{
	struct restarts r = { .begin_ticks = 100 };

	(void)state;
	for (uint64_t t = 1000; t < 9000; t += 1000) {
		unsigned int again = t > 1000 ? RESTARTS_AGAIN : 0;
		int32_t pid = (int32_t)t;
		unsigned int order = (unsigned int)(t / 1000) % 4;

		assert_int_equal(start(&r, t, pid, 5, t), RESTARTS_STARTED | again);
		if (order == 0) /* known to be its child */
			assert_int_equal(start(&r, t + 1, pid + 1, pid, t), RESTARTS_STARTED);
		if (order == 1) /* not: its parent was over when it was asked for */
			assert_int_equal(start(&r, t + 1, pid + 1, 1, t), RESTARTS_STARTED);
		assert_int_equal(end(&r, t, t), RESTARTS_ENDED);
		if (order == 2)
			assert_int_equal(start(&r, t + 1, pid + 1, pid, t), RESTARTS_STARTED);
		if (order == 3)
			assert_int_equal(start(&r, t + 1, pid + 1, 1, t), RESTARTS_STARTED);
		assert_int_equal(ends_left(&r), 0);
		assert_int_equal(end(&r, t + 1, t + 900), RESTARTS_ENDED);
		assert_int_equal(ends_left(&r), 1);
	}
	restarts_fini(&r);
}

/* The daemon is found before who started it, and has answered the end of the one before. */
static void a_daemon_may_be_told_before_who_started_it(void **state)
{
	struct restarts r = { .begin_ticks = 100 };

	(void)state;
	for (uint64_t t = 1000; t < 9000; t += 1000) {
		unsigned int again = t > 1000 ? RESTARTS_AGAIN : 0;
		int32_t pid = (int32_t)t, parent = t % 2000 ? pid : 1;

		assert_int_equal(start(&r, t + 1, pid + 1, parent, t), RESTARTS_STARTED | again);
		assert_int_equal(start(&r, t, pid, 5, t), RESTARTS_STARTED);
		assert_int_equal(end(&r, t, t), RESTARTS_ENDED);
		assert_int_equal(ends_left(&r), 0);
		assert_int_equal(end(&r, t + 1, t + 900), RESTARTS_ENDED);
	}
	restarts_fini(&r);
}

static void in_the_tick_of_an_end_it_takes_one_supervisor(void **state)
{
	struct restarts r = { .begin_ticks = 100 };

	(void)state;
	start(&r, 1, 10, 5, 200);
	end(&r, 1, 900);
	assert_int_equal(start(&r, 2, 11, 6, 900), RESTARTS_STARTED);
	assert_int_equal(start(&r, 3, 12, 5, 900), RESTARTS_STARTED | RESTARTS_AGAIN);
	restarts_fini(&r);
}

static void another_program_in_the_same_process_is_neither(void **state)
{
	struct restarts r = { .begin_ticks = 100 };

	(void)state;
	start(&r, 1, 10, 5, 200);
	assert_int_equal(start(&r, 2, 10, 5, 200), 0); /* told before the other is let go */
	assert_int_equal(end(&r, 1, 0), 0);
	assert_int_equal(end(&r, 2, 0), 0); /* and behind that */
	assert_int_equal(start(&r, 3, 10, 5, 200), 0);
	assert_int_equal(ends_left(&r), 0);
	assert_int_equal(end(&r, 3, 500), RESTARTS_ENDED);
	assert_int_equal(ends_left(&r), 1);
	assert_int_equal(end(&r, 3, 500), 0); /* twice */
	assert_null(whose);
	restarts_fini(&r);
}

static void the_oldest_ends_go_when_there_are_too_many(void **state)
{
	struct restarts r = { .begin_ticks = 100 };

	(void)state;
	for (uint32_t i = 0; i < RESTARTS_ENDS + 10; i++) {
		assert_int_equal(start(&r, i + 1, 10 + (int32_t)i, 5, 200), RESTARTS_STARTED);
	}
	for (uint32_t i = 0; i < RESTARTS_ENDS + 10; i++)
		assert_int_equal(end(&r, i + 1, 1000 + i), RESTARTS_ENDED);
	assert_int_equal(ends_left(&r), RESTARTS_ENDS);
	assert_null(r.members);
	assert_null(r.instances);
	restarts_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_after_an_end_is_a_restart_in_whatever_order_told),
		cmocka_unit_test(a_second_one_beside_the_first_is_none),
		cmocka_unit_test(other_services_do_not_answer),
		cmocka_unit_test(a_worker_is_a_part_of_its_server),
		cmocka_unit_test(a_daemon_is_its_parent_gone_into_the_background),
		cmocka_unit_test(a_daemon_may_be_told_before_who_started_it),
		cmocka_unit_test(in_the_tick_of_an_end_it_takes_one_supervisor),
		cmocka_unit_test(another_program_in_the_same_process_is_neither),
		cmocka_unit_test(the_oldest_ends_go_when_there_are_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
