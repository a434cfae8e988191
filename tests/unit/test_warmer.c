#include "through_fixture.h"
#include "warmer.h"

static struct warmer *warmer;
static struct warmer_report report;

static void open_warmer(const char *more)
{
	open_through(more);
	assert_int_equal(warmer_open(&warmer, through, wire_now_ns, wire_chance), 0);
}

static int fini(void **state)
{
	int ret = tear_down(state);

	warmer_close(warmer);
	return ret;
}

static void order(const void *who, uint64_t ttl_s, const char *const *texts)
{
	struct cache_bytes keys[8];
	struct warmer_order o = { .who = who, .keys = keys, .ttl_s = ttl_s };

	for (; texts[o.count]; o.count++)
		keys[o.count] = bytes(texts[o.count]);
	assert_int_equal(warmer_take(warmer, &o), 0);
}

static void run(void)
{
	warmer_step(warmer, wire_now_ns);
	step();
}

static void what_is_ordered_is_loaded_and_told(void **state)
{
	char me;

	(void)state;
	open_warmer("warm_rate=2 concurrency=8");
	assert_int_equal(warmer_told(warmer, &me, &report), -ENOENT);
	order(&me, 500, (const char *[]){ "u:1", "u:2", "v:1", "u:3", NULL });
	assert_int_equal(warmer_due_ns(warmer), 0);
	run();
	assert_int_equal(wire.count, 1); /* two a second */
	assert_int_equal(warmer_due_ns(warmer), wire_now_ns + S / 2);
	fine(0, "v");
	wire_now_ns += S / 2;
	run();
	wire_end(through, 1, TRANSFER_WHOLE, 404, "");
	assert_int_equal(warmer_told(warmer, &me, &report), -EAGAIN);
	wire_now_ns += S / 2;
	run();
	wire_end(through, 2, TRANSFER_LATE, 0, "");
	assert_int_equal(warmer_told(warmer, &me, &report), 0);
	assert_int_equal(report.loaded, 1);
	assert_memory_equal(report.failed->key, "u:3", 3);
	assert_string_equal(report.failed->reason, "timeout: in words");
	assert_string_equal(report.failed->next->reason, "its origin has nothing under this key");
	assert_string_equal(report.failed->next->next->reason, "no origin has such keys");
	assert_null(report.failed->next->next->next);
	warmer_report_fini(&report);
	assert_int_equal(warmer_told(warmer, &me, &report), -ENOENT);
	assert_kept("u:1", "v");
	wire_now_ns += (500 - 2) * S;
	assert_kept("u:1", "v"); /* as it was ordered, not as its origin says */
}

static void why_one_is_not_loaded_is_told(void **state)
{
	char me, other;

	(void)state;
	open_warmer("types=a/b");
	order(&me, 0, (const char *[]){ "u:..", "u:1", "u:1", NULL });
	order(&other, 0, (const char *[]){ "u:1", NULL });
	run();
	wire_now_ns += S;
	run();
	fine(0, "v");
	assert_int_equal(warmer_told(warmer, &me, &report), 0);
	assert_string_equal(report.failed->reason, "it may not be kept");
	assert_string_equal(report.failed->next->reason, "its origin can have no such key");
	assert_string_equal(report.failed->next->next->reason,
			    "it is being loaded for somebody else");
	warmer_report_fini(&report);
	assert_int_equal(warmer_told(warmer, &other, &report), 0);
	assert_int_equal(report.loaded, 0);
	warmer_report_fini(&report);
}

static void who_leaves_leaves_the_order(void **state)
{
	char me;

	(void)state;
	open_warmer("");
	order(&me, 0, (const char *[]){ "u:1", NULL });
	warmer_leave(warmer, &me);
	warmer_leave(warmer, &me);
	assert_int_equal(warmer_told(warmer, &me, &report), -ENOENT);
	run();
	fine(0, "v");
	assert_kept("u:1", "v");
}

static void the_schedule_loads_what_is_asked_for_most(void **state)
{
	const struct cache_bytes keys[] = { bytes("u:1"), bytes("u:2"), bytes("v:1"),
					    bytes("u:3") };
	struct warmer_counts c;

	(void)state;
	open_warmer("warm_every=10s warm_top=2 warm_rate=1000");
	for (int i = 0; i < 4; i++)
		for (int k = 0; k <= i; k++)
			warmer_asked(warmer, &keys[i]);
	run();
	assert_int_equal(wire.count, 0);
	assert_in_range(warmer_due_ns(warmer), wire_now_ns + 1, wire_now_ns + 10 * S);
	wire_now_ns += 10 * S;
	run();
	wire_now_ns += MS;
	run();
	assert_int_equal(wire.count, 2);
	assert_string_equal(wire.sent[0].url, "http://h/3");
	assert_string_equal(wire.sent[1].url, "http://h/2");
	fine(0, "v");
	fine(1, "v");
	warmer_counts_get(warmer, &c);
	assert_int_equal(c.scheduled, 2);
	assert_int_equal(c.loaded, 2);
	assert_int_equal(c.ordered, 0);
}

static void what_is_under_way_at_the_end_is_over(void **state)
{
	char me;

	(void)state;
	open_warmer("");
	order(&me, 0, (const char *[]){ "u:1", "u:2", NULL });
	run();
	assert_int_equal(wire.count, 1);
}

/* What was there and is not any more goes from the tier behind, too. */
static void one_that_is_gone_goes_everywhere(void **state)
{
	struct letter *l;
	char me;
	bool lost;

	(void)state;
	open_warmer("");
	order(&me, 0, (const char *[]){ "u:1", NULL });
	run();
	wire_end(through, 0, TRANSFER_WHOLE, 404, "");
	l = bridge_take(&bridge->there, &lost);
	assert_non_null(l);
	assert_int_equal(l->kind, LETTER_DROP);
	letter_close(l);
}

#define WARMER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fini)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WARMER_TEST(what_is_ordered_is_loaded_and_told),
		WARMER_TEST(why_one_is_not_loaded_is_told),
		WARMER_TEST(who_leaves_leaves_the_order),
		WARMER_TEST(the_schedule_loads_what_is_asked_for_most),
		WARMER_TEST(what_is_under_way_at_the_end_is_over),
		WARMER_TEST(one_that_is_gone_goes_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
