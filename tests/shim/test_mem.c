#include "core.h"
#include "mem.h"

#define BYTES 300

/* Through volatile pointers: the compiler must call what is linked. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static void *(*volatile set)(void *, int, size_t) = memset;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;

static void every_length_and_offset_is_copied_exactly(void **state)
{
	uint8_t from[BYTES], to[BYTES];

	(void)state;
	for (size_t i = 0; i < BYTES; i++)
		from[i] = (uint8_t)(i * 7 + 1);
	for (size_t n = 0; n < 150; n++) {
		for (size_t at = 0; at < 9; at++) {
			set(to, 0, BYTES);
			assert_ptr_equal(copy(to + at, from + 9 - at, n), to + at);
			for (size_t i = 0; i < BYTES; i++)
				assert_int_equal(to[i],
						 i >= at && i < at + n ? from[9 - at + i - at] : 0);
		}
	}
}

static void overlapping_moves_keep_the_source(void **state)
{
	(void)state;
	for (size_t n = 0; n < 100; n++) {
		for (size_t by = 0; by < 20; by++) {
			uint8_t up[BYTES], down[BYTES];

			for (size_t i = 0; i < BYTES; i++)
				up[i] = down[i] = (uint8_t)i;
			move(up + 50 + by, up + 50, n);
			move(down + 50 - by, down + 50, n);
			for (size_t i = 0; i < n; i++) {
				assert_int_equal(up[50 + by + i], 50 + i);
				assert_int_equal(down[50 - by + i], 50 + i);
			}
		}
	}
}

static void the_first_difference_decides(void **state)
{
	uint8_t a[64], b[64];

	(void)state;
	for (size_t at = 0; at < 64; at++) {
		set(a, 0x7f, 64);
		set(b, 0x7f, 64);
		assert_int_equal(compare(a, b, 64), 0);
		a[at] = 0xff;
		b[at] = 1;
		assert_true(compare(a, b, 64) > 0);
		assert_true(compare(b, a, 64) < 0);
		assert_int_equal(compare(a, b, at), 0);
		for (size_t n = at + 1; n < 64; n++)
			assert_true(compare(a, b, n) > 0 && compare(b, a, n) < 0);
	}
}

static void text_always_ends(void **state)
{
	char to[4] = "xyz";

	(void)state;
	assert_int_equal(mem_copy_text(to, sizeof(to), "abcdef"), 3);
	assert_string_equal(to, "abc");
	assert_int_equal(mem_copy_text(to, sizeof(to), ""), 0);
	assert_string_equal(to, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_and_offset_is_copied_exactly),
		cmocka_unit_test(overlapping_moves_keep_the_source),
		cmocka_unit_test(the_first_difference_decides),
		cmocka_unit_test(text_always_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
