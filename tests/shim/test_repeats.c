#include "repeats.h"
#include "rs_test.h"

#include <string.h>

static struct repeats r;

static int setup(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	return 0;
}

#define FIND(text) repeats_find(&r, (const uint8_t *)(text), sizeof(text) - 1)

static uint32_t keep(uint32_t number, const void *bytes, size_t n)
{
	uint8_t place = repeats_place(&r, n, number);

	return place ? repeats_keep(&r, place, number, bytes, n) : 0;
}

#define KEEP(number, text) keep(number, text, sizeof(text) - 1)

static void the_same_bytes_have_the_same_number(void **state)
{
	uint32_t word = KEEP(7, "\x82\x84");

	(void)state;
	assert_int_equal(repeats_block_of(word), 8);
	assert_int_equal(FIND("\x82\x84"), word);
	assert_int_equal(FIND("\x82\x85"), 0);
	assert_int_equal(FIND("\x82"), 0);
	assert_int_equal(FIND("\x82\x84\x84"), 0);
	assert_int_equal(FIND(""), 0);
}

static void a_hash_alone_is_not_believed(void **state)
{
	uint32_t word = KEEP(7, "\x82\x84");

	(void)state;
	r.blocks[word % RS_PLACES].bytes[1] = 0x85;
	assert_int_equal(FIND("\x82\x84"), 0);
}

static void what_is_forgotten_is_not_found_and_may_be_kept_again(void **state)
{
	uint32_t word = KEEP(7, "\x82\xbe");

	(void)state;
	repeats_forget(&r);
	assert_int_equal(FIND("\x82\xbe"), 0);
	assert_int_not_equal(KEEP(9, "\x82\xbe"), word);
	assert_int_equal(repeats_block_of(FIND("\x82\xbe")), 10);
}

/* Its request may end long after, and the agent is to have the block still. */
static void what_is_referred_to_keeps_its_place(void **state)
{
	uint32_t first = KEEP(0, "\x82\x84");

	(void)state;
	repeats_forget(&r);
	for (uint8_t i = 1; i < 200; i++) {
		uint32_t word = keep(i, &i, 1);

		assert_int_not_equal(word, 0);
		assert_int_not_equal(word % RS_PLACES, first % RS_PLACES);
		repeats_release(&r, word);
	}
	repeats_release(&r, first);
	for (uint8_t i = 0; i < RS_PLACES; i++)
		repeats_release(&r, keep(200u + i, &i, 1));
	assert_int_not_equal(r.blocks[first % RS_PLACES].number, 1);
}

static void where_all_are_referred_to_there_is_no_place(void **state)
{
	uint32_t words[RS_PLACES];

	(void)state;
	for (uint8_t i = 0; i < RS_PLACES; i++)
		words[i] = keep(i, &i, 1);
	assert_int_equal(repeats_place(&r, 1, 99), 0);
	repeats_release(&r, words[5]);
	assert_int_equal(repeats_place(&r, 1, 99), words[5] % RS_PLACES + 1);
	repeats_release(&r, 0); /* of a request without one */
}

static void what_is_used_outlives_what_is_not(void **state)
{
	(void)state;
	repeats_release(&r, KEEP(0, "used"));
	for (uint8_t i = 1; i < 200; i++) {
		uint32_t word = FIND("used");

		assert_int_not_equal(word, 0);
		repeats_release(&r, word);
		repeats_release(&r, keep(i, &i, 1));
	}
}

static void long_blocks_and_late_numbers_are_not_kept(void **state)
{
	static const uint8_t bytes[REPEATS_BYTES + 1];

	(void)state;
	assert_int_not_equal(repeats_place(&r, REPEATS_BYTES, 0), 0);
	assert_int_equal(repeats_place(&r, REPEATS_BYTES + 1, 0), 0);
	assert_int_equal(repeats_find(&r, bytes, sizeof(bytes)), 0);
	assert_int_not_equal(repeats_place(&r, 1, RS_BLOCK_MOST - 1), 0);
	assert_int_equal(repeats_place(&r, 1, RS_BLOCK_MOST), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(the_same_bytes_have_the_same_number),
		TEST(a_hash_alone_is_not_believed),
		TEST(what_is_forgotten_is_not_found_and_may_be_kept_again),
		TEST(what_is_referred_to_keeps_its_place),
		TEST(where_all_are_referred_to_there_is_no_place),
		TEST(what_is_used_outlives_what_is_not),
		TEST(long_blocks_and_late_numbers_are_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
