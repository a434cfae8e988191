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

static unsigned int said[256]; /* by reason */
static unsigned int answered;
static struct exchange_done last;

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

static void done(void *context, struct exchange_done *done)
{
	(void)context;
	last = *done;
	answered++;
}

static void unparsed(void *context, uint8_t why)
{
	(void)context;
	said[why]++;
}

const struct exchange_ops exchange_ops = {
	.begun = begun,
	.now = now,
	.target = target,
	.step = step,
	.done = done,
	.unparsed = unparsed,
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

#define BAD_REQUEST "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"

static void begin(struct exchange *x)
{
	exchange_init(x, EXCHANGE_ACCEPTED);
	memset(said, 0, sizeof(said));
	memset(&last, 0, sizeof(last));
	answered = 0;
}

static bool reads(struct exchange *x, const char *bytes, size_t n, uint64_t at)
{
	uint64_t began = 0;
	struct exchange_call call = { .context = &began, .now = at };

	return exchange_read(x, &call, (const uint8_t *)bytes, n);
}

static bool refuses(struct exchange *x)
{
	uint64_t began = 0;
	struct exchange_call call = { .context = &began, .now = 100 };

	return exchange_write(x, &call, (const uint8_t *)BAD_REQUEST, sizeof(BAD_REQUEST) - 1);
}

/* nginx does at the first byte of version 2 that is no line end, and in version 1's line. */
static void who_wants_none_answers_one_bad_request_at_any_place_of_it(void **state)
{
	static const char bytes[] = SIGNATURE "\x21\x11\0\x0c"
					      "123456789012GET / HTTP/1.1\r\n\r\n";

	(void)state;
	for (size_t cut = 5; cut <= 28; cut++) {
		static struct exchange x;

		begin(&x);
		for (size_t i = 0; i < cut; i++)
			assert_true(reads(&x, bytes + i, 1, 10 + i));
		assert_true(refuses(&x));
		assert_int_equal(answered, 1);
		assert_int_equal(last.request.status, 400);
		assert_int_equal(last.request.t0, 14); /* its first byte that is no line end */
		assert_int_equal(last.request.bytes_in, cut - 4);
		assert_false(reads(&x, bytes + cut, sizeof(bytes) - 1 - cut, 60));
		exchange_client_gone(&x, false);
		exchange_close(&x, &(struct exchange_call){ .now = 70 });
		assert_int_equal(answered, 1);
		assert_int_equal(said[RS_UNPARSED_UNASKED] + said[RS_UNPARSED_GARBAGE], 0);
	}
}

static void blank_lines_are_no_request(void **state)
{
	static struct exchange x;

	(void)state;
	begin(&x);
	assert_true(reads(&x, "\r\n\r\n", 4, 10));
	refuses(&x);
	assert_int_equal(answered, 0);
	assert_int_equal(said[RS_UNPARSED_UNASKED], 1);
}

/* The two threads may meet: who is first has the request. */
static void an_answer_comes_too_late_once_a_byte_follows(void **state)
{
	static struct exchange x;

	(void)state;
	begin(&x);
	assert_true(reads(&x, "PROXY UNKNOWN\r\n", 15, 10));
	assert_int_equal(x.preface.claim, PREFACE_READERS);
	assert_true(reads(&x, "G", 1, 20));
	assert_false(preface_answers(&x));
	assert_null(x.answering);
	assert_int_equal(exchange_waiting(&x), 1);
	assert_int_equal(x.requests[0].t0, 20);
	assert_int_equal(x.requests[0].bytes_in, 1);
}

static void a_byte_comes_too_late_once_it_is_answered(void **state)
{
	static struct exchange x;

	(void)state;
	begin(&x);
	assert_true(reads(&x, "PROXY UNKNOWN\r\n", 15, 10));
	assert_true(preface_answers(&x));
	assert_false(preface_answers(&x));
	assert_ptr_equal(x.answering, &x.requests[0]);
	assert_int_equal(exchange_waiting(&x), 1);
	assert_false(reads(&x, "GET / HTTP/1.1\r\n\r\n", 18, 20));
	assert_int_equal(exchange_waiting(&x), 1);
	assert_int_equal(x.requests[0].t0, 10);
}

static void what_is_bad_may_be_refused(void **state)
{
	static struct exchange x;

	(void)state;
	begin(&x);
	assert_false(reads(&x, SIGNATURE "\x11", 13, 10));
	assert_true(refuses(&x));
	assert_int_equal(answered, 1);
	assert_int_equal(last.request.status, 400);
	assert_int_equal(said[RS_UNPARSED_GARBAGE], 1);
	assert_int_equal(said[RS_UNPARSED_UNASKED], 0);
}

static void nothing_read_is_no_preface(void **state)
{
	static struct exchange x;

	(void)state;
	begin(&x);
	assert_true(reads(&x, "", 0, 10));
	assert_int_equal(x.preface.claim, PREFACE_NOBODYS);
	assert_int_equal(x.preface.step, PREFACE_FIRST);
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
		cmocka_unit_test(who_wants_none_answers_one_bad_request_at_any_place_of_it),
		cmocka_unit_test(blank_lines_are_no_request),
		cmocka_unit_test(an_answer_comes_too_late_once_a_byte_follows),
		cmocka_unit_test(a_byte_comes_too_late_once_it_is_answered),
		cmocka_unit_test(what_is_bad_may_be_refused),
		cmocka_unit_test(nothing_read_is_no_preface),
		cmocka_unit_test(what_is_bad_is_no_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
