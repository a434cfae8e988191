#include "rs_test.h"
#include "status.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static uint16_t status_of(const uint8_t *block, size_t n)
{
	struct status s;

	status_init(&s);
	status_read(&s, block, n);
	return status_end(&s).status;
}

static void the_static_ones_are_known(void **state)
{
	static const uint16_t all[] = { 200, 204, 206, 304, 400, 404, 500 };

	(void)state;
	for (uint8_t i = 0; i < 7; i++) {
		const uint8_t block[] = { (uint8_t)(0x88 + i) };

		assert_int_equal(status_of(block, 1), all[i]);
	}
	assert_int_equal(status_of(BYTES("\x82")), 0); /* :method */
}

static void literals_are_known_in_every_form(void **state)
{
	(void)state;
	assert_int_equal(status_of(BYTES("\x08\x03"
					 "503")),
			 503); /* not inserted, plain */
	assert_int_equal(status_of(BYTES("\x18\x03"
					 "302")),
			 302);                                       /* never inserted */
	assert_int_equal(status_of(BYTES("\x48\x82\x64\x02")), 302); /* RFC 7541 C.6.1 */
	assert_int_equal(status_of(BYTES("\x3f\xe1\x1f\x48\x83\x64\x0e\xff")), 307); /* C.6.2 */
	assert_int_equal(status_of(BYTES("\x20\x48\x03"
					 "418")),
			 418); /* behind a new size of the table */
	assert_int_equal(status_of(BYTES("\x00\x07:status\x03"
					 "200")),
			 200); /* its name spelled out */
	assert_int_equal(status_of(BYTES("\x00\x85\xb8\x84\x8d\x36\xa3\x03"
					 "503")),
			 503);
	assert_int_equal(status_of(BYTES("\x00\x07:statux\x03"
					 "200")),
			 0);
}

static void what_is_none_is_not_guessed(void **state)
{
	(void)state;
	assert_int_equal(status_of(BYTES("\x48\x03"
					 "2x0")),
			 0);
	assert_int_equal(status_of(BYTES("\x48\x04"
					 "2000")),
			 0);
	assert_int_equal(status_of(BYTES("\x48\x82\xff\xff")), 0);
	assert_int_equal(status_of(BYTES("\xbe")), 0); /* the last insertion, and there was none */
	assert_int_equal(status_of(BYTES("\xff\xff\xff\xff\xff\xff\x88")),
			 0); /* an endless index */
	assert_int_equal(status_of(BYTES("\x48")), 0);
}

static void a_field_that_a_block_cuts_ends_the_knowledge(void **state)
{
	struct status s;

	(void)state;
	status_init(&s);
	status_read(&s, BYTES("\x88\x48"));
	assert_int_equal(status_end(&s).status, 200);
	status_read(&s, BYTES("\x88"));
	assert_int_equal(status_end(&s).status, 0);
}

static bool grpc_fails(struct status *s, const uint8_t *block, size_t n)
{
	status_read(s, block, n);
	return status_end(s).grpc_failed;
}

static void grpc_status_is_known_in_every_form(void **state)
{
	struct status s;

	(void)state;
	status_init(&s);
	assert_false(grpc_fails(&s, BYTES("\x40\x0bgrpc-status\x01"
					  "0")));
	assert_false(grpc_fails(&s, BYTES("\xbe")));
	assert_true(grpc_fails(&s, BYTES("\x7e\x02"
					 "13"))); /* its name by the table */
	assert_true(grpc_fails(&s, BYTES("\xbe")));
	assert_false(grpc_fails(&s, BYTES("\xbf")));
	assert_true(grpc_fails(&s, BYTES("\x10\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x01"
					 "5")));
	assert_false(grpc_fails(&s, BYTES("\x10\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x81\x07")));
	assert_true(grpc_fails(&s, BYTES("\x10\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x81\x0f")));
	assert_false(grpc_fails(&s, BYTES("\x10\x0bgrpc-statut\x01"
					  "5")));
	assert_false(grpc_fails(&s, BYTES("\x88"))); /* of a block, not of the connection */
}

static uint32_t seed = 1;

static uint32_t any(uint32_t below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

#define FIELD(field, text, content)                                                                \
	field = (nghttp2_nv)                                                                       \
	{                                                                                          \
		.name = (uint8_t *)(uintptr_t)(text), .namelen = strlen(text),                     \
		.value = (uint8_t *)(content), .valuelen = strlen(content)                         \
	}

/* As a server would write it; every so often another size of the table. */
static size_t deflated(nghttp2_hd_deflater *deflater, uint16_t status, uint8_t *block, size_t room,
		       bool *failed)
{
	char code[8], date[32], length[16];
	nghttp2_nv fields[4];
	uint32_t count;
	ssize_t n;

	snprintf(code, sizeof(code), "%u", (unsigned int)status);
	snprintf(date, sizeof(date), "%u", (unsigned int)any(5));
	snprintf(length, sizeof(length), "%u", (unsigned int)any(100000));
	FIELD(fields[0], ":status", code);
	FIELD(fields[1], "grpc-status", date);
	FIELD(fields[2], "content-length", length);
	FIELD(fields[3], "x-some", length);
	if (!any(20))
		nghttp2_hd_deflate_change_table_size(deflater, any(4097));
	count = 1 + any(4);
	*failed = count > 1 && date[0] != '0';
	n = nghttp2_hd_deflate_hd(deflater, block, room, fields, count);
	assert_true(n > 0);
	return (size_t)n;
}

static void a_server_that_indexes_is_followed_at_any_cut(void **state)
{
	static const uint16_t all[] = { 200, 404, 503, 302, 201, 418, 429, 502, 304, 500, 301 };
	nghttp2_hd_deflater *deflater;
	struct status s;

	(void)state;
	assert_int_equal(nghttp2_hd_deflate_new(&deflater, 4096), 0);
	status_init(&s);
	for (int i = 0; i < 20000; i++) {
		uint16_t status = all[any(sizeof(all) / sizeof(all[0]))];
		uint8_t block[512];
		struct status_said said;
		bool failed;
		size_t n = deflated(deflater, status, block, sizeof(block), &failed);

		for (size_t at = 0; at < n;) {
			size_t part = 1 + any(8);

			part = part < n - at ? part : n - at;
			status_read(&s, block + at, part);
			at += part;
		}
		said = status_end(&s);
		assert_int_equal(said.status, status);
		assert_int_equal(said.grpc_failed, failed);
	}
	nghttp2_hd_deflate_del(deflater);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_static_ones_are_known),
		cmocka_unit_test(literals_are_known_in_every_form),
		cmocka_unit_test(what_is_none_is_not_guessed),
		cmocka_unit_test(grpc_status_is_known_in_every_form),
		cmocka_unit_test(a_field_that_a_block_cuts_ends_the_knowledge),
		cmocka_unit_test(a_server_that_indexes_is_followed_at_any_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
