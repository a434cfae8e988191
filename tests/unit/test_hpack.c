#include "hpack.h"
#include "rs_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char seen[4096];

static void see(void *ctx, const struct hpack_field *field)
{
	size_t at = strlen(seen);

	(void)ctx;
	snprintf(seen + at, sizeof(seen) - at, "%.*s=%.*s;", (int)field->name_bytes,
		 (const char *)field->name, (int)field->value_bytes, (const char *)field->value);
}

static int piece(struct hpack *h, const uint8_t *bytes, size_t n, bool last)
{
	return hpack_read(h, &(struct hpack_piece){ bytes, n, last }, see, NULL);
}

/* RFC 7541 C.4.1 and C.4.2: the second block needs what the first one left. */
static const uint8_t first[] = { 0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5,
				 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff };
static const uint8_t second[] = { 0x82, 0x86, 0x84, 0xbe, 0x58, 0x86,
				  0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf };

static void blocks_are_decoded_at_every_split(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= sizeof(first); cut++) {
		struct hpack *h;

		seen[0] = '\0';
		assert_int_equal(hpack_open(&h), 0);
		assert_int_equal(piece(h, first, cut, false), 0);
		assert_int_equal(piece(h, first + cut, sizeof(first) - cut, true), 0);
		assert_int_equal(piece(h, second, sizeof(second), true), 0);
		assert_string_equal(seen, ":method=GET;:scheme=http;:path=/;:authority=www.example."
					  "com;:method=GET;:scheme=http;:path=/;:authority=www."
					  "example.com;cache-control=no-cache;");
		hpack_close(h);
	}
}

static int read_once(const void *bytes, size_t n)
{
	struct hpack *h;
	int result;

	assert_int_equal(hpack_open(&h), 0);
	result = piece(h, bytes, n, true);
	hpack_close(h);
	return result;
}

static void what_makes_no_sense_is_ebadmsg(void **state)
{
	(void)state;
	assert_int_equal(read_once("\x80", 1), -EBADMSG);              /* index 0 */
	assert_int_equal(read_once(second, sizeof(second)), -EBADMSG); /* nothing was inserted */
	assert_int_equal(read_once("\x41\x8c\xf1", 3), -EBADMSG);      /* cut */
	assert_int_equal(read_once("\x41\x81\x00", 3), -EBADMSG);      /* Huffman without its end */
	assert_int_equal(read_once("\xff\xff\xff\xff\xff\xff\xff", 7), -EBADMSG);
}

static void a_table_beyond_the_bound_is_refused(void **state)
{
	(void)state;
	assert_int_equal(read_once("\x3f\xe1\xff\x03\x82", 5), 0);        /* 65,536 */
	assert_int_equal(read_once("\x3f\xe2\xff\x03\x82", 5), -EBADMSG); /* one more */
}

static void none_is_closed_too(void **state)
{
	(void)state;
	hpack_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_decoded_at_every_split),
		cmocka_unit_test(what_makes_no_sense_is_ebadmsg),
		cmocka_unit_test(a_table_beyond_the_bound_is_refused),
		cmocka_unit_test(none_is_closed_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
