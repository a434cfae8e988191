#include "../../agent/profile/unwind.c" /* outside of its jail, with slots of the test's own */
#include "rs_test.h"

#define SKIPPED 77

#ifdef __SANITIZE_ADDRESS__
/* It looks for leaks in the thread-local memory of a library that was opened late, and crashes. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static struct snapshot slots[SNAPSHOT_SLOTS + 1];
static struct unwind u;

static void full_slot(uint32_t i, uint64_t place)
{
	slots[i] = (struct snapshot){ .state = SNAPSHOT_FULL,
				      .stack_bytes = SNAPSHOT_CHUNK,
				      .register_count = 16,
				      .kernel_count = 1,
				      .place = place,
				      .pointer = 0x7000 };
	slots[i].kernel[0] = UINT64_C(0xffffffff81000000);
	memset(slots[i].stack, 0x5a, sizeof(slots[i].stack));
	memset(slots[i].registers, 0x5a, sizeof(slots[i].registers));
}

static bool is_zero(const void *at, size_t bytes)
{
	const unsigned char *p = at;

	for (size_t i = 0; i < bytes; i++)
		if (p[i])
			return false;
	return true;
}

static int setup(void **state)
{
	(void)state;
	memset(&u, 0, sizeof(u));
	memset(slots, 0, sizeof(slots));
	u.slots = slots;
	if (cfi_open(&u.cfi) || stacks_open(&u.stacks, 100))
		return -1;
	cfi_files_end(u.cfi); /* no files: each stack is one frame deep */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cfi_close(u.cfi);
	stacks_close(u.stacks);
	return 0;
}

static void a_slot_that_was_taken_is_zeroed_and_free(void **state)
{
	(void)state;
	full_slot(3, 0x1000);
	assert_true(unwind_take(&u, &slots[3]));
	assert_int_equal(slots[3].state, SNAPSHOT_FREE);
	assert_true(is_zero(slots[3].stack, sizeof(slots[3].stack)));
	assert_true(is_zero(slots[3].registers, sizeof(slots[3].registers)));
	assert_int_equal(u.copy.stack[0], 0x5a);
	unwind_one(&u);
	assert_true(is_zero(&u.copy, sizeof(u.copy)));
}

static void a_slot_that_is_filled_just_now_is_left(void **state)
{
	(void)state;
	full_slot(1, 0x1000);
	slots[1].state = SNAPSHOT_FILLING;
	assert_false(unwind_take(&u, &slots[1]));
	assert_int_equal(slots[1].stack[0], 0x5a);
	assert_false(unwind_take(&u, &slots[2])); /* free */
}

static void no_length_is_believed(void **state)
{
	(void)state;
	full_slot(1, 0x1000);
	slots[1].stack_bytes = slots[1].kernel_count = slots[1].register_count = UINT32_MAX;
	assert_true(unwind_take(&u, &slots[1]));
	assert_int_equal(u.copy.stack_bytes, SNAPSHOT_STACK_BYTES);
	assert_int_equal(u.copy.register_count, SNAPSHOT_REGISTERS);
	assert_int_equal(u.copy.kernel_count, SNAPSHOT_KERNEL_FRAMES);
	unwind_one(&u);
}

static void the_answer_has_each_stack_once(void **state)
{
	struct unwind_answer *answer;
	struct unwind_stack one;
	uint64_t addresses[3];
	char *text = NULL;
	size_t length = 0;

	(void)state;
	for (uint32_t i = 1; i <= 5; i++)
		full_slot(i, 0x1000);
	unwind_round(&u);
	u.out = open_memstream(&text, &length);
	assert_non_null(u.out);
	assert_int_equal(unwind_tell(&u), 0);
	fclose(u.out);
	assert_int_equal(length, sizeof(*answer) + sizeof(one) + sizeof(addresses));
	answer = (struct unwind_answer *)(void *)text;
	assert_int_equal(answer->stack_count, 1);
	assert_int_equal(answer->no_room, 0);
	memcpy(&one, text + sizeof(*answer), sizeof(one));
	memcpy(addresses, text + sizeof(*answer) + sizeof(one), sizeof(addresses));
	assert_int_equal(one.samples, 5);
	assert_int_equal(one.kernel_count, 1);
	assert_int_equal(one.user_count, 2);
	assert_int_equal(addresses[1], 0x1000);
	assert_int_equal(addresses[2], 0); /* it was cut there */
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_slot_that_was_taken_is_zeroed_and_free, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_slot_that_is_filled_just_now_is_left, setup,
						teardown),
		cmocka_unit_test_setup_teardown(no_length_is_believed, setup, teardown),
		cmocka_unit_test_setup_teardown(the_answer_has_each_stack_once, setup, teardown),
	};

	if (cfi_load()) {
		print_message("skipped: libdw.so.1 is not installed\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
