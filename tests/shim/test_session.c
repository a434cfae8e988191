#include "../../shim/session.c" /* white box: entries that another thread takes meanwhile */
#include "core.h"
#include "fdtable.h"

#include <string.h>

#define MANY 5000u

static int setup(void **state)
{
	core_setup(state);
	memset(session_first, 0, sizeof(session_first));
	if (session_more)
		munmap(session_more, SESSION_MORE_ROWS * sizeof(struct session_row));
	session_more = NULL;
	return guard_enter() ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fdtable_forget_range(0, ~0u);
	guard_leave();
	return 0;
}

/* Addresses as an allocator gives them out. */
static const void *address(uintptr_t i)
{
	return (const void *)(UINT64_C(0x555500000000) + i * 6304);
}

static void a_session_is_known_until_it_is_set_anew(void **state)
{
	(void)state;
	assert_int_equal(session_word(address(1)), SESSION_UNKNOWN);
	assert_true(session_set(address(1), SESSION_STRANGER));
	assert_int_equal(session_word(address(1)), SESSION_STRANGER);
	assert_int_equal(session_word(address(2)), SESSION_UNKNOWN);
	session_doubt(address(1));
	session_doubt(address(2));
	assert_int_equal(session_word(address(1)), SESSION_STRANGER | SESSION_DOUBT);
	assert_int_equal(session_word(address(2)), SESSION_UNKNOWN);
	assert_true(session_set(address(1), SESSION_STRANGER));
	assert_int_equal(session_word(address(1)), SESSION_STRANGER);
}

static void many_are_known_at_once(void **state)
{
	(void)state;
	for (uintptr_t i = 1; i <= MANY; i++) {
		fdtable_accepted((int)i);
		assert_true(session_set(address(i), fdtable_word((int)i)));
	}
	for (uintptr_t i = 1; i <= MANY; i++)
		assert_true(session_word(address(i)) == fdtable_word((int)i));
	assert_non_null(session_more);
}

/* Connections that end make room, one after the other: the small table is enough. */
static void what_is_over_makes_room(void **state)
{
	(void)state;
	for (uintptr_t i = 1; i <= MANY; i++) {
		fdtable_accepted(7);
		assert_true(session_set(address(i), fdtable_word(7)));
		session_doubt(address(i));
		fdtable_forget(7);
		assert_true(session_set(address(MANY + i), SESSION_STRANGER));
		session_doubt(address(MANY + i));
	}
	assert_null(session_more);
}

static void a_sandbox_gets_no_second_table(void **state)
{
	uint32_t set = 0;

	(void)state;
	home.frozen = 1;
	for (uintptr_t i = 1; i <= MANY; i++)
		set += session_set(address(i), SESSION_STRANGER);
	home.frozen = 0;
	assert_in_range(set, SESSION_FIRST_ROWS, SESSION_FIRST_ROWS * SESSION_ROW);
	assert_null(session_more);
}

static void an_entry_in_another_hand_is_left_alone(void **state)
{
	struct session_entry entry = { .key = SESSION_BUSY, .word = SESSION_STRANGER };

	(void)state;
	assert_false(session_take(&entry, 64, SESSION_STRANGER));
	entry.key = 128;
	assert_false(session_take(&entry, 64, SESSION_STRANGER));
	assert_int_equal(entry.key, 128);
	entry.word |= SESSION_DOUBT;
	assert_true(session_take(&entry, 64, SESSION_STRANGER));
	assert_int_equal(entry.key, 64);
	assert_int_equal(entry.word, SESSION_STRANGER);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_session_is_known_until_it_is_set_anew),
		TEST(many_are_known_at_once),
		TEST(what_is_over_makes_room),
		TEST(a_sandbox_gets_no_second_table),
		TEST(an_entry_in_another_hand_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
