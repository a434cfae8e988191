#include "hello.h"
#include "rs_test.h"

#include <string.h>

/* A record's head, a message's head, a version; the random follows. */
static const uint8_t head[HELLO_RANDOM_AT] = { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 };

static void make(uint8_t *hello)
{
	memcpy(hello, head, sizeof(head));
	for (uint8_t i = 0; i < 64; i++)
		hello[HELLO_RANDOM_AT + i] = (uint8_t)(100 + i);
}

static void the_random_is_found_wherever_the_hello_is_cut(void **state)
{
	uint8_t bytes[HELLO_RANDOM_AT + 64];

	(void)state;
	make(bytes);
	for (size_t a = 0; a <= sizeof(bytes); a++) {
		for (size_t b = a; b <= sizeof(bytes); b++) {
			struct hello h = { 0 };

			hello_read(&h, bytes, a);
			assert_true(hello_is_heard(&h) == (a > 0));
			assert_true(hello_is_whole(&h) == (a >= HELLO_BYTES));
			hello_read(&h, bytes + a, b - a);
			hello_read(&h, bytes + b, sizeof(bytes) - b);
			assert_true(hello_is_whole(&h) && !hello_is_open(&h));
			assert_memory_equal(h.random, bytes + HELLO_RANDOM_AT, HELLO_RANDOM);
		}
	}
}

static void what_does_not_fit_is_no_hello_from_there_on(void **state)
{
	static const struct {
		uint8_t at;
		uint8_t byte;
	} wrong[] = { { 0, 'G' }, { 0, 0x17 }, { 1, 2 }, { 2, 5 },
		      { 5, 2 },   { 6, 1 },    { 9, 1 }, { 10, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint8_t bytes[HELLO_RANDOM_AT + 64];
		struct hello h = { 0 };

		make(bytes);
		bytes[wrong[i].at] = wrong[i].byte;
		hello_read(&h, bytes, sizeof(bytes));
		assert_int_equal(h.got, HELLO_NONE);
		assert_false(hello_is_open(&h) || hello_is_heard(&h) || hello_is_whole(&h));
		assert_false(hello_begins(bytes, sizeof(bytes)));
		make(bytes);
		hello_read(&h, bytes, sizeof(bytes));
		assert_int_equal(h.got, HELLO_NONE);
	}
}

static void a_beginning_is_known_from_the_version_on(void **state)
{
	uint8_t bytes[HELLO_RANDOM_AT + 64];

	(void)state;
	make(bytes);
	assert_false(hello_begins(bytes, 2));
	for (size_t n = 3; n <= sizeof(bytes); n++)
		assert_true(hello_begins(bytes, n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_random_is_found_wherever_the_hello_is_cut),
		cmocka_unit_test(what_does_not_fit_is_no_hello_from_there_on),
		cmocka_unit_test(a_beginning_is_known_from_the_version_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
