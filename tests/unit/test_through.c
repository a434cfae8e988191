#include "through_fixture.h"

static void what_was_fetched_is_kept_and_goes_to_all(void **state)
{
	struct through_found f;
	struct letter *l;
	char a, b;
	bool lost;

	(void)state;
	open_through("");
	assert_int_equal(told(&a, &f), THROUGH_NONE);
	assert_int_equal(ask("u:1", &a, &f), THROUGH_LATER);
	assert_int_equal(f.place, THROUGH_PLACE);
	assert_int_equal(ask("u:1", &b, &f), THROUGH_LATER);
	assert_int_equal(f.place, THROUGH_PLACE + 1);
	assert_int_equal(told(&a, &f), THROUGH_LATER);
	assert_int_equal(f.place, THROUGH_PLACE);
	assert_int_equal(wire.count, 1);
	fine(0, "v");
	assert_int_equal(wire_wakes, 2);
	assert_int_equal(wire_woken[0] + wire_woken[1], 2 * THROUGH_PLACE + 1);
	assert_told(&a, "v", WIRE_AGES * S);
	assert_told(&b, "v", WIRE_AGES * S);
	assert_kept("u:1", "v");
	l = bridge_take(&bridge->there, &lost);
	assert_int_equal(l->kind, LETTER_SET);
	assert_string_equal(l->tags, "t");
	assert_int_equal(l->expires_ns, wire_now_ns + WIRE_AGES * S);
	letter_close(l);
}

static void other_keys_are_nobodys(void **state)
{
	struct through_found f;
	char a;

	(void)state;
	open_through("");
	assert_int_equal(ask("v:1", &a, &f), THROUGH_NONE);
	assert_int_equal(wire.count, 0);
}

static void what_went_wrong_is_told(void **state)
{
	struct through_found f;
	char a;

	(void)state;
	open_through("");
	ask("u:1", &a, &f);
	wire_end(through, 0, TRANSFER_CUT, 0, "v");
	assert_int_equal(told(&a, &f), THROUGH_FAULT);
	assert_int_equal(f.fault, ORIGIN_CUT);
	assert_string_equal(f.text, "in words");
	ask("u:1", &a, &f);
	wire_end(through, 1, TRANSFER_WHOLE, 404, "v");
	assert_int_equal(told(&a, &f), THROUGH_ABSENT);
	assert_kept("u:1", NULL);
	assert_int_equal(ask("u:..", &a, &f), THROUGH_REFUSED);
	assert_int_equal(f.error, -EINVAL);
}

static void too_many_are_refused(void **state)
{
	const struct cache_bytes key = bytes("u:1");
	struct through_found f;
	char who[THROUGH_WAITING + 1];

	(void)state;
	open_through("");
	assert_int_equal(through_ask(through, &(struct through_look){ &key, &who[0], true }, &f),
			 THROUGH_REFUSED);
	for (uint32_t i = 0; i < THROUGH_WAITING; i++)
		assert_int_equal(ask("u:1", &who[i], &f), THROUGH_LATER);
	assert_int_equal(ask("u:1", &who[THROUGH_WAITING], &f), THROUGH_REFUSED);
	assert_int_equal(f.error, -ENOBUFS);
	through_leave(through, &who[7]);
	assert_int_equal(ask("u:1", &who[THROUGH_WAITING], &f), THROUGH_LATER);
	assert_int_equal(f.place, THROUGH_PLACE + 7);
	fine(0, "v");
	assert_int_equal(wire_wakes, THROUGH_WAITING);
	for (uint32_t i = 0; i <= THROUGH_WAITING; i++)
		if (i != 7)
			assert_told(&who[i], "v", WIRE_AGES * S);
}

static void who_leaves_leaves_the_value(void **state)
{
	struct through_found f;
	char a, b;

	(void)state;
	open_through("");
	ask("u:1", &a, &f);
	through_leave(through, &a);
	through_leave(through, &b); /* it never came */
	fine(0, "v");
	assert_int_equal(wire_wakes, 0);
	assert_int_equal(told(&a, &f), THROUGH_NONE);
	assert_kept("u:1", "v");
	ask("u:2", &a, &f);
	fine(1, "v");
	through_leave(through, &a); /* told, and not asked again */
	assert_int_equal(told(&a, &f), THROUGH_NONE);
}

static void what_a_write_overtook_is_not_kept(void **state)
{
	static const struct {
		enum drop_kind kind;
		const char *text;
		bool takes;
	} drops[] = { { DROP_KEY, "u:1", true },      { DROP_KEY, "u:11", false },
		      { DROP_PREFIX, "u", true },     { DROP_PREFIX, "v", false },
		      { DROP_PATTERN, "*:1", true },  { DROP_PATTERN, "*:2", false },
		      { DROP_TAG, "anything", true }, { DROP_KEY, "", false } };
	struct through_found f;
	char a;

	(void)state;
	open_through("");
	for (uint32_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) {
		const struct cache_bytes key = bytes("u:1");

		ask("u:1", &a, &f);
		drop(drops[i].kind, drops[i].text);
		fine(i, "v");
		assert_told(&a, "v", drops[i].takes ? 0 : WIRE_AGES * S);
		assert_kept("u:1", drops[i].takes ? NULL : "v");
		cache_delete(cache, &key, wire_now_ns);
	}
}

static void who_asks_after_a_write_gets_what_is_fetched_after_it(void **state)
{
	struct through_found f;
	char a, b;

	(void)state;
	open_through("");
	ask("u:1", &a, &f);
	drop(DROP_KEY, "u:1");
	ask("u:1", &b, &f);
	assert_int_equal(wire.count, 1);
	fine(0, "old");
	assert_told(&a, "old", 0);
	assert_int_equal(told(&b, &f), THROUGH_LATER);
	step();
	assert_int_equal(wire.count, 2);
	fine(1, "new");
	assert_told(&b, "new", WIRE_AGES * S);
	assert_kept("u:1", "new");
}

static void what_others_change_counts_too(void **state)
{
	struct through_found f;
	struct drop *d;
	char a;

	(void)state;
	open_through("");
	ask("u:1", &a, &f);
	assert_int_equal(drop_open(&d, DROP_KEY, &(struct cache_bytes){ "u:1", 3 }), 0);
	assert_int_equal(bridge_drop(&bridge->back, d), 0);
	behind_hear(behind, wire_now_ns, wire_wake, &wire_wakes);
	fine(0, "v");
	assert_told(&a, "v", 0);
	assert_kept("u:1", NULL);
}

static void what_may_not_be_kept_is_given(void **state)
{
	struct through_found f;
	char a;

	(void)state;
	open_through("types=image/*");
	ask("u:1", &a, &f);
	fine(0, "v");
	assert_told(&a, "v", 0);
	assert_kept("u:1", NULL);
}

static void the_end_is_told_nobody(void **state)
{
	struct through_found f;
	char a, b;

	(void)state;
	open_through("");
	ask("u:1", &a, &f);
	ask("u:2", &b, &f);
	fine(0, "v");
	assert_int_equal(through_fd(through), 77);
	assert_int_equal(through_due_ns(through), 9000000 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		THROUGH_TEST(what_was_fetched_is_kept_and_goes_to_all),
		THROUGH_TEST(other_keys_are_nobodys),
		THROUGH_TEST(what_went_wrong_is_told),
		THROUGH_TEST(too_many_are_refused),
		THROUGH_TEST(who_leaves_leaves_the_value),
		THROUGH_TEST(what_a_write_overtook_is_not_kept),
		THROUGH_TEST(who_asks_after_a_write_gets_what_is_fetched_after_it),
		THROUGH_TEST(what_others_change_counts_too),
		THROUGH_TEST(what_may_not_be_kept_is_given),
		THROUGH_TEST(the_end_is_told_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
