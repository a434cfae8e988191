#include "shelf.h"

#include "rs_test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep(struct shelf *s, const char *key, size_t size, uint64_t generation, uint64_t now)
{
	char *bytes = calloc(1, size);
	struct body *b;

	assert_non_null(bytes);
	assert_int_equal(body_open(&b, bytes, size), 0);
	shelf_keep(s, key, b, generation, now);
	body_put(b);
}

static bool has(struct shelf *s, const char *key, uint64_t generation, uint64_t now)
{
	struct body *b = shelf_find(s, key, generation, now);

	body_put(b);
	return b != NULL;
}

static void a_document_stands_for_its_generation(void **state)
{
	struct shelf s = { 0 };

	(void)state;
	assert_false(has(&s, "/a", 1, 0));
	keep(&s, "/a", 100, 1, 1000);
	assert_true(has(&s, "/a", 1, 1000));
	assert_false(has(&s, "/a", 2, 1000));
	assert_false(has(&s, "/b", 1, 1000));
	keep(&s, "/a", 100, 2, 1000);
	assert_true(has(&s, "/a", 2, 1000));
	assert_false(has(&s, "/a", 1, 1000));
	shelf_fini(&s);
}

static void a_window_that_moved_on_makes_it_stale(void **state)
{
	struct shelf s = { 0 };

	(void)state;
	keep(&s, "/a", 100, 1, 1000);
	assert_true(has(&s, "/a", 1, 1000 + SHELF_FRESH_NS - 1));
	assert_false(has(&s, "/a", 1, 1000 + SHELF_FRESH_NS));
	shelf_fini(&s);
}

static void the_oldest_makes_room(void **state)
{
	struct shelf s = { 0 };
	char key[32];

	(void)state;
	for (unsigned int i = 0; i <= SHELF_PLACES; i++) {
		snprintf(key, sizeof(key), "/%u", i);
		keep(&s, key, 100, 1, i + 1);
	}
	assert_false(has(&s, "/0", 1, 100));
	assert_true(has(&s, "/1", 1, 100));
	snprintf(key, sizeof(key), "/%u", SHELF_PLACES);
	assert_true(has(&s, key, 1, 100));
	shelf_fini(&s);
}

static void bytes_are_bounded_with_their_compressed_form(void **state)
{
	struct shelf s = { 0 };

	(void)state;
	keep(&s, "/huge", SHELF_BYTES / 2 + 1, 1, 1);
	assert_false(has(&s, "/huge", 1, 1));
	keep(&s, "/a", SHELF_BYTES / 4, 1, 1);
	keep(&s, "/b", SHELF_BYTES / 4, 1, 2);
	assert_true(has(&s, "/b", 1, 3));
	keep(&s, "/c", SHELF_BYTES / 2, 1, 3);
	assert_false(has(&s, "/a", 1, 3));
	assert_false(has(&s, "/b", 1, 3));
	assert_true(has(&s, "/c", 1, 3));
	shelf_fini(&s);
}

static void a_key_that_is_too_long_is_not_kept(void **state)
{
	struct shelf s = { 0 };
	char key[SHELF_KEY + 1];

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	key[SHELF_KEY] = '\0';
	keep(&s, key, 100, 1, 1);
	assert_false(has(&s, key, 1, 1));
	key[SHELF_KEY - 1] = '\0';
	keep(&s, key, 100, 1, 1);
	assert_true(has(&s, key, 1, 1));
	shelf_fini(&s);
}

static void a_body_outlives_the_shelf_in_the_hands_of_others(void **state)
{
	struct shelf s = { 0 };
	struct body *b;

	(void)state;
	keep(&s, "/a", 100, 1, 1);
	b = shelf_find(&s, "/a", 1, 1);
	assert_non_null(b);
	shelf_fini(&s);
	assert_int_equal(b->references, 1);
	assert_int_equal(b->bytes[99], 0);
	body_put(b);
	shelf_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_stands_for_its_generation),
		cmocka_unit_test(a_window_that_moved_on_makes_it_stale),
		cmocka_unit_test(the_oldest_makes_room),
		cmocka_unit_test(bytes_are_bounded_with_their_compressed_form),
		cmocka_unit_test(a_key_that_is_too_long_is_not_kept),
		cmocka_unit_test(a_body_outlives_the_shelf_in_the_hands_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
