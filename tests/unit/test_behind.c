#include "behind_fixture.h"

static void what_is_there_is_found_and_kept_for_what_is_left(void **state)
{
	struct cache_counts c;
	struct behind_found f;
	uint64_t left_ns;
	const struct cache_bytes k = bytes("a");

	(void)state;
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	assert_true(f.place > 0);
	tell(asked(), "one");
	now += 3 * MS;
	hear();
	assert_int_equal(wakes, 1);
	assert_int_equal(woken[0], f.place);
	cache_value_put(cache_peek(cache, &k, now, &left_ns));
	assert_int_equal(left_ns, 10 * S);
	assert_found("a", true, "one");
	nothing_was_sent();
	assert_int_equal(counts().hits, 1);
	assert_int_equal(counts().misses, 0);
	cache_counts_get(cache, &c);
	assert_int_equal(c.found, 1);
	assert_int_equal(c.sets, 0);
	assert_int_equal(c.hits + c.misses, 0); /* it was counted where it missed */
}

static void what_is_not_there_is_a_miss_and_asked_for_again_the_next_time(void **state)
{
	struct behind_found f;

	(void)state;
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	tell(asked(), NULL);
	hear();
	assert_int_equal(ask("a", true, &f), BEHIND_NONE);
	assert_int_equal(counts().misses, 1);
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	asked();
}

static void many_for_one_key_make_one_question(void **state)
{
	struct behind_found f;
	uint64_t id;

	(void)state;
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	id = asked();
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	nothing_was_sent();
	assert_int_equal(counts().coalesced, 5);
	tell(id, NULL);
	hear();
	assert_int_equal(wakes, 1);
	assert_int_equal(ask("a", false, &f), BEHIND_NONE); /* who comes in the same moment, too */
	nothing_was_sent();
	for (int i = 0; i < 6; i++)
		assert_int_equal(ask("a", true, &f), BEHIND_NONE);
	assert_int_equal(counts().misses, 7);
}

static void who_comes_later_does_not_get_an_old_answer(void **state)
{
	struct behind_found f;
	uint64_t id;

	(void)state;
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	id = asked();
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	tell(id, NULL);
	hear();
	now += MS;
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	tell(asked(), "new");
	hear();
	assert_found("a", true, "new");
	assert_found("a", true, "new");
	assert_found("a", true, "new");
}

static void an_answer_that_does_not_come_is_a_miss_in_time(void **state)
{
	struct behind_found f;
	uint64_t id;

	(void)state;
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	id = asked();
	now += WAIT - 1;
	assert_int_equal(ask("a", true, &f), BEHIND_LATER);
	now += 1;
	assert_int_equal(ask("a", true, &f), BEHIND_NONE);
	assert_int_equal(counts().late, 1);
	assert_int_equal(ask("a", false, &f), BEHIND_NONE); /* nobody joins it */
	assert_int_equal(counts().unasked, 1);
	now += S;
	hear();
	tell(id, "late");
	hear(); /* nobody waits for it */
	assert_false(has("a"));
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
}

static void nobody_is_asked_who_is_not_there(void **state)
{
	const struct cache_bytes k = bytes("a");
	struct behind_found f;

	(void)state;
	atomic_store(&bridge->away, true);
	assert_int_equal(ask("a", false, &f), BEHIND_NONE);
	atomic_store(&bridge->away, false);
	assert_int_equal(behind_ask(behind, &(struct behind_look){ &k, now, false, true }, &f),
			 BEHIND_NONE);
	nothing_was_sent();
	assert_int_equal(counts().unasked, 2);
	assert_int_equal(counts().misses, 0);
}

static void questions_are_bounded(void **state)
{
	struct behind_found f;
	char key[16];

	(void)state;
	for (unsigned int i = 0; i < BEHIND_QUESTIONS; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		assert_int_equal(ask(key, false, &f), BEHIND_LATER);
		assert_int_equal(f.place, i + 1);
	}
	assert_int_equal(ask("one more", false, &f), BEHIND_NONE);
	now += WAIT + S;
	hear(); /* they are given up */
	assert_int_equal(ask("one more", false, &f), BEHIND_LATER);
}

static void a_key_is_its_bytes(void **state)
{
	const struct cache_bytes one = { "a\0b", 3 }, two = { "a\0c", 3 };
	struct behind_found f;

	(void)state;
	assert_int_equal(behind_ask(behind, &(struct behind_look){ &one, now, false, false }, &f),
			 BEHIND_LATER);
	asked();
	assert_int_equal(behind_ask(behind, &(struct behind_look){ &two, now, false, false }, &f),
			 BEHIND_LATER);
	asked();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHIND_TEST(what_is_there_is_found_and_kept_for_what_is_left),
		BEHIND_TEST(what_is_not_there_is_a_miss_and_asked_for_again_the_next_time),
		BEHIND_TEST(many_for_one_key_make_one_question),
		BEHIND_TEST(who_comes_later_does_not_get_an_old_answer),
		BEHIND_TEST(an_answer_that_does_not_come_is_a_miss_in_time),
		BEHIND_TEST(nobody_is_asked_who_is_not_there),
		BEHIND_TEST(questions_are_bounded),
		BEHIND_TEST(a_key_is_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
