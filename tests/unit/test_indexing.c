#include "indexing.h"
#include "rs_test.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#define CHANGES(text) indexing_changes((const uint8_t *)(text), sizeof(text) - 1)

static void what_only_refers_changes_nothing(void **state)
{
	(void)state;
	assert_false(CHANGES(""));
	assert_false(CHANGES("\x82\x86\xbe\xc1"));
	assert_false(CHANGES("\xff\x00\xff\x80\x01"));
}

static void literals_that_are_not_inserted_change_nothing(void **state)
{
	(void)state;
	assert_false(CHANGES("\x04\x02/a\x82"));
	assert_false(CHANGES("\x14\x02@@\x82")); /* never to be inserted */
	assert_false(CHANGES("\x00\x01@\x81@"));
	assert_false(CHANGES("\x0f\x2f\x00"));
}

static void insertions_and_sizes_change_it(void **state)
{
	(void)state;
	assert_true(CHANGES("\x44\x02/a"));
	assert_true(CHANGES("\x82\x40\x01x\x01y"));
	assert_true(CHANGES("\x20\x82"));
	assert_true(CHANGES("\x3f\xe1\x1f\x82"));
	assert_true(CHANGES("\x04\x02/a\x7e\x01x"));
}

static void what_makes_no_sense_is_no_promise(void **state)
{
	(void)state;
	assert_true(CHANGES("\x04"));
	assert_true(CHANGES("\x04\x03/a"));
	assert_true(CHANGES("\x00\x01x"));
	assert_true(CHANGES("\xff"));
	assert_true(CHANGES("\xff\xff\xff\xff\xff\xff\xff\x00"));
	assert_true(CHANGES("\x04\x7f\xff\xff\xff\xff\x0f"));
}

static uint32_t seed = 1;

static uint8_t any(uint32_t below)
{
	seed = seed * 1103515245u + 12345u;
	return (uint8_t)((seed >> 16) % below);
}

/* A reader that missed every block of which that was said understands the others all the same. */
static void a_reader_may_miss_what_changes_nothing(void **state)
{
	nghttp2_hd_deflater *deflater;
	nghttp2_hd_inflater *inflater;
	uint32_t missed = 0;

	(void)state;
	assert_int_equal(nghttp2_hd_deflate_new(&deflater, 4096), 0);
	assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
	for (int i = 0; i < 20000; i++) {
		uint8_t path[3] = { '/', (uint8_t)('a' + any(5)), (uint8_t)('a' + any(20)) };
		uint8_t block[256];
		nghttp2_nv field = { .name = (uint8_t *)(uintptr_t) ":path",
				     .value = path,
				     .namelen = 5,
				     .valuelen = any(10) ? 2 : 3,
				     .flags = any(2) ? NGHTTP2_NV_FLAG_NONE
						     : NGHTTP2_NV_FLAG_NO_INDEX };
		ssize_t n = nghttp2_hd_deflate_hd(deflater, block, sizeof(block), &field, 1);
		nghttp2_nv out;
		int flags = 0;

		assert_true(n > 0);
		if (!indexing_changes(block, (size_t)n) && any(2)) {
			missed++;
			continue;
		}
		assert_int_equal(
			nghttp2_hd_inflate_hd2(inflater, &out, &flags, block, (size_t)n, 1), n);
		assert_true(flags & NGHTTP2_HD_INFLATE_EMIT);
		assert_int_equal(out.valuelen, field.valuelen);
		assert_memory_equal(out.value, path, field.valuelen);
		nghttp2_hd_inflate_hd2(inflater, &out, &flags, block, 0, 1);
		nghttp2_hd_inflate_end_headers(inflater);
	}
	assert_true(missed > 1000);
	nghttp2_hd_deflate_del(deflater);
	nghttp2_hd_inflate_del(inflater);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_only_refers_changes_nothing),
		cmocka_unit_test(literals_that_are_not_inserted_change_nothing),
		cmocka_unit_test(insertions_and_sizes_change_it),
		cmocka_unit_test(what_makes_no_sense_is_no_promise),
		cmocka_unit_test(a_reader_may_miss_what_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
