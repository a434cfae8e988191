#include "foreign.h"
#include "rs_test.h"

#include <ringside/abi.h>

/* What http1_request makes of the first bytes of a connection. */
static struct http1 cut(const char *bytes, size_t n)
{
	const uint8_t *at = (const uint8_t *)bytes;
	struct http1 p;

	http1_init(&p);
	while (http1_request(&p, &at, (const uint8_t *)bytes + n) != HTTP1_MORE)
		;
	return p;
}

#define CUT(text) cut(text, sizeof(text) - 1)

static bool begins(struct http1 p)
{
	bool foreign = foreign_begins(&p);

	assert_int_equal(p.step == HTTP1_AT_BAD, foreign);
	if (foreign)
		assert_int_equal(p.why, RS_UNPARSED_GARBAGE);
	return foreign;
}

static void what_begins_with_a_letter_may_be_http(void **state)
{
	(void)state;
	assert_false(begins(CUT("")));
	assert_false(begins(CUT("\r\n")));
	assert_false(begins(CUT("G")));
	assert_false(begins(CUT("_")));
	assert_false(begins(CUT("\r\nz")));
	assert_true(begins(CUT("\r\nz{")));
	assert_false(begins(CUT("GET / HTTP/1.1\r\n*")));
	assert_false(begins(CUT("\x01\x01\x00\x01\x00")));
	assert_true(begins(CUT("\x01\x01\x00\x01\x00\x08")));   /* FastCGI */
	assert_true(begins(CUT("70:CONTENT_LENGTH")));          /* SCGI */
	assert_true(begins(CUT("\x16\x03\x01")));               /* TLS */
	assert_true(begins(CUT("*1")));                         /* Redis */
	assert_true(begins(CUT("\0\0\0\x08\x04\xd2\x16\x2f"))); /* PostgreSQL */
	assert_true(begins(CUT("\x20\0\0\x01\x85\xa6")));       /* a MySQL client */
	assert_true(begins(CUT("\0\0\x12\x04\0\0\0\0\0")));     /* HTTP/2 without its preface */
	assert_true(begins(CUT("\x81\x85")));                   /* WebSocket */
	assert_true(begins(CUT("R\6\0\0\0\0\0\0")));            /* mod_wsgi to its daemon */
	assert_true(begins(CUT("ABCDEFGHIJKLMNOPQ")));
	assert_false(begins(CUT("ABCDEFGHIJKLMNOP")));
	assert_false(begins(CUT("ABCDEFGHIJKLMNOP ")));
	assert_false(begins(CUT("GET /\1\0"))); /* which the whole line would be, too */
}

static bool refused(struct http1 p)
{
	return foreign_is_refused(&p, 400);
}

static void uwsgi_is_told_from_what_finds_a_web_port_by_mistake(void **state)
{
	(void)state;
	assert_false(refused(CUT("\x00\x10\x01\x00\x0e\x00REQUEST_METHOD")));
	assert_true(refused(CUT("\x00\x10\x01\x00\x0e")));
	assert_true(refused(CUT("\x00\x00\x00\x00\x00\x00\x00\x00")));
	assert_true(refused(CUT("\x00\x00\x05\x00\x01\x00\x00\x00\x01hello"))); /* HTTP/2 */
	assert_true(refused(CUT("\x01\x01\x01\x00\x00\x00\x00\x00")));          /* FastCGI */
	assert_true(refused(CUT("\x00\x00\x00\x12\x00\x03\x00\x00user")));      /* PostgreSQL */
	assert_true(refused(CUT("\x16\x03\x01\x00\xf0\x00\x00\xec")));          /* TLS */
	assert_true(refused(CUT("\x00\x00\x00\x2f\xff\x53")));                  /* SMB */
	assert_true(refused(CUT("\x03\x00\x00\x13\x0e\xe0")));                  /* RDP */
}

static void an_answer_begins_with_its_version(void **state)
{
	struct http1 p = CUT("HTTP/1.");

	(void)state;
	assert_false(foreign_answers(&p));
	p = CUT("HT");
	assert_false(foreign_answers(&p));
	p = CUT("220 mail"); /* SMTP */
	assert_true(foreign_answers(&p));
	p = CUT("HTP");
	assert_true(foreign_answers(&p));
	assert_int_equal(p.why, RS_UNPARSED_GARBAGE);
	assert_false(foreign_answers(&p)); /* once */
}

static void a_refusal_says_that_the_request_was_not_understood(void **state)
{
	struct http1 p = CUT("\x16\x03\x01");

	(void)state;
	assert_true(foreign_is_refused(&p, 501));
	assert_true(foreign_is_refused(&p, 505));
	assert_false(foreign_is_refused(&p, 200));
	assert_false(foreign_is_refused(&p, 404));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_begins_with_a_letter_may_be_http),
		cmocka_unit_test(uwsgi_is_told_from_what_finds_a_web_port_by_mistake),
		cmocka_unit_test(an_answer_begins_with_its_version),
		cmocka_unit_test(a_refusal_says_that_the_request_was_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
