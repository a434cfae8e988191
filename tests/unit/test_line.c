#include "line.h"
#include "rs_test.h"

#include <stdlib.h>

/* Among others that all look like them but for one bit. */
static void find_among(uint8_t other, size_t n)
{
	uint8_t *bytes = malloc(n + !n);

	assert_non_null(bytes);
	memset(bytes, other, n + !n);
	assert_ptr_equal(line_find(bytes, bytes + n, 'a', 'b'), bytes + n);
	for (size_t at = 0; at < n; at++) {
		bytes[at] = at % 2 ? 'a' : 'b';
		assert_ptr_equal(line_find(bytes, bytes + n, 'a', 'b'), bytes + at);
		bytes[at] = other;
	}
	free(bytes);
}

static void the_first_of_two_bytes_is_found_everywhere(void **state)
{
	(void)state;
	for (size_t n = 0; n < 70; n++) {
		find_among('x', n);
		find_among('a' ^ 1, n);
		find_among('b' ^ 1, n);
		find_among('a' ^ 0x80, n);
	}
}

/* Beginning, end and length are those of the whole line, whatever the pieces. */
static void a_line_in_pieces_reads_like_a_whole_one(void **state)
{
	uint8_t text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)('a' + i % 26);
	for (size_t n = 2; n < sizeof(text); n += 7) {
		text[n - 1] = '\n';
		for (size_t cut = 1; cut < n; cut += 5) {
			struct http1 p;
			struct line line = { 0 };
			const uint8_t *at = text;

			http1_init(&p);
			assert_false(line_next(&p, &at, text + cut, &line));
			assert_ptr_equal(at, text + cut);
			assert_true(line_next(&p, &at, text + n, &line));
			assert_ptr_equal(at, text + n);
			assert_int_equal(line.length, n - 1);
			assert_int_equal(line.kept, n - 1 < HTTP1_KEPT ? n - 1 : HTTP1_KEPT);
			assert_memory_equal(line.text, text, line.kept);
			for (size_t i = 1; i <= line.length && i < HTTP1_TAIL; i++)
				assert_int_equal(line.end[-(ptrdiff_t)i], text[n - 1 - i]);
		}
		text[n - 1] = (uint8_t)('a' + (n - 1) % 26);
	}
}

static void a_carriage_return_is_no_part_of_a_line(void **state)
{
	const uint8_t text[] = "ab\r\n\r\n\n";
	const uint8_t *at = text;
	const uint8_t *end = text + sizeof(text) - 1;
	struct http1 p;
	struct line line = { 0 };

	(void)state;
	http1_init(&p);
	assert_true(line_next(&p, &at, end, &line));
	assert_int_equal(line.length, 2);
	assert_true(line_next(&p, &at, end, &line));
	assert_int_equal(line.length, 0);
	assert_true(line_next(&p, &at, end, &line));
	assert_int_equal(line.length, 0);
	assert_false(line_next(&p, &at, end, &line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_of_two_bytes_is_found_everywhere),
		cmocka_unit_test(a_line_in_pieces_reads_like_a_whole_one),
		cmocka_unit_test(a_carriage_return_is_no_part_of_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
