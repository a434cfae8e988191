#include "clears.h"

#include "rs_test.h"

#include "glob.h"
#include "put.h"

#include <errno.h>
#include <string.h>

static const uint64_t key[2] = { 1, 2 };
static struct pack pack;
static struct tags tags;
static struct clears clears;
static const struct clears_from from = { &tags, 7, 4 }; /* version 7, a table of 4 chains */
static int asker, other;

static int set_up(void **state)
{
	(void)state;
	memset(&clears, 0, sizeof(clears));
	return tags_open(&tags, 8, key);
}

static int tear_down(void **state)
{
	(void)state;
	clears_fini(&clears);
	assert_int_equal(tags.count, 0);
	tags_close(&tags);
	return 0;
}

static struct cache_entry *entry(const char *name, const char *tag, uint64_t version)
{
	const struct cache_bytes names[1] = { { tag, tag ? strlen(tag) : 0 } };
	const struct cache_put put = {
		.key = { name, strlen(name) }, .type = "t", .tags = names, .tag_count = tag != NULL
	};
	struct cache_value *v;
	struct cache_entry *e;

	assert_int_equal(put_value(&put, &pack, version, &v), 0);
	assert_int_equal(entry_open(&e, &put, v, &(struct entry_means){ &tags, key }), 0);
	return e;
}

static int pattern(const void *who, const char *text)
{
	struct cache_clear what = { .who = who };

	assert_int_equal(glob_open(&what.pattern, text, strlen(text)), 0);
	return clears_begin(&clears, &what, &from);
}

static int prefix(const void *who, const char *text)
{
	return clears_begin(&clears,
			    &(struct cache_clear){ .who = who, .prefix = { text, strlen(text) } },
			    &from);
}

static int tag(const void *who, const char *text)
{
	const struct cache_bytes names[1] = { { text, strlen(text) } };

	return clears_begin(
		&clears, &(struct cache_clear){ .who = who, .tags = names, .tag_count = 1 }, &from);
}

static void keys_are_taken_up_to_a_version(void **state)
{
	struct cache_entry *old = entry("ab", NULL, 7), *new = entry("ab", NULL, 8),
			   *unlike = entry("b", NULL, 7);

	(void)state;
	assert_null(clears_claim(&clears, old));
	for (int i = 0; i < 2; i++) {
		uint64_t count;

		assert_int_equal(i ? pattern(&asker, "a?") : prefix(&asker, "a"), 0);
		assert_ptr_equal(clears_claim(&clears, old), &clears.items[0]);
		assert_null(clears_claim(&clears, new));
		assert_null(clears_claim(&clears, unlike));
		clears.items[0].count = 5;
		for (int k = 0; k < 4; k++) {
			assert_true(clears_want_chains(&clears));
			assert_int_equal(clears_tell(&clears, &asker, &count), -EAGAIN);
			clears_chain_done(&clears);
		}
		assert_false(clears_want_chains(&clears));
		assert_null(clears_claim(&clears, old)); /* all there was is gone */
		assert_int_equal(clears_tell(&clears, &other, &count), -ENOENT);
		assert_int_equal(clears_tell(&clears, &asker, &count), 0);
		assert_int_equal(count, 5);
		assert_int_equal(clears_tell(&clears, &asker, &count), -ENOENT);
	}
	entry_close(old, &tags);
	entry_close(new, &tags);
	entry_close(unlike, &tags);
}

static void a_tag_is_taken_with_its_links(void **state)
{
	struct cache_entry *a = entry("a", "t", 1), *b = entry("b", "t", 2), *later;
	uint64_t count;

	(void)state;
	assert_int_equal(tag(&asker, "t"), 0);
	assert_int_equal(tag(&other, "t"), 0); /* there is none any more */
	later = entry("c", "t", 3);            /* that name again is another one */
	assert_ptr_equal(clears_claim(&clears, a), &clears.items[0]);
	assert_null(clears_claim(&clears, later));
	assert_false(clears_want_chains(&clears));
	assert_int_equal(clears_tell(&clears, &other, &count), 0);
	assert_int_equal(count, 0);
	assert_ptr_equal(clears_link(&clears)->owner, b);
	entry_close(b, &tags);
	assert_ptr_equal(clears_link(&clears)->owner, a);
	assert_int_equal(clears_tell(&clears, &asker, &count), -EAGAIN);
	entry_close(a, &tags);
	assert_null(clears_link(&clears));
	assert_int_equal(clears_tell(&clears, &asker, &count), 0);
	entry_close(later, &tags);
}

static void what_several_take_is_the_oldest_ones(void **state)
{
	struct cache_entry *e = entry("a", "t", 1);

	(void)state;
	assert_int_equal(prefix(&asker, "b"), 0);
	assert_int_equal(tag(&asker, "t"), 0);
	assert_int_equal(pattern(&other, "*"), 0);
	assert_ptr_equal(clears_claim(&clears, e), &clears.items[1]);
	entry_close(e, &tags);
}

static void who_leaves_is_forgotten_when_it_is_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLEARS_WAITED; i++)
		assert_int_equal(prefix(&clears.items[i], "a"), 0);
	assert_int_equal(prefix(&asker, "a"), -EBUSY);
	assert_int_equal(pattern(&asker, "a"), -EBUSY);
	for (size_t i = CLEARS_WAITED; i < CLEARS_MOST; i++)
		assert_int_equal(prefix(NULL, "a"), 0);
	assert_true(clears_is_full(&clears));
	assert_int_equal(prefix(NULL, "a"), -EBUSY);
	clears_leave(&clears, NULL); /* is nobody */
	clears_leave(&clears, &clears.items[3]);
	assert_int_equal(clears.count, CLEARS_MOST);
	for (int k = 0; k < 4; k++)
		clears_chain_done(&clears);
	assert_int_equal(clears.count, CLEARS_WAITED - 1);
	clears_leave(&clears, &clears.items[5]);
	assert_int_equal(clears.count, CLEARS_WAITED - 2);
	for (size_t i = 0; i < clears.count; i++)
		assert_true(clears.items[i].who && clears.items[i].who != &clears.items[3] &&
			    clears.items[i].who != &clears.items[5]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_are_taken_up_to_a_version),
		TEST(a_tag_is_taken_with_its_links),
		TEST(what_several_take_is_the_oldest_ones),
		TEST(who_leaves_is_forgotten_when_it_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
