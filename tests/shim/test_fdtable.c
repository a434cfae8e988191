#include "core.h"
#include "fdtable.h"

static int setup(void **state)
{
	core_setup(state);
	return guard_enter() ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fdtable_forget_range(0, ~0u);
	guard_leave();
	return 0;
}

static void an_accepted_descriptor_is_a_connection_until_it_is_closed(void **state)
{
	uint64_t word;

	(void)state;
	assert_int_equal(fdtable_word(7), FDTABLE_UNKNOWN);
	fdtable_accepted(7);
	word = fdtable_word(7);
	assert_ptr_equal(fdtable_connection(7, word), fdtable_peek(word));
	fdtable_forget(7);
	assert_int_equal(fdtable_word(7), FDTABLE_UNKNOWN);
	assert_null(fdtable_connection(7, word));
	assert_int_equal(here.block->closed, 1);
}

static void numbers_far_above_are_known_too(void **state)
{
	static const int numbers[] = { 511, 512, 1024, 65535, 65536, 70000, (int)FDTABLE_FDS - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int fd = numbers[i];

		fdtable_accepted(fd);
		assert_non_null(fdtable_connection(fd, fdtable_word(fd)));
		assert_int_equal(fdtable_word(fd - 1), FDTABLE_UNKNOWN);
		fdtable_forget(fd);
		assert_int_equal(fdtable_word(fd), FDTABLE_UNKNOWN);
	}
	assert_int_equal(here.block->opened, here.block->closed);
}

/* The same memory again, and yet another word: a thread with the old one is told so. */
static void a_reused_connection_has_another_word(void **state)
{
	uint64_t word;

	(void)state;
	fdtable_accepted(7);
	word = fdtable_word(7);
	fdtable_accepted(7);
	assert_ptr_equal(fdtable_peek(fdtable_word(7)), fdtable_peek(word));
	assert_true(fdtable_word(7) != word);
	assert_null(fdtable_connection(7, word));
	assert_int_equal(here.block->opened, 2);
	assert_int_equal(here.block->closed, 1);
}

static void copies_share_a_connection(void **state)
{
	(void)state;
	fdtable_accepted(7);
	fdtable_copied(7, 0);
	fdtable_copied(7, 2000);
	fdtable_copied(7, 7);
	assert_true(fdtable_word(0) == fdtable_word(7));
	assert_true(fdtable_word(2000) == fdtable_word(7));
	fdtable_forget(7);
	fdtable_copied(5, 0); /* an unknown one over it */
	assert_int_equal(fdtable_word(0), FDTABLE_UNKNOWN);
	assert_int_equal(here.block->closed, 0);
	fdtable_forget(2000);
	assert_int_equal(here.block->closed, 1);
}

/* What another process had is no connection of ours yet, and its number is like any other. */
static void a_foreign_descriptor_is_copied_found_and_forgotten_as_itself(void **state)
{
	(void)state;
	fdtable_set(7, FDTABLE_FOREIGN);
	assert_null(fdtable_connection(7, fdtable_word(7)));
	fdtable_copied(7, 2000);
	assert_int_equal(fdtable_word(2000), FDTABLE_FOREIGN);
	assert_non_null(fdtable_found(7)); /* its first bytes read here were a request */
	assert_true(fdtable_word(7) > FDTABLE_IGNORED);
	assert_int_equal(fdtable_word(2000), FDTABLE_FOREIGN);
	fdtable_forget(2000);
	assert_int_equal(fdtable_word(2000), FDTABLE_UNKNOWN);
	fdtable_set(7, FDTABLE_FOREIGN);
	assert_int_equal(here.block->closed, here.block->opened);
	fdtable_accepted(7);
	assert_non_null(fdtable_connection(7, fdtable_word(7)));
}

static void ranges_are_forgotten_over_leaves_that_do_not_exist(void **state)
{
	(void)state;
	fdtable_accepted(3);
	fdtable_accepted(600);
	fdtable_accepted((int)FDTABLE_FDS - 1);
	fdtable_set(4, FDTABLE_IGNORED);
	fdtable_forget_range(4, 599);
	assert_int_equal(here.block->closed, 0);
	assert_int_equal(fdtable_word(4), FDTABLE_UNKNOWN);
	fdtable_forget_range(0, ~0u);
	assert_int_equal(here.block->closed, 3);
	assert_int_equal(fdtable_word(600), FDTABLE_UNKNOWN);
}

static void a_descriptor_beyond_the_table_is_told(void **state)
{
	(void)state;
	fdtable_accepted((int)FDTABLE_FDS);
	assert_int_equal(fdtable_word((int)FDTABLE_FDS), FDTABLE_UNKNOWN);
	assert_int_equal(fdtable_word(-1), FDTABLE_UNKNOWN);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_FD_LIMIT], 1);
	assert_int_equal(home.header->fds_unseen, 1);
}

static void a_sandbox_gets_no_new_leaf(void **state)
{
	(void)state;
	home.frozen = 1;
	fdtable_accepted(100000);
	home.frozen = 0;
	assert_int_equal(fdtable_word(100000), FDTABLE_UNKNOWN);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_NO_MEMORY], 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_accepted_descriptor_is_a_connection_until_it_is_closed),
		TEST(numbers_far_above_are_known_too),
		TEST(a_reused_connection_has_another_word),
		TEST(copies_share_a_connection),
		TEST(a_foreign_descriptor_is_copied_found_and_forgotten_as_itself),
		TEST(ranges_are_forgotten_over_leaves_that_do_not_exist),
		TEST(a_descriptor_beyond_the_table_is_told),
		TEST(a_sandbox_gets_no_new_leaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
