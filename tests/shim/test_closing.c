#include "moves.h"

#define PLACES 16 /* CLOSING_MOST */
#define REQUEST "GET /path HTTP/1.1\r\n\r\n"

static struct connection *in_a_parse(enum connection_way way)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	READ(c, REQUEST);
	atomic_store(&c->owned[way], 1);
	return c;
}

static void parse_ends(struct connection *c, enum connection_way way)
{
	atomic_store(&c->owned[way], 0);
}

/* Connections come and go, until each place was looked at. */
static void others_come(void)
{
	for (int i = 0; i < PLACES; i++)
		connection_put(connection_open(EXCHANGE_ACCEPTED));
}

static void who_is_in_a_parse_keeps_it_until_that_is_over(void **state)
{
	(void)state;
	for (int way = CONNECTION_READ; way <= CONNECTION_WRITE; way++) {
		uint64_t aborted = here.block->aborted;
		struct connection *c = in_a_parse(way);

		connection_put(c);
		others_come();
		assert_int_equal(here.block->aborted, aborted);
		assert_int_equal(here.block->opened, here.block->closed + 1);
		assert_int_equal(c->owned[!way], 0);
		parse_ends(c, way);
		others_come();
		assert_int_equal(here.block->aborted, aborted + 1);
		assert_int_equal(here.block->opened, here.block->closed);
	}
	assert_int_equal(here.block->lost[RS_LOST_RACE], 0);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_RACE], 0);
}

static void its_memory_is_used_again(void **state)
{
	struct connection *c = in_a_parse(CONNECTION_WRITE), *again = NULL;

	(void)state;
	connection_put(c);
	parse_ends(c, CONNECTION_WRITE);
	for (int i = 0; i < PLACES && again != c; i++) {
		again = connection_open(EXCHANGE_ACCEPTED);
		connection_put(again);
	}
	assert_ptr_equal(again, c);
}

static void without_a_place_it_is_lost_and_told(void **state)
{
	struct connection *c[PLACES + 1];

	(void)state;
	for (int i = 0; i <= PLACES; i++) {
		c[i] = in_a_parse(CONNECTION_READ);
		assert_int_equal(here.block->unparsed[RS_UNPARSED_RACE], 0);
	}
	for (int i = 0; i <= PLACES; i++)
		connection_put(c[i]);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_RACE], 1);
	for (int i = 0; i <= PLACES; i++)
		parse_ends(c[i], CONNECTION_READ);
	others_come();
	assert_int_equal(here.block->aborted, PLACES);
}

/* The thread that was in it is the parent's. */
static void what_a_fork_brought_along_waits_no_longer(void **state)
{
	struct connection *c = in_a_parse(CONNECTION_READ);

	(void)state;
	connection_put(c);
	c->generation--;
	others_come();
	parse_ends(c, CONNECTION_READ);
	others_come();
	assert_int_equal(here.block->aborted, 0);
	assert_int_equal(here.block->opened, here.block->closed + 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(who_is_in_a_parse_keeps_it_until_that_is_over),
		TEST(its_memory_is_used_again),
		TEST(without_a_place_it_is_lost_and_told),
		TEST(what_a_fork_brought_along_waits_no_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
