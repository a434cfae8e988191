#include "mask.h"
#include "rs_test.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#define MOST 4096u
#define FIELDS 8u
#define BLOCKS 20000u

static struct mask m;
static uint8_t masked[2 * MOST];
static size_t masked_bytes;
static bool tunnel; /* what the last block said */

static int setup(void **state)
{
	(void)state;
	mask_init(&m);
	masked_bytes = 0;
	return 0;
}

/* room: of each call. */
static void read_piece(const uint8_t *at, size_t n, size_t room)
{
	const uint8_t *end = at + n;

	do {
		size_t put = mask_read(&m, &at, end, masked + masked_bytes, room);

		assert_true(put <= room);
		masked_bytes += put;
		assert_true(masked_bytes < MOST);
	} while (at < end || mask_waits(&m));
}

static void read_block(const uint8_t *at, size_t n)
{
	masked_bytes = 0;
	read_piece(at, n, MOST);
	tunnel = mask_end(&m);
}

#define READ(text) read_block((const uint8_t *)(text), sizeof(text) - 1)
#define IS(text)                                                                                   \
	do {                                                                                       \
		assert_int_equal(masked_bytes, sizeof(text) - 1);                                  \
		assert_memory_equal(masked, text, sizeof(text) - 1);                               \
		assert_false(mask_is_bad(&m));                                                     \
	} while (0)

static void what_spells_nothing_out_stays(void **state)
{
	(void)state;
	READ("");
	IS("");
	READ("\x82\x86\x84\xbe\xff\x80\x01");
	IS("\x82\x86\x84\xbe\xff\x80\x01");
	READ("\x20\x3f\xe1\x1f\x82");
	IS("\x20\x3f\xe1\x1f\x82");
}

static void of_a_value_only_its_length_stays(void **state)
{
	(void)state;
	READ("\x0f\x11\6secret"); /* cookie, not inserted */
	IS("\x0f\x11\x84\x18\xc6\x31\x8f");
	READ("\x1f\x11\6secret"); /* never */
	IS("\x1f\x11\x84\x18\xc6\x31\x8f");
	READ("\x60\6secret"); /* inserted */
	IS("\x60\x84\x18\xc6\x31\x8f");
	READ("\x60\x84\x41\x49\x61\x53"); /* the same, packed */
	IS("\x60\x84\x18\xc6\x31\x8f");
	READ("\x60\x8secrets!");
	IS("\x60\x85\x18\xc6\x31\x8c\x63");
	READ("\x60\0");
	IS("\x60\x80");
}

static void a_name_is_masked_too(void **state)
{
	(void)state;
	READ("\x40\x3key\x5value");
	IS("\x40\x82\x18\xc7\x84\x18\xc6\x31\xff");
	READ("\0\0\0");
	IS("\0\x80\x80");
}

static void a_path_stays_up_to_its_query(void **state)
{
	(void)state;
	READ("\x44\4/a/b");
	IS("\x44\4/a/b");
	READ("\x05\x0d/a?key=secret");
	IS("\x05\x0d/a?aaaaaaaaaa");
	READ("\x04\x0b/a#fragment");
	IS("\x04\x0b/a#aaaaaaaa");
	READ("\x04\x83\x63\xfc\xf3"); /* /?x, packed */
	IS("\x04\3/?a");
}

static void of_a_long_path_its_beginning_stays(void **state)
{
	uint8_t block[204] = { 0x44, 0x7f, 73 };
	uint8_t *path = block + 3;

	(void)state;
	memset(path, 'x', 200);
	read_block(block, 203);
	assert_int_equal(masked_bytes, 203);
	assert_memory_equal(masked, block, 3 + RS_PATH_BYTES);
	for (size_t i = 3 + RS_PATH_BYTES; i < 203; i++)
		assert_int_equal(masked[i], MASK_FILLER);
}

static void our_own_words_stay(void **state)
{
	(void)state;
	READ("\x42\7OPTIONS");
	IS("\x42\7OPTIONS");
	READ("\x42\6SECRET");
	IS("\x42\x84\x18\xc6\x31\x8f");
	READ("\x0f\x10\x10"
	     "application/grpc");
	IS("\x0f\x10\x10"
	   "application/grpc");
	READ("\x0f\x10\x12"
	     "application/grpc+x");
	IS("\x0f\x10\x12"
	   "application/grpcaa");
	READ("\x0f\x10\6a/json");
	IS("\x0f\x10\x84\x18\xc6\x31\x8f");
}

/* As gRPC's core does. */
static void names_that_are_spelled_out_are_known(void **state)
{
	(void)state;
	READ("\x40\5:path\6/a?b=c");
	IS("\x40\5:path\6/a?aaa");
	READ("\0\x84\xb9\x58\xd3\x3f\2/b"); /* packed */
	IS("\0\5:path\2/b");
	READ("\0\7:method\3PUT");
	IS("\0\7:method\3PUT");
	READ("\0\6:paths\2/b");
	IS("\0\x84\x18\xc6\x31\x8f\x82\x18\xff");
}

static void names_of_the_dynamic_table_are_known(void **state)
{
	(void)state;
	READ("\x44\2/a\x60\1x\x40\7:method\3PUT");
	READ("\x7e\4POST"); /* 62: what came last, and this goes ahead of it */
	IS("\x7e\4POST");
	READ("\x0f\x32\2/a"); /* 65 */
	IS("\x0f\x32\2/a");
	READ("\x0f\x31\2/a"); /* 64: a cookie */
	IS("\x0f\x31\x82\x18\xff");
}

static void beyond_what_is_known_nothing_of_a_value_stays(void **state)
{
	(void)state;
	READ("\x44\2/a");
	for (uint32_t i = 1; i < MASK_KNOWN; i++)
		READ("\x60\1x");
	READ("\x0f\x6e\2/a"); /* 125, the last that is known */
	IS("\x0f\x6e\2/a");
	READ("\x44\1/\x0f\x6f\2/a");
	IS("\x44\1/\x0f\x6f\x82\x18\xff");
}

static void who_asks_for_a_tunnel_is_known(void **state)
{
	(void)state;
	READ("\x02\7CONNECT\x44\2/a");
	assert_true(tunnel);
	READ("\x82\x84");
	assert_false(tunnel);
	READ("\x02\7CONNEXT");
	assert_false(tunnel);
	READ("\x60\7CONNECT");
	assert_false(tunnel);
	mask_init(&m);
	READ("\x42\7CONNECT\x44\2/a");
	assert_true(tunnel);
	READ("\xbe");
	assert_false(tunnel);
	READ("\xbf"); /* as it was inserted */
	assert_true(tunnel);
	READ("\x7f\0\3GET\xbe"); /* 63 lends its name alone */
	assert_false(tunnel);
}

#define BAD(text)                                                                                  \
	do {                                                                                       \
		mask_init(&m);                                                                     \
		READ(text);                                                                        \
		assert_true(mask_is_bad(&m));                                                      \
		READ("\x04\2/a");                                                                  \
		assert_int_equal(masked_bytes, 0);                                                 \
	} while (0)

static void behind_what_makes_no_sense_nothing_comes(void **state)
{
	(void)state;
	BAD("\x04");
	BAD("\x04\3/a");
	BAD("\x40\1x");
	BAD("\x40");
	BAD("\xff");
	BAD("\xff\xff\xff\xff\xff\xff\xff\x01");
	BAD("\x04\x7f\xff\xff\xff\xff\x0f");
	BAD("\x04\x81\x1e");             /* padding */
	BAD("\x60\x84\xff\xff\xff\xff"); /* the end's own code */
}

static void no_string_is_longer_than_nghttp2_reads(void **state)
{
	(void)state;
	read_piece((const uint8_t *)"\x04\x7f\x81\xff\x03", 5, MOST); /* 65,536 */
	assert_false(mask_is_bad(&m));
	mask_init(&m);
	read_piece((const uint8_t *)"\x04\x7f\x82\xff\x03", 5, MOST);
	assert_true(mask_is_bad(&m));
}

static void cut_anywhere_it_is_the_same(void **state)
{
	static const uint8_t block[] = "\x82\x86\x40\5:path\x10/path?key=secret\x40\x84\xb9\x58\xd3"
				       "\x3f\x83\x63\xfc\xf3\x60\x84\x41\x49\x61\x53\x0f\x10\x7f\3"
				       "0123456789012345678901234567890123456789012345678901234567"
				       "8901234567890123456789012345678901234567890123456789012345"
				       "01234567890123\xbe\x3f\xe1\x1f";
	const size_t n = sizeof(block) - 1;
	uint8_t whole[MOST];
	size_t whole_bytes;

	(void)state;
	read_block(block, n);
	assert_false(mask_is_bad(&m));
	memcpy(whole, masked, masked_bytes);
	whole_bytes = masked_bytes;
	for (size_t cut = 0; cut <= n; cut++) {
		for (size_t room = 1; room < 20; room++) {
			mask_init(&m);
			masked_bytes = 0;
			read_piece(block, cut, room);
			read_piece(block + cut, n - cut, room);
			mask_end(&m);
			assert_int_equal(masked_bytes, whole_bytes);
			assert_memory_equal(masked, whole, whole_bytes);
		}
	}
}

static uint32_t seed = 7;

static uint32_t any(uint32_t below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

/* A connection: what is packed, masked, and read from both. */
static struct {
	nghttp2_hd_deflater *deflater;
	nghttp2_hd_inflater *plain, *other;
	nghttp2_nv fields[FIELDS];
	uint8_t values[FIELDS][512];
	uint32_t paths, told;
} talk;

static void name(nghttp2_nv *field)
{
	static const char *const names[] = { ":path",    ":method", "content-type",  "cookie",
					     "x-secret", ":path",   "authorization", "x" };

	field->name = (uint8_t *)(uintptr_t)names[any(8)];
	field->namelen = strlen((const char *)field->name);
	field->flags = any(3) ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX;
}

/* Some come again; bytes of all kinds, so that codes of all lengths do. */
static void value(nghttp2_nv *field, uint8_t *bytes)
{
	static const char *const known[] = {
		"/path/secret?secret", "GET", "application/grpc+x", "", "/", "CONNECT"
	};
	size_t n = any(10) ? any(40) : any(512);

	if (any(3)) {
		field->value = (uint8_t *)(uintptr_t)known[any(6)];
		field->valuelen = strlen((const char *)field->value);
		return;
	}
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(any(8) ? 'a' + any(26) : any(256));
	field->value = bytes;
	field->valuelen = n;
}

static size_t pack(uint8_t *block)
{
	size_t fields = any(FIELDS + 1);
	ssize_t n;

	for (size_t i = 0; i < fields; i++) {
		name(&talk.fields[i]);
		value(&talk.fields[i], talk.values[i]);
	}
	if (!any(200))
		nghttp2_hd_deflate_change_table_size(talk.deflater, any(4097));
	n = nghttp2_hd_deflate_hd(talk.deflater, block, MOST, talk.fields, fields);
	assert_true(n >= 0);
	return (size_t)n;
}

/* The next field; false: there is none. */
static bool next(nghttp2_hd_inflater *from, const uint8_t **at, const uint8_t *end,
		 nghttp2_nv *field)
{
	int flags = 0;

	do {
		ssize_t n =
			nghttp2_hd_inflate_hd2(from, field, &flags, *at, (size_t)(end - *at), 1);

		assert_true(n >= 0);
		*at += n;
	} while (!(flags & (NGHTTP2_HD_INFLATE_EMIT | NGHTTP2_HD_INFLATE_FINAL)));
	if (flags & NGHTTP2_HD_INFLATE_FINAL)
		nghttp2_hd_inflate_end_headers(from);
	return flags & NGHTTP2_HD_INFLATE_EMIT;
}

static bool is_name(const nghttp2_nv *field, const char *text)
{
	return field->namelen == strlen(text) && !memcmp(field->name, text, field->namelen);
}

static size_t path_kept(const nghttp2_nv *field)
{
	size_t n = 0;

	while (n < field->valuelen && n < RS_PATH_BYTES) {
		uint8_t c = field->value[n++];

		if (c == '?' || c == '#')
			break;
	}
	return n;
}

/* How much of a value may be there. */
static size_t kept(const nghttp2_nv *field)
{
	const bool grpc = field->valuelen >= 16 && !memcmp(field->value, "application/grpc", 16);
	const bool method = (field->valuelen == 3 && !memcmp(field->value, "GET", 3)) ||
			    (field->valuelen == 7 && !memcmp(field->value, "CONNECT", 7));

	if (is_name(field, ":path"))
		return path_kept(field);
	if (is_name(field, ":method"))
		return method ? field->valuelen : 0;
	return is_name(field, "content-type") && grpc ? 16 : 0;
}

static void is_filler(const uint8_t *at, size_t n)
{
	while (n--)
		assert_int_equal(*at++, MASK_FILLER);
}

static void is_masked(const nghttp2_nv *from, const nghttp2_nv *to)
{
	size_t n = kept(from);

	assert_int_equal(to->namelen, from->namelen);
	assert_int_equal(to->valuelen, from->valuelen);
	if (from->name[0] == 'x') /* no static table has it */
		is_filler(to->name, to->namelen);
	else
		assert_memory_equal(to->name, from->name, from->namelen);
	assert_memory_equal(to->value, from->value, n);
	is_filler(to->value + n, to->valuelen - n);
	talk.paths += is_name(from, ":path");
	talk.told += n != 0;
}

static void both_say_the_same(const uint8_t *block, size_t n)
{
	const uint8_t *from = block, *to = masked;
	nghttp2_nv a, b;

	while (next(talk.plain, &from, block + n, &a)) {
		assert_true(next(talk.other, &to, masked + masked_bytes, &b));
		is_masked(&a, &b);
	}
	assert_false(next(talk.other, &to, masked + masked_bytes, &b));
	assert_int_equal(nghttp2_hd_inflate_get_dynamic_table_size(talk.plain),
			 nghttp2_hd_inflate_get_dynamic_table_size(talk.other));
	assert_int_equal(nghttp2_hd_inflate_get_num_table_entries(talk.plain),
			 nghttp2_hd_inflate_get_num_table_entries(talk.other));
}

static void a_table_that_is_filled_by_it_stays_in_step(void **state)
{
	uint8_t block[MOST];

	(void)state;
	assert_int_equal(nghttp2_hd_deflate_new(&talk.deflater, 4096), 0);
	assert_int_equal(nghttp2_hd_inflate_new(&talk.plain), 0);
	assert_int_equal(nghttp2_hd_inflate_new(&talk.other), 0);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		size_t n = pack(block), cut = any((uint32_t)n + 1);

		masked_bytes = 0;
		read_piece(block, cut, 1 + any(100));
		read_piece(block + cut, n - cut, 1 + any(100));
		mask_end(&m);
		assert_false(mask_is_bad(&m));
		both_say_the_same(block, n);
	}
	assert_true(talk.paths > BLOCKS / 4 && talk.told > BLOCKS / 4);
	nghttp2_hd_deflate_del(talk.deflater);
	nghttp2_hd_inflate_del(talk.plain);
	nghttp2_hd_inflate_del(talk.other);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(what_spells_nothing_out_stays),
		TEST(of_a_value_only_its_length_stays),
		TEST(a_name_is_masked_too),
		TEST(a_path_stays_up_to_its_query),
		TEST(of_a_long_path_its_beginning_stays),
		TEST(our_own_words_stay),
		TEST(names_that_are_spelled_out_are_known),
		TEST(names_of_the_dynamic_table_are_known),
		TEST(beyond_what_is_known_nothing_of_a_value_stays),
		TEST(who_asks_for_a_tunnel_is_known),
		TEST(behind_what_makes_no_sense_nothing_comes),
		TEST(no_string_is_longer_than_nghttp2_reads),
		TEST(cut_anywhere_it_is_the_same),
		TEST(a_table_that_is_filled_by_it_stays_in_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
