#include "arena.h"
#include "core.h"

#include <errno.h>
#include <string.h>

static void blocks_are_aligned_apart_and_known(void **state)
{
	char *a = arena_malloc(10);
	char *b = arena_memalign(256, 20);

	(void)state;
	assert_int_equal((uintptr_t)a % 16, 0);
	assert_int_equal((uintptr_t)b % 256, 0);
	assert_true(b >= a + 10);
	assert_true(arena_owns(a) && arena_owns(b));
	assert_false(arena_owns(&a));
	assert_int_equal(arena_usable(a), 10);
	assert_int_equal(arena_usable(NULL), 0);
}

static void a_resized_block_keeps_its_bytes(void **state)
{
	char *a = arena_malloc(4);
	char *b;

	(void)state;
	memcpy(a, "abc", 4);
	b = arena_realloc(a, 100);
	assert_string_equal(b, "abc");
	assert_ptr_not_equal(a, b);
	assert_string_equal(arena_realloc(b, 4), "abc");
	assert_non_null(arena_realloc(NULL, 8));
}

static void absurd_sizes_are_refused(void **state)
{
	void *block = state;

	errno = 0;
	assert_null(arena_malloc(SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	assert_null(arena_malloc(SIZE_MAX - 15));
	assert_null(arena_calloc(SIZE_MAX / 2, 3));
	assert_null(arena_reallocarray(NULL, SIZE_MAX / 2, 3));
	assert_int_equal(arena_posix_memalign(&block, 64, SIZE_MAX - 64), ENOMEM);
}

static void it_grows_once_and_then_says_no(void **state)
{
	size_t got = 0;
	char *block;

	(void)state;
	while ((block = arena_calloc(1, 1000))) {
		for (int i = 0; i < 1000; i++)
			assert_int_equal(block[i], 0);
		memset(block, 1, 1000);
		assert_true(arena_owns(block));
		got += 1000;
	}
	assert_in_range(got, 900000, 1100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_aligned_apart_and_known),
		cmocka_unit_test(a_resized_block_keeps_its_bytes),
		cmocka_unit_test(absurd_sizes_are_refused),
		cmocka_unit_test(it_grows_once_and_then_says_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
