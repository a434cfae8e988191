#include "exchange.h"
#include "rs_test.h"

#include <ringside/abi.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

/* The verdict on bytes that come one by one, and how many of them were consumed. */
static enum preface_verdict judge(const char *bytes, size_t n, size_t *consumed)
{
	struct preface p = { .step = PREFACE_FIRST };
	enum preface_verdict verdict = PREFACE_MORE;
	const uint8_t *from = (const uint8_t *)bytes;
	const uint8_t *at = from;

	while (at < from + n && verdict == PREFACE_MORE)
		verdict = preface_read(&p, &at, at + 1);
	*consumed = (size_t)(at - from);
	return verdict;
}

#define JUDGE(text) judge(text, sizeof(text) - 1, &consumed)

static void a_line_of_version_1_ends_with_its_line_end(void **state)
{
	size_t consumed;

	(void)state;
	assert_int_equal(JUDGE("PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\nGET"), PREFACE_DONE);
	assert_int_equal(consumed, 33);
	assert_int_equal(JUDGE("PROXY UNKNOWN\r\nGET"), PREFACE_DONE);
	assert_int_equal(JUDGE("PROXY TCP6 ::1"), PREFACE_MORE);
}

static void a_line_without_end_is_bad(void **state)
{
	char line[200] = "PROXY TCP6 ";
	size_t consumed;

	(void)state;
	memset(line + 11, '1', sizeof(line) - 11);
	assert_int_equal(judge(line, sizeof(line), &consumed), PREFACE_BAD);
	assert_int_equal(consumed, 107);
}

static void a_request_is_none(void **state)
{
	size_t consumed;

	(void)state;
	assert_int_equal(JUDGE("GET / HTTP/1.1"), PREFACE_NONE);
	assert_int_equal(consumed, 0);
	assert_int_equal(JUDGE("POST / HTTP/1.1"), PREFACE_NONE);
	assert_int_equal(consumed, 1);
	assert_int_equal(JUDGE("PROXY / HTTP/1.1"), PREFACE_NONE);
	assert_int_equal(consumed, 6);
	assert_int_equal(JUDGE("\r\nGET / HTTP/1.1"), PREFACE_NONE);
	assert_int_equal(consumed, 2);
}

static void version_2_says_how_long_it_is(void **state)
{
	size_t consumed;

	(void)state;
	assert_int_equal(JUDGE(SIGNATURE "\x21\x11\0\x0c"
					 "123456789012GET"),
			 PREFACE_DONE);
	assert_int_equal(consumed, 28);
	assert_int_equal(JUDGE(SIGNATURE "\x20\0\0\0GET"), PREFACE_DONE); /* LOCAL */
	assert_int_equal(consumed, 16);
	assert_int_equal(JUDGE(SIGNATURE "\x21\x11\1\0"), PREFACE_MORE);
	assert_int_equal(JUDGE(SIGNATURE "\x31\x11\0\0"), PREFACE_BAD); /* there is no version 3 */
}

static int32_t begun(void *context, uint64_t t0)
{
	*(uint64_t *)context = t0;
	return -1;
}

static uint64_t now(void *context)
{
	(void)context;
	return 7;
}

static uint16_t target(void *context, const struct http1 *head, bool *has_path)
{
	(void)context;
	(void)head;
	*has_path = false;
	return 1;
}

static void step(void *context, const struct exchange_request *r, uint8_t state)
{
	(void)context;
	(void)r;
	(void)state;
}

const struct exchange_ops exchange_ops = {
	.begun = begun,
	.now = now,
	.target = target,
	.step = step,
};

static void a_request_behind_version_2_is_one(void **state)
{
	static const char bytes[] = SIGNATURE "\x21\x11\0\x0c"
					      "123456789012GET / HTTP/1.1\r\n\r\n";
	uint64_t began = 0;
	struct exchange_call call = { .context = &began };
	static struct exchange x;

	(void)state;
	exchange_init(&x, EXCHANGE_ACCEPTED);
	assert_true(exchange_read(&x, &call, (const uint8_t *)bytes, sizeof(bytes) - 1));
	assert_int_equal(began, 7);
	assert_int_equal(exchange_waiting(&x), 1);
	assert_int_equal(x.requests[0].method, RS_METHOD_GET);
	assert_int_equal(x.requests[0].bytes_in, 18);
}

static void what_is_bad_is_no_http(void **state)
{
	struct exchange_call call = { 0 };
	static struct exchange x;

	(void)state;
	exchange_init(&x, EXCHANGE_ACCEPTED);
	assert_false(exchange_read(&x, &call, (const uint8_t *)SIGNATURE "\x11", 13));
	assert_true(x.no_http);
	assert_int_equal(x.in.why, RS_UNPARSED_GARBAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_version_1_ends_with_its_line_end),
		cmocka_unit_test(a_line_without_end_is_bad),
		cmocka_unit_test(a_request_is_none),
		cmocka_unit_test(version_2_says_how_long_it_is),
		cmocka_unit_test(a_request_behind_version_2_is_one),
		cmocka_unit_test(what_is_bad_is_no_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
