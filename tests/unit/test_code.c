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

/* As some linkers leave it. */
static void zeros_behind_it_are_no_code(void **state)
{
	(void)state;
	assert_int_equal(FIND("\x90\xc3\0"), 0);
	assert_int_equal(stops.count, 1);
	assert_int_equal(FIND("\x90\xc3\x06\0"), -ENOEXEC);
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

static int find_cheap(const char *code, size_t bytes)
{
#ifndef __x86_64__
	rs_skip("the code is of x86-64");
#endif
	if (code_open())
		rs_skip("libcapstone is not there");
	return code_cheap_find((const uint8_t *)code, bytes, &stops);
}

#define CHEAP(text) find_cheap(text, sizeof(text) - 1)
#define FRAME "\x48\x83\xec\x18"                       /* sub $0x18,%rsp */
#define CANARY "\x64\x48\x8b\x04\x25\x28\0\0\0"        /* mov %fs:0x28,%rax */
#define GUARD "\x64\x48\x2b\x14\x25\x28\0\0\0\x75\x07" /* sub %fs:0x28,%rdx; jne */
#define LEAVE "\x48\x83\xc4\x18\x31\xd2\xc3"           /* add $0x18,%rsp; xor %edx,%edx; ret */
#define FAIL "\xe8\0\0\0\0"

/* As Debian's SSL_read: a frame and its canary, then a test of what it was given. */
static void of_c_a_jump_ahead_and_the_guard_behind_are_cheap(void **state)
{
	(void)state;
	assert_int_equal(CHEAP(FRAME CANARY "\x85\xd2\x78\x02\x89\xd0" GUARD LEAVE FAIL), 0);
	assert_int_equal(stops.begin, 15); /* js */
	assert_int_equal(stops.count, 1);
	assert_int_equal(stops.returns[0], 28); /* jne */
}

static void what_begins_by_a_push_is_cheap_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(CHEAP("\x55\x85\xd2\x78\x02\x89\xd0" GUARD LEAVE FAIL), -ENOTSUP);
}

/* mov %edi,%esi ahead of the jump */
static void an_argument_that_is_changed_before_is_none(void **state)
{
	(void)state;
	assert_int_equal(CHEAP(FRAME "\x89\xfe\x85\xd2\x78\x02\x89\xd0" GUARD LEAVE FAIL),
			 -ENOTSUP);
}

static void each_way_out_has_to_be_cheap(void **state)
{
	(void)state;
	/* another return, without a guard */
	assert_int_equal(CHEAP(FRAME "\x85\xd2\x78\x02\x89\xd0" GUARD LEAVE FAIL "\xc3"), -ENOTSUP);
	/* the result is changed behind it: xor %eax,%eax */
	assert_int_equal(
		CHEAP(FRAME "\x85\xd2\x78\x02\x89\xd0" GUARD "\x48\x83\xc4\x18\x31\xc0\xc3" FAIL),
		-ENOTSUP);
	/* it leaves by a jump to another function */
	assert_int_equal(CHEAP(FRAME "\x85\xd2\x78\x70\x89\xd0" GUARD LEAVE FAIL), -ENOTSUP);
	/* or to wherever a register says */
	assert_int_equal(CHEAP(FRAME "\x85\xd2\x78\x02\x89\xd0" GUARD LEAVE FAIL "\xff\xe0"),
			 -ENOTSUP);
	/* somebody jumps behind the guard */
	assert_int_equal(CHEAP(FRAME "\x85\xd2\x78\x0d\x89\xd0" GUARD LEAVE FAIL), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_is_stopped_where_its_stack_grows_and_returns),
		cmocka_unit_test(a_large_frame_is_taken_off_ahead_of_that),
		cmocka_unit_test(a_small_one_has_its_first_instruction),
		cmocka_unit_test(a_number_is_no_return),
		cmocka_unit_test(what_is_no_code_is_refused),
		cmocka_unit_test(zeros_behind_it_are_no_code),
		cmocka_unit_test(of_c_a_jump_ahead_and_the_guard_behind_are_cheap),
		cmocka_unit_test(what_begins_by_a_push_is_cheap_as_it_is),
		cmocka_unit_test(an_argument_that_is_changed_before_is_none),
		cmocka_unit_test(each_way_out_has_to_be_cheap),
		cmocka_unit_test(more_returns_than_there_is_room_for_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
