#include "connection.h"
#include "core.h"

#include <signal.h>
#include <string.h>

#define REQUEST "GET /path HTTP/1.1\r\nHost: h\r\n\r\n"
#define REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static bool move(struct connection *c, enum connection_way way, const char *text)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };

	return connection_move(c, way, &iov, strlen(text));
}

static int setup(void **state)
{
	core_setup(state);
	return guard_enter() ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	guard_leave();
	return 0;
}

static uint32_t open_entries(void)
{
	uint32_t n = 0;

	for (int i = 0; i < 64; i++)
		n += atomic_load(&open_at(i)->connection) != 0;
	return n;
}

static void a_request_is_listed_while_it_lasts_and_emitted_at_its_end(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	move(c, CONNECTION_READ, REQUEST);
	assert_int_equal(here.block->begun, 1);
	assert_int_equal(here.block->requests, 0);
	assert_int_equal(open_entries(), 1);
	assert_int_equal(open_at(0)->state, RS_OPEN_WAITING);
	assert_int_equal(open_at(0)->method, RS_METHOD_GET);
	assert_int_not_equal(open_at(0)->shape, 0);
	move(c, CONNECTION_WRITE, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
	assert_int_equal(open_at(0)->state, RS_OPEN_ANSWERING);
	move(c, CONNECTION_WRITE, "k");
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->status[1], 1);
	assert_int_equal(open_entries(), 0);
	connection_put(c);
	assert_int_equal(here.block->opened, 1);
	assert_int_equal(here.block->closed, 1);
}

/* In one call: how far it is shows behind the last piece. */
static void an_answer_in_pieces_is_listed_as_far_as_it_is(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);
	struct iovec pieces[] = { { (void *)(uintptr_t)head, sizeof(head) - 1 },
				  { (void *)(uintptr_t) "o", 1 },
				  { (void *)(uintptr_t) "k", 1 } };

	(void)state;
	move(c, CONNECTION_READ, REQUEST);
	connection_move(c, CONNECTION_WRITE, pieces, sizeof(head) + 1);
	assert_int_equal(open_at(0)->state, RS_OPEN_ANSWERING);
	assert_int_equal(open_at(0)->bytes_out, sizeof(head) + 1);
	move(c, CONNECTION_WRITE, "!");
	assert_int_equal(here.block->requests, 1);
	connection_put(c);
}

static void the_last_of_its_descriptors_ends_it(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	connection_get(c);
	move(c, CONNECTION_READ, REQUEST);
	connection_put(c);
	assert_int_equal(here.block->aborted, 0);
	connection_put(c);
	assert_int_equal(here.block->aborted, 1);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(open_entries(), 0);
}

static void a_lost_race_is_told_and_ends_a_direction_only(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	move(c, CONNECTION_READ, REQUEST);
	atomic_store(&c->owned[CONNECTION_READ], 1);
	move(c, CONNECTION_READ, REQUEST);
	atomic_store(&c->owned[CONNECTION_READ], 0);
	assert_int_equal(here.block->lost[RS_LOST_RACE], 1);
	move(c, CONNECTION_READ, REQUEST);
	assert_int_equal(here.block->unparsed[RS_UNPARSED_RACE], 1);
	move(c, CONNECTION_WRITE, REPLY);
	assert_int_equal(here.block->status[1], 1);
	connection_put(c);
	assert_int_equal(here.block->requests, 1);
}

static void a_parent_that_handed_its_request_on_says_nothing(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	move(c, CONNECTION_READ, REQUEST);
	connection_forks++;
	connection_put(c);
	assert_int_equal(here.block->requests, 0);
	assert_int_equal(open_entries(), 0);
}

static void a_parent_that_goes_on_keeps_its_request(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	move(c, CONNECTION_READ, REQUEST);
	connection_forks++;
	connection_gone(c, false);
	connection_put(c);
	assert_int_equal(here.block->aborted, 1);
}

static void a_child_takes_over_what_it_moves_bytes_on(void **state)
{
	struct connection *kept = connection_open(EXCHANGE_ACCEPTED);
	struct connection *closed = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	move(kept, CONNECTION_READ, REQUEST);
	move(closed, CONNECTION_READ, REQUEST);
	guard_leave();
	core_restart(); /* what a child's handler does: a new segment, a new generation */
	assert_true(guard_enter());
	connection_put(closed);
	assert_int_equal(here.block->requests, 0);
	assert_int_equal(here.block->closed, 0);
	move(kept, CONNECTION_WRITE, REPLY);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->begun, 1);
	assert_int_equal(here.block->opened, 1);
	connection_put(kept);
	assert_int_equal(here.block->closed, 1);
}

#define HALF "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"

/* Its process may exit without a close. */
static void a_reset_ends_what_waits_for_an_answer_and_the_close_adds_nothing(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	move(c, CONNECTION_READ, REQUEST REQUEST);
	move(c, CONNECTION_WRITE, HALF);
	connection_gone(c, false);
	assert_int_equal(here.block->requests, 0); /* it may read no more and answer yet */
	connection_gone(c, true);
	assert_int_equal(here.block->requests, 2);
	assert_int_equal(here.block->status[1], 1);
	assert_int_equal(here.block->cut_by_client, 1);
	assert_int_equal(here.block->aborted, 1);
	assert_int_equal(open_entries(), 0);
	connection_put(c);
	assert_int_equal(here.block->requests, 2);
	assert_int_equal(here.block->closed, 1);
}

static void the_end_of_both_directions_is_as_good_as_a_reset(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	move(c, CONNECTION_READ, REQUEST);
	move(c, CONNECTION_WRITE, HALF);
	connection_shutdown(c);
	assert_int_equal(here.block->requests, 0); /* by whom it is cut shows at the end */
	connection_gone(c, false);
	assert_int_equal(here.block->requests, 1);
	assert_int_equal(here.block->cut_by_client, 1);
	connection_put(c);
	assert_int_equal(here.block->requests, 1);
}

/* Whoever is in a parse goes on with it; the close tells. */
static void a_reset_waits_for_no_other_thread(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	move(c, CONNECTION_READ, REQUEST);
	for (int way = CONNECTION_READ; way <= CONNECTION_WRITE; way++) {
		atomic_store(&c->owned[way], 1);
		connection_gone(c, true);
		assert_int_equal(c->owned[way], 1);
		assert_int_equal(c->owned[!way], 0);
		assert_int_equal(c->raced[way], 0);
		atomic_store(&c->owned[way], 0);
	}
	assert_int_equal(here.block->requests, 0);
	assert_int_equal(here.block->lost[RS_LOST_RACE], 0);
	connection_put(c);
	assert_int_equal(here.block->aborted, 1);
}

static void unknown_content_may_be_forgotten(void **state)
{
	struct connection *c = connection_open(EXCHANGE_UNKNOWN);

	(void)state;
	assert_true(move(c, CONNECTION_READ, "G"));
	assert_false(move(c, CONNECTION_READ, "arbage\n"));
	connection_put(c);
	assert_int_equal(here.block->opened, 0);
	assert_int_equal(here.block->begun, 0);
}

#if defined(__x86_64__)
static const struct connection *volatile used;
static volatile int looks, early;

static bool has_turn(enum connection_way way)
{
	return atomic_load(&used->owned[way]) != 0;
}

static void on_trap(int number)
{
	const struct exchange *x = &used->exchange;

	(void)number;
	looks++;
	if (has_turn(CONNECTION_READ) && has_turn(CONNECTION_WRITE))
		return;
	early += x->in.step != HTTP1_AT_START || x->preface.step != PREFACE_FIRST || !used->id ||
		 atomic_load(&x->trust) != EXCHANGE_ACCEPTED;
}

/* Another thread may know the object by a word that was taken out of the table just now. */
static void an_object_is_nobodys_turn_until_it_is_made_anew(void **state)
{
	struct connection *c = connection_open(EXCHANGE_ACCEPTED);

	(void)state;
	move(c, CONNECTION_READ, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nbody");
	connection_put(c);
	used = c;
	signal(SIGTRAP, on_trap);
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
	c = connection_open(EXCHANGE_ACCEPTED);
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
	signal(SIGTRAP, SIG_DFL);
	assert_ptr_equal(c, used);
	assert_true(looks > 20);
	assert_int_equal(early, 0);
	assert_false(has_turn(CONNECTION_READ));
	assert_false(has_turn(CONNECTION_WRITE));
	connection_put(c);
}
#endif

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_listed_while_it_lasts_and_emitted_at_its_end),
#if defined(__x86_64__)
		TEST(an_object_is_nobodys_turn_until_it_is_made_anew),
#endif
		TEST(an_answer_in_pieces_is_listed_as_far_as_it_is),
		TEST(the_last_of_its_descriptors_ends_it),
		TEST(a_lost_race_is_told_and_ends_a_direction_only),
		TEST(a_parent_that_handed_its_request_on_says_nothing),
		TEST(a_parent_that_goes_on_keeps_its_request),
		TEST(a_child_takes_over_what_it_moves_bytes_on),
		TEST(a_reset_ends_what_waits_for_an_answer_and_the_close_adds_nothing),
		TEST(the_end_of_both_directions_is_as_good_as_a_reset),
		TEST(a_reset_waits_for_no_other_thread),
		TEST(unknown_content_may_be_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
