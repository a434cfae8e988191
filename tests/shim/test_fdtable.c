#include "core.h"
#include "fdtable.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void connections_that_came_over_exec_are_foreign(void **state)
{
	int internet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int last = fcntl(internet, F_DUPFD_CLOEXEC, FDTABLE_INHERITED - 1);
	int beyond = fcntl(internet, F_DUPFD_CLOEXEC, FDTABLE_INHERITED);
	int pair[2], ends[2];

	(void)state;
	assert_int_equal(last, FDTABLE_INHERITED - 1);
	assert_int_equal(beyond, FDTABLE_INHERITED);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fdtable_inherit();
	assert_int_equal(fdtable_word(internet), FDTABLE_FOREIGN);
	assert_int_equal(fdtable_word(last), FDTABLE_FOREIGN);
	assert_int_equal(fdtable_word(beyond), FDTABLE_UNKNOWN);
	assert_int_equal(fdtable_word(pair[0]), FDTABLE_UNKNOWN);
	assert_int_equal(fdtable_word(ends[0]), FDTABLE_UNKNOWN);
	close(internet);
	close(last);
	close(beyond);
	close(pair[0]);
	close(pair[1]);
	close(ends[0]);
	close(ends[1]);
}

static void a_listener_that_came_over_exec_makes_a_server(void **state)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	atomic_store(&home.listens, 0);
	fdtable_inherit();
	assert_int_equal(atomic_load(&home.listens), 0);
	assert_int_equal(listen(listener, 1), 0);
	fdtable_inherit();
	assert_int_equal(atomic_load(&home.listens), 1);
	atomic_store(&home.listens, 0);
	close(listener);
}

static void a_foreign_descriptor_becomes_a_connection_by_what_is_read(void **state)
{
	struct connection *c;

	(void)state;
	fdtable_set(7, FDTABLE_FOREIGN);
	fdtable_copied(7, 8);
	assert_int_equal(fdtable_word(8), FDTABLE_FOREIGN);
	assert_null(fdtable_connection(7, FDTABLE_FOREIGN));
	c = fdtable_found(7);
	assert_non_null(c);
	assert_ptr_equal(fdtable_connection(7, fdtable_word(7)), c);
	assert_int_equal(atomic_load(&c->exchange.trust), EXCHANGE_UNKNOWN);
	assert_int_equal(fdtable_word(8), FDTABLE_FOREIGN);
	fdtable_accepted(8); /* its number again */
	assert_int_equal(atomic_load(&fdtable_peek(fdtable_word(8))->exchange.trust),
			 EXCHANGE_ACCEPTED);
	fdtable_set(8, FDTABLE_FOREIGN);
	assert_int_equal(here.block->closed, 1);
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
		TEST(connections_that_came_over_exec_are_foreign),
		TEST(a_listener_that_came_over_exec_makes_a_server),
		TEST(a_foreign_descriptor_becomes_a_connection_by_what_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
