#include "code.h"
#include "rs_test.h"

#include <errno.h>
#include <string.h>

static struct code_stops stops;

static int find(const char *code, size_t bytes)
{
#ifndef __x86_64__
	rs_skip("the code is of x86-64");
#endif
	if (code_open())
		rs_skip("libcapstone is not there");
	return code_stops_find((const uint8_t *)code, bytes, &stops);
}

#define FIND(text) find(text, sizeof(text) - 1)
#define CMP "\x49\x3b\x66\x10"      /* cmp 0x10(%r14),%rsp */
#define MORE "\xe8\0\0\0\0\xeb\xed" /* call …; jmp … */

static void a_function_is_stopped_where_its_stack_grows_and_returns(void **state)
{
	(void)state;
	assert_int_equal(FIND(CMP "\x76\x04"
				  "\x31\xc0"
				  "\xc3"
				  "\x90\xc3" MORE),
			 0);
	assert_int_equal(stops.begin, 4);
	assert_int_equal(stops.count, 2);
	assert_int_equal(stops.returns[0], 8);
	assert_int_equal(stops.returns[1], 10);
}

static void a_large_frame_is_taken_off_ahead_of_that(void **state)
{
	(void)state;
	/* lea -0x108(%rsp),%r12; cmp 0x10(%r14),%r12; jbe, with four bytes */
	assert_int_equal(FIND("\x4c\x8d\xa4\x24\xf8\xfe\xff\xff"
			      "\x4d\x3b\x66\x10"
			      "\x0f\x86\x01\0\0\0"
			      "\xc3" MORE),
			 0);
	assert_int_equal(stops.begin, 12);
	assert_int_equal(stops.count, 1);
	assert_int_equal(stops.returns[0], 18);
}

static void a_small_one_has_its_first_instruction(void **state)
{
	(void)state;
	assert_int_equal(FIND("\x31\xc0\x90\x90\x90\x76\x00\xc3"), 0); /* that jump is its own */
	assert_int_equal(stops.begin, 0);
}

/* mov $0xc3c3c3c3,%eax */
static void a_number_is_no_return(void **state)
{
	(void)state;
	assert_int_equal(FIND("\xb8\xc3\xc3\xc3\xc3"
			      "\xc3"),
			 0);
	assert_int_equal(stops.count, 1);
	assert_int_equal(stops.returns[0], 5);
}

static void what_is_no_code_is_refused(void **state)
{
	(void)state;
	assert_int_equal(FIND("\xc3\x06\xc3"), -ENOEXEC);
	assert_int_equal(FIND("\xb8\xc3"), -ENOEXEC); /* cut */
}

static void more_returns_than_there_is_room_for_are_refused(void **state)
{
	char code[CODE_RETURNS + 1];

	(void)state;
	memset(code, '\xc3', sizeof(code));
	assert_int_equal(find(code, CODE_RETURNS), 0);
	assert_int_equal(stops.count, CODE_RETURNS);
	assert_int_equal(find(code, sizeof(code)), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_is_stopped_where_its_stack_grows_and_returns),
		cmocka_unit_test(a_large_frame_is_taken_off_ahead_of_that),
		cmocka_unit_test(a_small_one_has_its_first_instruction),
		cmocka_unit_test(a_number_is_no_return),
		cmocka_unit_test(what_is_no_code_is_refused),
		cmocka_unit_test(more_returns_than_there_is_room_for_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
