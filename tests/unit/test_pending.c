#include "pending.h"

#include "rs_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES 100000u

static struct pending *p;

static int set_up(void **state)
{
	(void)state;
	return pending_open(&p, 5, BYTES);
}

static int tear_down(void **state)
{
	(void)state;
	pending_close(p);
	return 0;
}

static struct cache_bytes bytes(const char *text)
{
	return (struct cache_bytes){ text, strlen(text) };
}

/* size 0: a removal. */
static void put(const char *key, size_t size, const char *tags)
{
	const struct cache_bytes k = bytes(key);
	struct pending_write *w = pending_write_open(&k);

	assert_non_null(w);
	w->capsule = size ? malloc(size) : NULL;
	w->length = size;
	w->tags = tags ? strdup(tags) : NULL;
	pending_put(p, w);
}

static void take_out(enum drop_kind kind, const char *text)
{
	const struct cache_bytes t = bytes(text);
	struct drop *d;

	assert_int_equal(drop_open(&d, kind, &t), 0);
	pending_drop(p, d);
}

static const struct pending_write *find(const char *key)
{
	const struct cache_bytes k = bytes(key);

	return pending_find(p, &k);
}

static struct pending_counts counts(void)
{
	struct pending_counts c;

	pending_counts_get(p, &c);
	return c;
}

/* What is written until there is nothing more: "a=10 b- ", in order; all but so many is done. */
static const char *written(uint64_t left)
{
	static char text[256];
	struct pending_write *w;
	size_t n = 0;

	text[0] = '\0';
	while ((w = pending_next(p, 100))) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s", (int)w->key_length,
				      (const char *)w->key);
		if (w->capsule)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "=%zu ", w->length);
		else
			n += (size_t)snprintf(text + n, sizeof(text) - n, "- ");
		pending_done(p, w);
	}
	assert_int_equal(counts().writes, left);
	return text;
}

static void the_newest_of_each_key_goes_in_the_order_of_their_coming(void **state)
{
	(void)state;
	put("a", 1, NULL);
	put("b", 2, NULL);
	put("a", 3, NULL);
	put("c", 4, NULL);
	put("c", 0, NULL);
	assert_int_equal(find("a")->length, 3);
	assert_null(find("c")->capsule);
	assert_null(find("d"));
	assert_int_equal(counts().writes, 3);
	assert_string_equal(written(0), "b=2 a=3 c- ");
	assert_int_equal(counts().bytes, 0);
	assert_int_equal(counts().lost_sets + counts().lost_drops, 0);
}

static void a_key_is_written_by_one_at_a_time(void **state)
{
	struct pending_write *w, *other;

	(void)state;
	put("a", 1, NULL);
	w = pending_next(p, 100);
	put("a", 2, NULL);
	put("b", 3, NULL);
	assert_int_equal(find("a")->length, 2);
	other = pending_next(p, 100);
	assert_memory_equal(other->key, "b", 1);
	assert_null(pending_next(p, 100));
	pending_done(p, other);
	pending_done(p, w);
	assert_string_equal(written(0), "a=2 ");
}

static void what_failed_comes_again_last_unless_there_is_a_newer_one(void **state)
{
	struct pending_write *a, *b;

	(void)state;
	put("a", 1, NULL);
	put("b", 2, NULL);
	put("c", 3, NULL);
	a = pending_next(p, 100);
	b = pending_next(p, 100);
	put("b", 4, NULL);
	pending_again(p, b, 0);
	pending_again(p, a, 0);
	assert_string_equal(written(0), "c=3 b=4 a=1 ");
	put("a", 1, NULL);
	put("b", 2, NULL);
	pending_again(p, pending_next(p, 100), 200); /* not before */
	b = pending_next(p, 199);
	assert_memory_equal(b->key, "b", 1);
	assert_null(pending_next(p, 199));
	pending_done(p, b);
	pending_done(p, pending_next(p, 200));
}

static void what_is_refused_leaves_nothing_older_behind(void **state)
{
	struct pending_write *w;

	(void)state;
	put("a", 1, "t");
	w = pending_next(p, 100);
	pending_refused(p, w);
	assert_int_equal(counts().lost_sets, 1);
	w = pending_next(p, 100);
	assert_null(w->capsule);
	pending_refused(p, w); /* not even that */
	assert_int_equal(counts().lost_drops, 1);
	assert_int_equal(counts().writes, 0);
	assert_int_equal(counts().bytes, 0);
	put("a", 1, NULL);
	w = pending_next(p, 100);
	put("a", 2, NULL);
	pending_refused(p, w);
	assert_string_equal(written(0), "a=2 "); /* the newer one is what is to be there */
}

static void beyond_the_bytes_the_oldest_values_are_forgotten_not_their_keys(void **state)
{
	(void)state;
	put("a", 40000, NULL);
	put("b", 40000, NULL);
	put("c", 0, NULL);
	put("d", 40000, NULL);
	assert_int_equal(counts().lost_sets, 1);
	assert_true(counts().bytes <= BYTES);
	assert_int_equal(counts().lost_drops, 0);
	put("e", 100000, NULL); /* which is more than there is room for */
	assert_int_equal(counts().lost_sets, 4);
	assert_string_equal(written(0), "a- b- c- d- e- ");
	assert_int_equal(counts().bytes, 0);
}

static void beyond_the_items_values_go_before_removals(void **state)
{
	(void)state;
	put("a", 0, NULL);
	put("b", 1, NULL);
	put("c", 0, NULL);
	put("d", 1, NULL);
	put("e", 0, NULL);
	put("f", 0, NULL);
	assert_null(find("b"));
	put("g", 0, NULL);
	assert_null(find("d"));
	assert_int_equal(counts().lost_sets, 2);
	assert_int_equal(counts().lost_drops, 0);
	put("h", 0, NULL);
	assert_int_equal(counts().lost_drops, 1); /* there is nothing else that could go */
	put("a", 0, NULL);                        /* one that is there already loses nothing */
	assert_int_equal(counts().lost_drops, 1);
	assert_string_equal(written(0), "c- e- f- g- a- ");
}

static void what_is_under_way_is_not_lost(void **state)
{
	struct pending_write *w;

	(void)state;
	put("a", 90000, NULL);
	w = pending_next(p, 100);
	put("b", 20000, NULL);
	assert_int_equal(counts().lost_sets, 1);
	assert_null(find("b")->capsule);
	assert_int_equal(w->length, 90000);
	pending_done(p, w);
	assert_string_equal(written(0), "b- ");
}

static void a_drop_takes_out_at_once_what_it_means(void **state)
{
	const struct cache_bytes ab = bytes("a:b"), c = bytes("c");

	(void)state;
	put("a:1", 1, NULL);
	put("a:2", 0, NULL);
	put("b:1", 1, NULL);
	take_out(DROP_PREFIX, "a:");
	assert_null(find("a:1"));
	assert_null(find("a:2"));
	assert_true(pending_takes(p, &ab));
	assert_false(pending_takes(p, &c));
	put("a:1", 2, NULL); /* it came later: it waits, and only it */
	assert_string_equal(written(1), "b:1=1 ");
	put("b:1", 1, NULL);
	assert_int_equal(pending_first_drop(p)->kind, DROP_PREFIX);
	pending_drop_done(p);
	assert_null(pending_first_drop(p));
	assert_false(pending_takes(p, &ab));
	assert_string_equal(written(0), "a:1=2 b:1=1 ");
	assert_int_equal(counts().bytes, 0);
	put("c", 1, NULL);
	take_out(DROP_TAG, "t");
	assert_null(pending_next(p, 100)); /* by a tag everything waits */
	pending_drop_done(p);
	assert_string_equal(written(0), "c=1 ");
}

static void by_a_tag_the_value_goes_and_what_was_there_before(void **state)
{
	(void)state;
	put("a", 1, "s t");
	put("b", 1, "s");
	put("c", 0, NULL);
	put("d", 1, NULL);
	take_out(DROP_TAG, "t");
	assert_int_equal(counts().lost_sets, 0);
	pending_drop_done(p);
	assert_string_equal(written(0), "a- b=1 c- d=1 ");
}

static void what_is_under_way_when_it_is_taken_out_does_not_come_again(void **state)
{
	struct pending_write *w;

	(void)state;
	put("a", 1, "t");
	w = pending_next(p, 100);
	take_out(DROP_TAG, "t");
	assert_true(w->overtaken);
	pending_again(p, w, 0);
	pending_drop_done(p);
	assert_string_equal(written(0), "a- ");
}

static void drops_are_bounded_and_none_twice(void **state)
{
	char text[16];

	(void)state;
	for (unsigned int i = 0; i < PENDING_DROPS; i++) {
		snprintf(text, sizeof(text), "p%u", i);
		take_out(DROP_PREFIX, text);
		take_out(DROP_PREFIX, text);
	}
	/* the first, which may have begun, is there twice: the last found no room, twice */
	assert_int_equal(counts().drops, PENDING_DROPS);
	assert_int_equal(counts().lost_drops, 2);
	take_out(DROP_PREFIX, "p9");
	assert_int_equal(counts().lost_drops, 2);
	take_out(DROP_TAG, "p9"); /* another kind */
	assert_int_equal(counts().lost_drops, 3);
	for (unsigned int i = 0; i < PENDING_DROPS; i++)
		pending_drop_done(p);
	assert_int_equal(counts().bytes, 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(the_newest_of_each_key_goes_in_the_order_of_their_coming),
		WITH(a_key_is_written_by_one_at_a_time),
		WITH(what_failed_comes_again_last_unless_there_is_a_newer_one),
		WITH(what_is_refused_leaves_nothing_older_behind),
		WITH(beyond_the_bytes_the_oldest_values_are_forgotten_not_their_keys),
		WITH(beyond_the_items_values_go_before_removals),
		WITH(what_is_under_way_is_not_lost),
		WITH(a_drop_takes_out_at_once_what_it_means),
		WITH(by_a_tag_the_value_goes_and_what_was_there_before),
		WITH(what_is_under_way_when_it_is_taken_out_does_not_come_again),
		WITH(drops_are_bounded_and_none_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
