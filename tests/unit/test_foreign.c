#include "foreign.h"
#include "rs_test.h"

/* What http1_request makes of the first bytes of a connection. */
static struct http1 cut(const char *bytes, size_t n)
{
	const uint8_t *at = (const uint8_t *)bytes;
	struct http1 p;

	http1_init(&p);
	while (p.step != HTTP1_AT_BAD &&
	       http1_request(&p, &at, (const uint8_t *)bytes + n) != HTTP1_MORE)
		;
	return p;
}

#define CUT(text) cut(text, sizeof(text) - 1)

static bool begins(struct http1 p)
{
	return foreign_kind(&p) != FOREIGN_NOT;
}

static void what_begins_with_a_letter_may_be_http(void **state)
{
	(void)state;
	assert_false(begins(CUT("")));
	assert_false(begins(CUT("\r\n")));
	assert_false(begins(CUT("G")));
	assert_false(begins(CUT("-")));
	assert_false(begins(CUT("\r\nz{")));
	assert_true(begins(CUT("\x01\x01")));          /* FastCGI */
	assert_true(begins(CUT("70:CONTENT_LENGTH"))); /* SCGI */
	assert_true(begins(CUT("\x16\x03\x01")));      /* TLS */
	assert_true(begins(CUT("*1")));                /* Redis */
}

static void six_bytes_are_waited_for(void **state)
{
	struct http1 five = CUT("\x01\x01\x01\x01\x01");
	struct http1 six = CUT("\x01\x01\x01\x01\x01\x01");

	(void)state;
	assert_false(foreign_is_told(&five));
	assert_true(foreign_is_told(&six));
}

static bool refused(struct http1 p)
{
	return foreign_is_refused(foreign_kind(&p), 400);
}

static void uwsgi_is_told_from_what_finds_a_web_port_by_mistake(void **state)
{
	(void)state;
	assert_false(refused(CUT("\x00\x10\x01\x00\x0e\x00REQUEST_METHOD")));
	assert_false(refused(CUT("\x00\x10\x01\x00\x0e\x00REQUEST\nMETHOD")));
	assert_true(refused(CUT("\x00\x10\x01\x00\x0e")));
	assert_true(refused(CUT("\x16\x03\x01\x00\xf0\x00\x00\xec"))); /* TLS */
	assert_true(refused(CUT("\x00\x00\x00\x2f\xff\x53")));         /* SMB */
	assert_true(refused(CUT("\x03\x00\x00\x13\x0e\xe0")));         /* RDP */
}

static void a_refusal_says_that_the_request_was_not_understood(void **state)
{
	(void)state;
	assert_true(foreign_is_refused(FOREIGN_OTHER, 501));
	assert_true(foreign_is_refused(FOREIGN_OTHER, 505));
	assert_false(foreign_is_refused(FOREIGN_OTHER, 200));
	assert_false(foreign_is_refused(FOREIGN_OTHER, 404));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_begins_with_a_letter_may_be_http),
		cmocka_unit_test(six_bytes_are_waited_for),
		cmocka_unit_test(uwsgi_is_told_from_what_finds_a_web_port_by_mistake),
		cmocka_unit_test(a_refusal_says_that_the_request_was_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
