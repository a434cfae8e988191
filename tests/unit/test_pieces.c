#include "pieces.h"
#include "rs_test.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void put(struct pieces *p, uint32_t at, const char *text)
{
	pieces_put(p, at, (const uint8_t *)text, (uint32_t)strlen(text));
}

static void at(const struct pieces *p, uint32_t from, uint32_t most, const char *text,
	       uint32_t length)
{
	uint32_t bytes = most;
	const uint8_t *found = pieces_at(p, from, &bytes);

	assert_int_equal(bytes, length);
	if (text)
		assert_memory_equal(found, text, length);
	else
		assert_null(found);
}

static void bytes_are_found_by_position_and_gaps_are_told(void **state)
{
	struct pieces p = { 0 };

	(void)state;
	put(&p, 110, "late");
	put(&p, 100, "early");
	at(&p, 100, 100, "early", 5);
	at(&p, 102, 2, "rl", 2);
	at(&p, 105, 100, NULL, 5); /* a gap up to the next */
	at(&p, 105, 3, NULL, 3);
	at(&p, 112, 100, "te", 2);
	at(&p, 114, 7, NULL, 7); /* nothing comes */
	pieces_drop(&p, 105);
	assert_int_equal(p.bytes, pieces_cost(4));
	pieces_drop(&p, 113);
	assert_int_equal(p.bytes, pieces_cost(4)); /* one byte of it is wanted still */
	pieces_drop(&p, 114);
	assert_int_equal(p.bytes, 0);
}

static void what_was_sent_again_does_no_harm(void **state)
{
	struct pieces p = { 0 };

	(void)state;
	put(&p, 10, "abc");
	put(&p, 10, "abcdef");
	put(&p, 13, "def");
	at(&p, 10, 100, "abc", 3);
	at(&p, 13, 100, "def", 3);
	pieces_drop(&p, 16);
	assert_null(p.first);
}

static void positions_wrap(void **state)
{
	struct pieces p = { 0 };

	(void)state;
	put(&p, 2, "cd");
	put(&p, UINT32_MAX - 1, "zzab");
	at(&p, UINT32_MAX - 1, 100, "zzab", 4);
	at(&p, 0, 100, "ab", 2);
	at(&p, 3, 100, "d", 1);
	pieces_drop(&p, 2);
	at(&p, 2, 100, "cd", 2);
	pieces_clear(&p);
	assert_int_equal(p.bytes, 0);
}

static void what_finds_no_room_is_a_gap(void **state)
{
	const uint32_t room = PIECES_BYTES - pieces_cost(0) - pieces_cost(1);
	uint8_t *text = calloc(1, PIECES_BYTES);
	struct pieces p = { 0 };

	(void)state;
	pieces_put(&p, 0, text, room);
	put(&p, room, "ab");
	at(&p, room, 2, NULL, 2);
	put(&p, room, "a");
	at(&p, room, 2, "a", 1);
	pieces_put(&p, room + 1, text, UINT32_MAX);
	pieces_clear(&p);
	assert_null(p.last);
	free(text);
}

/* A client chooses how small they are: memory and time are bounded by what each of them takes. */
static void pieces_of_one_byte_are_few(void **state)
{
	struct pieces p = { 0 };
	uint32_t kept = 0;

	(void)state;
	for (uint32_t i = 0; i < PIECES_BYTES; i++) {
		uint32_t before = p.bytes;

		put(&p, i, "x");
		kept += p.bytes > before;
	}
	assert_int_equal(kept, PIECES_BYTES / pieces_cost(1));
	at(&p, kept - 1, 1, "x", 1);
	at(&p, kept, 1, NULL, 1);
	pieces_clear(&p);
}

static void what_comes_after_all_or_between_them_finds_its_place(void **state)
{
	struct pieces p = { 0 };

	(void)state;
	put(&p, 10, "k");
	put(&p, 14, "o");
	put(&p, 12, "m");
	put(&p, 16, "q");
	at(&p, 10, 100, "k", 1);
	at(&p, 11, 100, NULL, 1);
	at(&p, 12, 100, "m", 1);
	at(&p, 14, 100, "o", 1);
	pieces_drop(&p, 17);
	assert_null(p.first);
	put(&p, 20, "u"); /* as the first one */
	at(&p, 20, 100, "u", 1);
	pieces_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_found_by_position_and_gaps_are_told),
		cmocka_unit_test(what_was_sent_again_does_no_harm),
		cmocka_unit_test(positions_wrap),
		cmocka_unit_test(what_finds_no_room_is_a_gap),
		cmocka_unit_test(pieces_of_one_byte_are_few),
		cmocka_unit_test(what_comes_after_all_or_between_them_finds_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
