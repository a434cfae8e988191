#include "through_fixture.h"

static void that_there_is_none_is_known_for_a_while(void **state)
{
	struct through_found f;
	struct cache_counts c;
	char a;

	(void)state;
	open_through("negative_ttl=5s tags=x");
	ask("u:1", &a, &f);
	wire_end(through, 0, TRANSFER_WHOLE, 404, "");
	assert_int_equal(told(&a, &f), THROUGH_ABSENT);
	assert_int_equal(near("u:1", &f), THROUGH_ABSENT);
	assert_int_equal(near("u:2", &f), THROUGH_NONE);
	assert_kept("u:1", NULL);
	assert_int_equal(counted().absent, 1);
	wire_now_ns += 5 * S;
	assert_int_equal(near("u:1", &f), THROUGH_NONE);
	cache_counts_get(cache, &c);
	assert_int_equal(c.sets, 0);
	assert_int_equal(c.expired, 1);
}

static void that_there_is_none_goes_with_the_tags_of_its_origin(void **state)
{
	const struct cache_bytes tag = bytes("x");
	struct through_found f;
	char a;

	(void)state;
	open_through("negative_ttl=5s tags=x");
	ask("u:1", &a, &f);
	wire_end(through, 0, TRANSFER_WHOLE, 404, "");
	told(&a, &f);
	cache_clear(cache,
		    &(struct cache_clear){ .tags = &tag, .tag_count = 1, .now_ns = wire_now_ns });
	assert_int_equal(near("u:1", &f), THROUGH_NONE);
}

static void that_there_is_none_takes_out_what_was(void **state)
{
	struct through_found f;
	char a;

	(void)state;
	open_through("stale_while_revalidate=10s");
	ask("u:1", &a, &f);
	fine(0, "v");
	told(&a, &f);
	cache_value_put(f.value);
	wire_now_ns += WIRE_AGES * S;
	assert_int_equal(near("u:1", &f), THROUGH_FOUND);
	cache_value_put(f.value);
	step();
	wire_end(through, 1, TRANSFER_WHOLE, 404, "");
	assert_int_equal(near("u:1", &f), THROUGH_NONE);
}

/* One was fetched, and its time has been over for so long. */
static void let_lapse(const char *more, uint64_t over_s)
{
	struct through_found f;
	char a;

	open_through(more);
	ask("u:1", &a, &f);
	fine(0, "old");
	assert_int_equal(told(&a, &f), THROUGH_FOUND);
	cache_value_put(f.value);
	wire_now_ns += (WIRE_AGES + over_s) * S;
	assert_kept("u:1", NULL);
}

static void what_is_over_is_served_while_a_new_one_is_fetched(void **state)
{
	struct cache_counts c;
	struct through_found f;

	(void)state;
	let_lapse("stale_while_revalidate=10s", 9);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(near("u:1", &f), THROUGH_FOUND);
		assert_true(f.stale);
		assert_int_equal(f.left_ns, 0);
		assert_memory_equal(f.value->bytes, "old", 3);
		cache_value_put(f.value);
		step();
	}
	assert_int_equal(wire.count, 2);
	fine(1, "new");
	assert_int_equal(wire_wakes, 1); /* nobody waited for the second */
	assert_kept("u:1", "new");
	assert_int_equal(counted().stale, 3);
	assert_int_equal(counted().coalesced, 0);
	cache_counts_get(cache, &c);
	assert_int_equal(c.found, 3);
}

static void what_is_over_for_too_long_is_not_served(void **state)
{
	struct through_found f;
	char a;

	(void)state;
	let_lapse("stale_while_revalidate=10s stale_on_error=5s", 10);
	assert_int_equal(near("u:1", &f), THROUGH_NONE);
	assert_int_equal(ask("u:1", &a, &f), THROUGH_LATER);
	wire_end(through, 1, TRANSFER_LATE, 0, "");
	assert_int_equal(told(&a, &f), THROUGH_FAULT);
}

static void what_is_over_is_served_where_none_is_to_be_had(void **state)
{
	struct through_found f;
	char a;

	(void)state;
	let_lapse("stale_on_error=10s", 1);
	assert_int_equal(near("u:1", &f), THROUGH_NONE);
	for (uint32_t i = 1; i <= 5; i++) {
		assert_int_equal(ask("u:1", &a, &f), THROUGH_LATER);
		wire_end(through, i, TRANSFER_AWAY, 0, "");
		assert_int_equal(told(&a, &f), THROUGH_FOUND);
		assert_true(f.stale);
		cache_value_put(f.value);
	}
	assert_int_equal(ask("u:1", &a, &f), THROUGH_FOUND); /* it is not even asked now */
	assert_true(f.stale);
	cache_value_put(f.value);
	assert_int_equal(counted().stale, 6);
	wire_now_ns += 9 * S;
	assert_int_equal(ask("u:1", &a, &f), THROUGH_LATER); /* the probe */
	wire_end(through, 6, TRANSFER_AWAY, 0, "");
	assert_int_equal(told(&a, &f), THROUGH_FAULT);
	assert_int_equal(counted().stale, 6);
}

static void what_its_origin_keeps_fresh_itself_never_lapses(void **state)
{
	struct through_found f;
	char a;

	(void)state;
	open_through("stale_while_revalidate=10s stale_on_error=10s");
	ask("u:1", &a, &f);
	wire.ended[wire.ends++] = (struct transfer_result){
		.who = wire.sent[0].who,
		.end = TRANSFER_WHOLE,
		.status = 200,
		.head = (char[]){ "Cache-Control: max-age=60, must-revalidate\n" },
		.content = (char[]){ "v" },
		.content_length = 1,
	};
	step();
	assert_int_equal(told(&a, &f), THROUGH_FOUND);
	cache_value_put(f.value);
	wire_now_ns += 60 * S;
	assert_int_equal(near("u:1", &f), THROUGH_NONE);
}

static void a_new_one_that_a_write_overtook_is_not_kept(void **state)
{
	struct through_found f;

	(void)state;
	let_lapse("stale_while_revalidate=10s", 0);
	assert_int_equal(near("u:1", &f), THROUGH_FOUND);
	cache_value_put(f.value);
	step();
	drop(DROP_KEY, "u:1");
	fine(1, "new");
	assert_kept("u:1", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		THROUGH_TEST(that_there_is_none_is_known_for_a_while),
		THROUGH_TEST(that_there_is_none_goes_with_the_tags_of_its_origin),
		THROUGH_TEST(that_there_is_none_takes_out_what_was),
		THROUGH_TEST(what_is_over_is_served_while_a_new_one_is_fetched),
		THROUGH_TEST(what_is_over_for_too_long_is_not_served),
		THROUGH_TEST(what_is_over_is_served_where_none_is_to_be_had),
		THROUGH_TEST(what_its_origin_keeps_fresh_itself_never_lapses),
		THROUGH_TEST(a_new_one_that_a_write_overtook_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
