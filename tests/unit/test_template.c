#include "template.h"

#include "rs_test.h"

#include <stdio.h>
#include <string.h>

#define WORDS 100 /* more than TEMPLATE_WIDTH */

static const char *learned(struct template *t, const char *path)
{
	static char out[RS_PATH_BYTES + 1];

	assert_true(template_name(t, path, true, out));
	return out;
}

static const char *told(struct template *t, const char *path)
{
	static char out[RS_PATH_BYTES + 1];

	template_name(t, path, false, out);
	return out;
}

static bool is_known(struct template *t, const char *path)
{
	char out[RS_PATH_BYTES + 1];

	return template_name(t, path, false, out);
}

static void learn_many(struct template *t, const char *before, const char *behind, int count)
{
	char path[RS_PATH_BYTES + 1];

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s%d%s", before, i, behind);
		learned(t, path);
	}
}

/* What is not at rest hangs in the tree, once. */
static uint32_t reachable(const struct template *t, uint16_t at)
{
	const struct template_node *node = &t->nodes[at];
	uint32_t count = 1, words = 0;

	for (uint16_t word = node->first; word; word = t->nodes[word].next) {
		count += reachable(t, word);
		words++;
	}
	assert_int_equal(words, node->words);
	return count + (node->variable ? reachable(t, node->variable) : 0);
}

static void assert_whole(const struct template *t)
{
	uint32_t spare = 0;

	for (uint16_t node = t->spare; node; node = t->nodes[node].next)
		spare++;
	assert_int_equal(reachable(t, 0) + spare, t->used);
	assert_true(t->used <= TEMPLATE_NODES);
}

static void what_is_obvious_has_its_name_at_once(void **state)
{
	struct template t = { 0 };

	(void)state;
	assert_string_equal(learned(&t, "/users/17"), "/users/{id}");
	assert_string_equal(learned(&t, "/c/deadbeef01"), "/c/{hex}");
	assert_string_equal(learned(&t, "/o/123e4567-e89b-12d3-a456-426614174000/x"),
			    "/o/{uuid}/x");
	assert_string_equal(learned(&t, "/d/2024-01-31"), "/d/{date}");
	assert_string_equal(learned(&t, "/users/anna"), "/users/anna");
	assert_string_equal(learned(&t, "/"), "/");
	assert_string_equal(learned(&t, "/a/"), "/a/");
	assert_string_equal(learned(&t, "*"), "*");
	assert_string_equal(learned(&t, ""), "");
	assert_whole(&t);
	template_fini(&t);
}

static void a_name_is_its_own_name(void **state)
{
	static const char *const names[] = { "/users/{id}", "/o/{uuid}/x", "/c/{hex}", "/d/{date}",
					     "/posts/{name}" };
	struct template t = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_string_equal(learned(&t, names[i]), names[i]);
	assert_string_equal(told(&t, "/o/7/x"), "/o/{uuid}/x"); /* the first one names it */
	template_fini(&t);
}

static void more_words_than_the_width_are_one_variable(void **state)
{
	struct template t = { 0 };

	(void)state;
	learn_many(&t, "/posts/word-", "", TEMPLATE_WIDTH);
	assert_string_equal(told(&t, "/posts/word-7"), "/posts/word-7");
	assert_int_equal(t.changes, 0);
	assert_string_equal(learned(&t, "/posts/one-more"), "/posts/{name}");
	assert_true(t.changes > 0);
	assert_string_equal(told(&t, "/posts/word-7"), "/posts/{name}");
	assert_string_equal(told(&t, "/posts/never-seen"), "/posts/{name}");
	assert_string_equal(told(&t, "/posts/7"), "/posts/{name}");
	assert_whole(&t);
	template_fini(&t);
}

static void what_was_below_the_words_is_united(void **state)
{
	struct template t = { 0 };

	(void)state;
	learn_many(&t, "/u/w", "/posts", WORDS);
	learn_many(&t, "/u/w", "/friends/list", WORDS);
	assert_string_equal(told(&t, "/u/x/posts"), "/u/{name}/posts");
	assert_string_equal(told(&t, "/u/x/friends/list"), "/u/{name}/friends/list");
	assert_true(is_known(&t, "/u/x/friends/list"));
	assert_false(is_known(&t, "/u/x/friends/wanted"));
	assert_whole(&t);
	template_fini(&t);
}

static void words_within_words_are_variable_at_both_places(void **state)
{
	struct template t = { 0 };
	char path[64];

	(void)state;
	for (int i = 0; i < 200; i++) {
		for (int k = 0; k < 50; k++) {
			snprintf(path, sizeof(path), "/a/x%d/b/y%d", i, i * 50 + k);
			learned(&t, path);
		}
	}
	assert_string_equal(told(&t, "/a/p/b/q"), "/a/{name}/b/{name}");
	assert_whole(&t);
	assert_true(reachable(&t, 0) < 200);
	template_fini(&t);
}

static void a_word_that_others_follow_stays_when_the_pages_beside_it_go(void **state)
{
	struct template t = { 0 };

	(void)state;
	learned(&t, "/api/users");
	learned(&t, "/admin/login");
	learn_many(&t, "/page-", "", WORDS);
	assert_string_equal(told(&t, "/page-x"), "/{name}");
	assert_string_equal(told(&t, "/api/users"), "/api/users");
	assert_string_equal(told(&t, "/admin/login"), "/admin/login");
	assert_string_equal(learned(&t, "/shop/cart"), "/shop/cart");
	assert_whole(&t);
	template_fini(&t);
}

static void names_and_their_parts_end_as_one_in_any_order(void **state)
{
	struct template t = { 0 };

	(void)state;
	for (int i = 0; i < 2 * WORDS; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/u/w%d%s", i, i % 2 ? "" : "/posts");
		learned(&t, path);
	}
	learn_many(&t, "/u/v", "/posts", WORDS);
	assert_string_equal(told(&t, "/u/w5"), "/u/{name}");
	assert_string_equal(told(&t, "/u/w6/posts"), "/u/{name}/posts");
	assert_whole(&t);
	template_fini(&t);
}

static void a_place_that_is_variable_takes_the_words_that_join_it(void **state)
{
	struct template t = { 0 };

	(void)state;
	learned(&t, "/u/first/known-word");
	learn_many(&t, "/u/second/w", "", WORDS);
	learn_many(&t, "/u/u", "/settings", WORDS);
	assert_string_equal(told(&t, "/u/x/known-word"), "/u/{name}/{name}");
	assert_int_equal(reachable(&t, 0), 5); /* the root, "", u, the user, what is below */
	assert_whole(&t);
	template_fini(&t);
}

static void numbers_and_words_at_one_place_are_one_variable(void **state)
{
	struct template t = { 0 };

	(void)state;
	learned(&t, "/users/17/posts");
	learn_many(&t, "/users/w", "/posts", WORDS);
	assert_string_equal(told(&t, "/users/w5/posts"), "/users/{id}/posts");
	assert_whole(&t);
	template_fini(&t);
}

static void forty_names_at_one_place_stay(void **state)
{
	struct template t = { 0 };

	(void)state;
	for (int i = 0; i < 40; i++) {
		char before[64];

		snprintf(before, sizeof(before), "/api/r%d/w", i);
		learn_many(&t, before, "", WORDS);
	}
	assert_string_equal(told(&t, "/api/r39/x"), "/api/r39/{name}");
	assert_string_equal(told(&t, "/api/r0/x"), "/api/r0/{name}");
	assert_whole(&t);
	template_fini(&t);
}

static void rpc_names_stay_however_many(void **state)
{
	struct template t = { 0 };
	char path[64];

	(void)state;
	for (int i = 0; i < 3 * WORDS; i++) {
		snprintf(path, sizeof(path), "/shop.v%d.Cart/Add%d", i % 70, i);
		assert_string_equal(learned(&t, path), path);
	}
	assert_int_equal(t.used, 0);
	assert_false(is_known(&t, path));
	assert_string_equal(learned(&t, "/site.v1/About"), "/site.v1/About");
	assert_int_not_equal(t.used, 0); /* no capital: a page */
	template_fini(&t);
}

/* Of databases and caches. */
static void commands_and_statements_stay_however_many(void **state)
{
	struct template t = { 0 };
	char name[64];

	(void)state;
	for (int i = 0; i < 3 * WORDS; i++) {
		snprintf(name, sizeof(name), "SELECT%%20a%d/12345%%20FROM%%20t", i);
		assert_string_equal(learned(&t, name), name);
	}
	assert_string_equal(learned(&t, "GET"), "GET");
	assert_string_equal(learned(&t, "_unknown"), "_unknown");
	assert_string_equal(learned(&t, "SELECT%20?::int"), "SELECT%20?::int");
	assert_int_equal(t.used, 0);
	learned(&t, "example.org:443"); /* a CONNECT's */
	assert_int_not_equal(t.used, 0);
	template_fini(&t);
}

static void what_is_only_asked_for_is_not_learned(void **state)
{
	struct template t = { 0 };
	char out[RS_PATH_BYTES + 1];

	(void)state;
	learned(&t, "/a/b");
	for (int i = 0; i < WORDS; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/a/x%d", i);
		assert_false(template_name(&t, path, false, out));
		assert_string_equal(out, path);
	}
	assert_false(template_name(&t, "/a/17/c", false, out));
	assert_string_equal(out, "/a/{id}/c");
	assert_int_equal(t.used, 4); /* the root, what is before the first slash, a, b */
	template_fini(&t);
}

static void nodes_are_bounded_and_room_is_made_for_new_paths(void **state)
{
	struct template t = { 0 };
	char path[RS_PATH_BYTES + 1];

	(void)state;
	/* Nothing is wide enough to be variable by itself: 60 × 60 × 60. */
	for (int i = 0; i < 60 * 60 * 60; i++) {
		snprintf(path, sizeof(path), "/a%d/b%d/c%d", i % 60, i / 60 % 60, i / 3600);
		learned(&t, path);
	}
	assert_whole(&t);
	assert_true(is_known(&t, "/a59/b59/c59"));
	template_fini(&t);
}

static void deep_and_long_paths_are_bounded(void **state)
{
	struct template t = { 0 };
	char path[RS_PATH_BYTES + 1], out[RS_PATH_BYTES + 1];

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		for (uint32_t k = 0; k < RS_PATH_BYTES; k += 2) {
			path[k] = '/';
			path[k + 1] = (char)('g' + (i * 31 + k * (i % 7)) % 20);
		}
		path[RS_PATH_BYTES] = '\0';
		template_name(&t, path, true, out);
		assert_true(strlen(out) <= RS_PATH_BYTES);
	}
	assert_whole(&t);
	/* Each {} grows to {id}: cut as a path is. */
	for (uint32_t k = 0; k < RS_PATH_BYTES; k += 2)
		memcpy(path + k, "/1", 2);
	template_name(&t, path, true, out);
	assert_int_equal(strlen(out), RS_PATH_BYTES);
	assert_string_equal(told(&t, out), out);
	template_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_obvious_has_its_name_at_once),
		cmocka_unit_test(a_name_is_its_own_name),
		cmocka_unit_test(more_words_than_the_width_are_one_variable),
		cmocka_unit_test(what_was_below_the_words_is_united),
		cmocka_unit_test(words_within_words_are_variable_at_both_places),
		cmocka_unit_test(a_word_that_others_follow_stays_when_the_pages_beside_it_go),
		cmocka_unit_test(names_and_their_parts_end_as_one_in_any_order),
		cmocka_unit_test(a_place_that_is_variable_takes_the_words_that_join_it),
		cmocka_unit_test(numbers_and_words_at_one_place_are_one_variable),
		cmocka_unit_test(forty_names_at_one_place_stay),
		cmocka_unit_test(rpc_names_stay_however_many),
		cmocka_unit_test(commands_and_statements_stay_however_many),
		cmocka_unit_test(what_is_only_asked_for_is_not_learned),
		cmocka_unit_test(nodes_are_bounded_and_room_is_made_for_new_paths),
		cmocka_unit_test(deep_and_long_paths_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
