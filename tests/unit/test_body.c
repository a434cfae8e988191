#include "body.h"

#include "rs_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static struct body *body_of(char fill, size_t length)
{
	char *bytes = malloc(length ? length : 1);
	struct body *b = NULL;

	assert_non_null(bytes);
	memset(bytes, fill, length);
	assert_int_equal(body_open(&b, bytes, length), 0);
	return b;
}

static void what_was_compressed_comes_back_the_same(void **state)
{
	struct body *b = body_of('a', 100000);
	static char out[100001];
	z_stream z = { 0 };

	(void)state;
	for (size_t i = 0; i < b->length; i++)
		b->bytes[i] = (char)(i * i >> 8);
	assert_int_equal(body_compress(b), 0);
	assert_true(b->gzip_length > 18);
	assert_memory_equal(b->gzip, "\x1f\x8b\x08", 3);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)b->gzip;
	z.avail_in = (uInt)b->gzip_length;
	z.next_out = (Bytef *)out;
	z.avail_out = sizeof(out);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, b->length);
	assert_memory_equal(out, b->bytes, b->length);
	inflateEnd(&z);
	body_put(b);
}

static void it_is_compressed_once(void **state)
{
	struct body *b = body_of('a', 5000);
	const char *first;

	(void)state;
	assert_int_equal(body_compress(b), 0);
	first = b->gzip;
	assert_int_equal(body_compress(b), 0);
	assert_ptr_equal(b->gzip, first);
	assert_true(b->gzip_length < 100);
	body_put(b);
}

static void what_is_short_is_not_compressed(void **state)
{
	struct body *b = body_of('a', BODY_GZIP_FROM - 1), *c = body_of('a', BODY_GZIP_FROM);

	(void)state;
	assert_int_equal(body_compress(b), -ERANGE);
	assert_null(b->gzip);
	assert_int_equal(body_compress(c), 0);
	body_put(b);
	body_put(c);
}

static void the_entity_tag_is_of_what_it_holds(void **state)
{
	struct body *a = body_of('a', 10), *b = body_of('b', 10), *c = body_of('a', 10);
	struct body *none = body_of('a', 0);

	(void)state;
	assert_string_equal(a->etag, c->etag);
	assert_string_not_equal(a->etag, b->etag);
	assert_string_equal(none->etag, "\"cbf29ce484222325\"");
	assert_int_equal(strlen(a->etag), 18);
	body_put(a);
	body_put(b);
	body_put(c);
	body_put(none);
}

static void the_last_reference_frees_it(void **state)
{
	struct body *b = body_of('a', 2000);

	(void)state;
	assert_ptr_equal(body_get(b), b);
	body_put(b);
	assert_int_equal(b->references, 1);
	body_put(b); /* the sanitizer tells what is left, or freed twice */
	body_put(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_compressed_comes_back_the_same),
		cmocka_unit_test(it_is_compressed_once),
		cmocka_unit_test(what_is_short_is_not_compressed),
		cmocka_unit_test(the_entity_tag_is_of_what_it_holds),
		cmocka_unit_test(the_last_reference_frees_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
