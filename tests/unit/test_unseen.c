#include "rs_test.h"
#include "unseen.h"

#include <ringside/abi.h>
#include <stdlib.h>
#include <string.h>

#define GET "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

static struct exchange x;
static struct exchange_block block;
static struct served last;
static uint64_t ticks;
static int answered, aborted, told;

static uint64_t now(void *context)
{
	(void)context;
	return ++ticks;
}

static int32_t begun(void *context, uint64_t t0)
{
	(void)context;
	(void)t0;
	return 1;
}

static uint16_t target(void *context, const struct http1 *head, bool *has_path)
{
	(void)context;
	(void)head;
	(void)has_path;
	return 1;
}

static void step(void *context, const struct exchange_request *r, uint8_t state)
{
	(void)context;
	(void)r;
	(void)state;
}

static void done(void *context, struct exchange_done *d)
{
	(void)context;
	last = d->request;
	if (last.flags & RS_FLAG_ABORTED)
		aborted++;
	else
		answered++;
}

static void unparsed(void *context, uint8_t why)
{
	(void)context;
	assert_int_equal(why, RS_UNPARSED_UNSEEN_IO);
	told++;
}

static struct exchange_block *lend(void *context)
{
	(void)context;
	memset(&block, 0, sizeof(block));
	return &block;
}

static void give_back(void *context, struct exchange_block *given)
{
	(void)context;
	assert_ptr_equal(given, &block);
}

const struct exchange_ops exchange_ops = {
	.now = now,
	.begun = begun,
	.target = target,
	.step = step,
	.done = done,
	.unparsed = unparsed,
	.lend = lend,
	.give_back = give_back,
};

static int begin(void **state)
{
	(void)state;
	exchange_init(&x, EXCHANGE_ACCEPTED);
	ticks = 0;
	answered = aborted = told = 0;
	return 0;
}

static int end(void **state)
{
	struct exchange_call call = { 0 };

	(void)state;
	exchange_close(&x, &call);
	return 0;
}

static void reads(const char *bytes)
{
	struct exchange_call call = { 0 };

	exchange_read(&x, &call, (const uint8_t *)bytes, strlen(bytes));
}

static void writes(const char *bytes)
{
	struct exchange_call call = { 0 };

	unseen_write(&x, &call, (const uint8_t *)bytes, strlen(bytes));
}

static void moves(uint64_t n)
{
	struct exchange_call call = { 0 };

	unseen_note(&x, exchange_write_unseen(&x, &call, n));
}

static void an_answer_behind_an_unseen_body_is_counted_and_told(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		reads(GET);
		writes(OK("8000"));
	}
	assert_int_equal(answered, 2);
	assert_int_equal(told, 2);
	reads(GET);
	writes(OK("0"));
	assert_int_equal(answered, 4);
	assert_int_equal(told, 3);
	assert_int_equal(aborted, 0);
}

static void an_unseen_body_ends_when_the_next_request_begins(void **state)
{
	(void)state;
	reads(GET);
	writes(OK("8000"));
	reads(GET);
	ticks += 1000;
	writes(OK("0"));
	reads(GET);
	writes(OK("1"));
	reads(GET);
	ticks += 1000;
	writes(OK("1"));
	assert_int_equal(answered, 3);
	assert_in_range(last.end - last.t0, 1, 10);
	assert_int_equal(last.bytes_out, strlen(OK("1")) + 1);
}

static void a_body_that_went_out_in_part_is_caught_up_with(void **state)
{
	(void)state;
	reads(GET);
	writes(OK("8000"));
	moves(5000);
	reads(GET);
	writes(OK("0"));
	assert_int_equal(answered, 2);
	assert_int_equal(told, 1);
}

static void a_status_line_in_a_body_is_no_answer_unless_a_request_came_behind_it(void **state)
{
	(void)state;
	reads(GET);
	writes(OK("19"));
	writes("HTTP/1.1 200 OK\r\n\r\n");
	assert_int_equal(answered, 1);
	reads(GET GET); /* read ahead: the first is not answered yet */
	writes(OK("19"));
	writes("HTTP/1.1 200 OK\r\n\r\n");
	writes(OK("0"));
	assert_int_equal(answered, 3);
	reads(GET);
	writes(OK("20"));
	reads(GET); /* ahead of a byte of the body that was seen */
	writes("b");
	writes("HTTP/1.1 200 OK\r\n\r\n");
	writes(OK("0"));
	assert_int_equal(answered, 5);
	assert_int_equal(told, 0);
}

static void a_body_that_goes_on_is_no_answer(void **state)
{
	static const char *const pieces[] = { "HTTP/1.1 2x0 ", "HTTP/2.0 200 ", "HTTP/1.1-200 ",
					      "http/1.1 200 " };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		reads(GET);
		writes(OK("13"));
		reads(GET);
		writes(pieces[i]);
		writes(OK("0"));
		assert_int_equal(answered, 2 * (i + 1));
	}
	assert_int_equal(told, 0);
}

static void requests_in_the_block_are_the_next_ones_too(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		reads(GET);
	writes(OK("0") OK("0") OK("0"));
	writes(OK("8000"));
	reads(GET);
	writes(OK("8000"));
	assert_int_equal(answered, 4);
	reads(GET GET GET GET GET GET);
	writes(OK("0"));
	assert_int_equal(answered, 6);
	assert_int_equal(told, 2);
	writes(OK("0") OK("0") OK("0") OK("0"));
	writes(OK("8000"));
	reads(GET);
	writes(OK("0"));
	assert_int_equal(answered, 12);
	assert_int_equal(told, 3);
	assert_true(last.end > last.t0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_behind_an_unseen_body_is_counted_and_told,
						begin, end),
		cmocka_unit_test_setup_teardown(an_unseen_body_ends_when_the_next_request_begins,
						begin, end),
		cmocka_unit_test_setup_teardown(a_body_that_went_out_in_part_is_caught_up_with,
						begin, end),
		cmocka_unit_test_setup_teardown(
			a_status_line_in_a_body_is_no_answer_unless_a_request_came_behind_it, begin,
			end),
		cmocka_unit_test_setup_teardown(a_body_that_goes_on_is_no_answer, begin, end),
		cmocka_unit_test_setup_teardown(requests_in_the_block_are_the_next_ones_too, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
