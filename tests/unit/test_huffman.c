#include "huffman.h"
#include "rs_test.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#define AROUND 64u /* symbols of short codes: so many that the whole is packed */

/* The symbols of a string; -1: it is none. */
static int decode(const uint8_t *bytes, size_t n, uint8_t *out)
{
	struct huffman h = { 0 };
	int count = 0, symbol;

	for (size_t i = 0; i < n; i++) {
		huffman_put(&h, bytes[i]);
		while ((symbol = huffman_next(&h)) >= 0)
			out[count++] = (uint8_t)symbol;
		if (symbol == HUFFMAN_BAD)
			return -1;
	}
	return huffman_ends(&h) ? count : -1;
}

#define DECODE(text, out) decode((const uint8_t *)(text), sizeof(text) - 1, out)

static void each_symbol_is_what_nghttp2_packed(void **state)
{
	uint8_t value[AROUND + 1], block[256], out[256];
	nghttp2_nv field = { .name = (uint8_t *)(uintptr_t) "x",
			     .namelen = 1,
			     .value = value,
			     .valuelen = sizeof(value),
			     .flags = NGHTTP2_NV_FLAG_NO_INDEX };
	nghttp2_hd_deflater *deflater;

	(void)state;
	assert_int_equal(nghttp2_hd_deflate_new(&deflater, 4096), 0);
	for (uint32_t i = 0; i < 256; i++) {
		ssize_t n;

		memset(value, 'e', sizeof(value));
		value[AROUND / 2] = (uint8_t)i;
		n = nghttp2_hd_deflate_hd(deflater, block, sizeof(block), &field, 1);
		assert_true(n > 4);
		assert_int_equal(block[3], 0x80 | (n - 4)); /* packed */
		assert_int_equal(decode(block + 4, (size_t)n - 4, out), sizeof(value));
		assert_memory_equal(out, value, sizeof(value));
	}
	nghttp2_hd_deflate_del(deflater);
}

static void a_string_ends_with_less_than_a_byte_of_ones(void **state)
{
	uint8_t out[8] = { 0 };

	(void)state;
	assert_int_equal(DECODE("", out), 0);
	assert_int_equal(DECODE("\x1f", out), 1); /* a */
	assert_int_equal(DECODE("\x1e", out), -1);
	assert_int_equal(DECODE("\x1f\xff", out), -1);
	assert_int_equal(DECODE("\xff", out), -1);
	assert_int_equal(DECODE("\xf8", out), 1); /* & leaves nothing */
}

static void the_code_of_the_end_is_in_no_string(void **state)
{
	uint8_t out[8] = { 0 };

	(void)state;
	assert_int_equal(DECODE("\xff\xff\xff\xff", out), -1);
	assert_int_equal(DECODE("\xff\xff\xff\xf3", out), 1); /* 10, the first of as many bits */
	assert_int_equal(out[0], 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_symbol_is_what_nghttp2_packed),
		cmocka_unit_test(a_string_ends_with_less_than_a_byte_of_ones),
		cmocka_unit_test(the_code_of_the_end_is_in_no_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
