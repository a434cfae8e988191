#include "behind_fixture.h"

static void what_is_written_goes_there_whole(void **state)
{
	struct capsule c;
	struct letter *l;

	(void)state;
	put("a", "hello");
	l = sent(LETTER_SET);
	assert_memory_equal(l->key, "a", 1);
	assert_string_equal(l->tags, "t u");
	assert_int_equal(l->expires_ns, now + 60 * S);
	assert_int_equal(capsule_read(l->capsule, l->length, &c), 0);
	assert_memory_equal(c.key.at, "a", 1);
	assert_memory_equal(c.value.bytes.at, "hello", 5);
	assert_string_equal(c.value.type, "a/b");
	assert_string_equal(c.value.tags, "t u");
	assert_int_equal(c.value.created_ms, 12345);
	assert_int_equal(c.ttl_s, 60);
	letter_close(l);
}

static void what_is_taken_out_goes_there_too(void **state)
{
	struct letter *l;

	(void)state;
	take_out(DROP_PATTERN, "a*");
	l = sent(LETTER_DROP);
	assert_int_equal(l->drop->kind, DROP_PATTERN);
	assert_memory_equal(l->drop->text, "a*", 2);
	letter_close(l);
	take_out(DROP_TAG, ""); /* which nothing can carry */
	nothing_was_sent();
	behind_drop(NULL, DROP_KEY, &(struct cache_bytes){ "a", 1 });
	behind_wrote(NULL, NULL);
}

static void what_is_too_long_or_finds_no_room_leaves_nothing_older_there(void **state)
{
	const size_t size = BEHIND_VALUE + 1;
	char *large = malloc(size + 1);
	struct letter *l, *next;
	unsigned int drops = 0;
	bool lost;

	(void)state;
	memset(large, 'x', size);
	large[size] = '\0';
	put("a", large);
	l = sent(LETTER_DROP);
	assert_int_equal(l->drop->kind, DROP_KEY);
	letter_close(l);
	assert_int_equal(counts().lost_sets, 1);
	large[1 << 20] = '\0';
	for (int i = 0; i < 30; i++)
		put("b", large);
	for (l = bridge_take(&bridge->there, &lost); l; l = next) {
		next = l->next;
		drops += l->kind == LETTER_DROP;
		letter_close(l);
	}
	assert_int_equal(drops, 7);
	assert_int_equal(counts().lost_sets, 8);
	assert_int_equal(counts().lost_drops, 0);
	free(large);
}

/* Whoever writes, deletes or invalidates does not get back what was there before. */
static void an_answer_of_before_is_not_kept(void **state)
{
	static const struct {
		enum drop_kind kind;
		const char *text;
		bool kept;
	} steps[] = { { DROP_KEY, "a", false },     { DROP_KEY, "b", true },
		      { DROP_PREFIX, "", false },   { DROP_PATTERN, "?", false },
		      { DROP_PATTERN, "b*", true }, { DROP_TAG, "other", false } };
	struct behind_found f;
	uint64_t id;

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(ask("a", false, &f), BEHIND_LATER);
		id = asked();
		take_out(steps[i].kind, steps[i].text);
		letter_close(sent(LETTER_DROP));
		tell(id, "old");
		hear();
		assert_int_equal(has("a"), steps[i].kept);
		assert_found("a", true, "old"); /* who asked before gets what was there then */
		cache_delete(cache, &(struct cache_bytes){ "a", 1 }, now);
		now += S;
	}
}

static void what_was_written_meanwhile_is_what_is_given(void **state)
{
	struct behind_found f;
	uint64_t id;

	(void)state;
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	id = asked();
	put("a", "new");
	letter_close(sent(LETTER_SET));
	assert_found("a", true, "new");
	tell(id, "old");
	hear();
	assert_found("a", true, "new");
	assert_true(has("a"));
}

static void who_asks_after_a_write_has_a_question_of_its_own(void **state)
{
	struct behind_found f;
	uint64_t first;

	(void)state;
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	first = asked();
	take_out(DROP_KEY, "a");
	letter_close(sent(LETTER_DROP));
	assert_int_equal(ask("a", false, &f), BEHIND_LATER);
	tell(first, "old");
	hear();
	assert_int_equal(wakes, 0);
	assert_false(has("a"));
	tell(asked(), NULL);
	hear();
	assert_int_equal(ask("a", true, &f), BEHIND_NONE);
}

static void what_others_take_out_goes_from_memory(void **state)
{
	struct behind_found f;
	struct drop *d;
	uint64_t id;

	(void)state;
	put("a", "1");
	put("b", "1");
	put("c", "1");
	assert_int_equal(drop_open(&d, DROP_KEY, &(struct cache_bytes){ "a", 1 }), 0);
	bridge_drop(&bridge->back, d);
	hear();
	assert_false(has("a"));
	assert_true(has("b"));
	{
		bool lost;
		struct letter *l = bridge_take(&bridge->there, &lost), *next;

		for (; l; l = next) {
			next = l->next;
			letter_close(l);
		}
	}
	assert_int_equal(ask("d", false, &f), BEHIND_LATER);
	id = asked();
	bridge_overflow(&bridge->back); /* some were missed */
	hear();
	assert_false(has("b"));
	assert_false(has("c"));
	tell(id, "old");
	hear();
	assert_false(has("d"));
}

/* What is on its way is pending like what is there and waits. */
static void nothing_is_through_that_is_on_its_way(void **state)
{
	struct bridge_state s;

	(void)state;
	put("a", "1");
	put("a", "2");
	take_out(DROP_KEY, "b");
	behind_state_get(behind, &s);
	assert_int_equal(s.progress.pending, 3);
	bridge_progress_put(bridge, &(struct bridge_progress){ .seen = 2, .pending = 1 });
	behind_state_get(behind, &s);
	assert_int_equal(s.progress.pending, 2);
	bridge_progress_put(bridge, &(struct bridge_progress){ .seen = 3, .pending = 0 });
	behind_state_get(behind, &s);
	assert_int_equal(s.progress.pending, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHIND_TEST(what_is_written_goes_there_whole),
		BEHIND_TEST(what_is_taken_out_goes_there_too),
		BEHIND_TEST(what_is_too_long_or_finds_no_room_leaves_nothing_older_there),
		BEHIND_TEST(an_answer_of_before_is_not_kept),
		BEHIND_TEST(what_was_written_meanwhile_is_what_is_given),
		BEHIND_TEST(who_asks_after_a_write_has_a_question_of_its_own),
		BEHIND_TEST(what_others_take_out_goes_from_memory),
		BEHIND_TEST(nothing_is_through_that_is_on_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
