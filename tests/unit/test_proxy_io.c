#include "../../agent/proxy/proxy_io.c" /* white box: links without a loop */
#include "rs_test.h"

static struct proxy p;
static struct proxy_link end;
static int other;

static int open_pair(void **state)
{
	int pair[2];

	(void)state;
	p.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
		return -1;
	other = pair[1];
	return proxy_io_watch(&p, &end, pair[0], PROXY_CLIENT);
}

static int close_pair(void **state)
{
	(void)state;
	close(other);
	proxy_io_close(&p, &end);
	proxy_io_blocks_close(&p);
	close(p.epoll);
	p = (struct proxy){ .epoll = -1 };
	return 0;
}

static void blocks_are_used_again(void **state)
{
	struct proxy_buffer one = { .at = NULL }, two = { .at = NULL };
	char *first;

	(void)state;
	assert_true(proxy_io_block(&p, &one));
	first = one.at;
	assert_int_equal(one.size, PROXY_BLOCK);
	assert_true(proxy_io_block(&p, &one)); /* it has one */
	assert_ptr_equal(one.at, first);
	proxy_io_release(&p, &one);
	assert_null(one.at);
	assert_int_equal(one.size, 0);
	proxy_io_release(&p, &one); /* which is none */
	assert_true(proxy_io_block(&p, &two));
	assert_ptr_equal(two.at, first);
	two.at = realloc(two.at, 2 * PROXY_BLOCK);
	two.size = 2 * PROXY_BLOCK;
	proxy_io_release(&p, &two); /* grown: it is no block any more */
	assert_null(p.blocks);
}

static void a_crowd_of_blocks_is_given_back(void **state)
{
	static struct proxy_buffer many[PROXY_BLOCKS + 9];

	(void)state;
	for (size_t i = 0; i < PROXY_BLOCKS + 9; i++)
		assert_true(proxy_io_block(&p, &many[i]));
	for (size_t i = 0; i < PROXY_BLOCKS + 9; i++)
		proxy_io_release(&p, &many[i]);
	assert_int_equal(p.block_count, PROXY_BLOCKS);
	assert_true(proxy_io_block(&p, &many[0]));
	assert_int_equal(p.block_count, PROXY_BLOCKS - 1);
	proxy_io_release(&p, &many[0]);
}

static void a_read_remembers_whether_there_is_more(void **state)
{
	char room[4];
	struct proxy_buffer b = { .at = room, .size = 4 };

	(void)state;
	end.readable = true;
	assert_int_equal(send(other, "abcdef", 6, 0), 6);
	assert_int_equal(proxy_io_read(&end, &b), 4);
	assert_true(end.readable);
	b.end = 0;
	assert_int_equal(proxy_io_read(&end, &b), 2);
	assert_false(end.readable);
	end.readable = true;
	assert_int_equal(proxy_io_read(&end, &b), -EAGAIN);
	assert_false(end.readable);
	assert_int_equal(send(other, "g", 1, 0), 1);
	shutdown(other, SHUT_WR);
	end.readable = end.ended = true;
	b.end = 0;
	assert_int_equal(proxy_io_read(&end, &b), 1);
	assert_true(end.readable); /* the end stands behind */
	assert_int_equal(proxy_io_read(&end, &b), 0);
}

static void a_write_remembers_whether_it_was_all(void **state)
{
	static char much[4 << 20], ab[] = "ab", c[] = "c";
	const struct iovec small[3] = { { ab, 2 }, { NULL, 0 }, { c, 1 } };
	const struct iovec large[1] = { { much, sizeof(much) } };
	char got[4] = "";
	ssize_t n;

	(void)state;
	end.writable = true;
	assert_int_equal(proxy_io_write(&end, small, 3), 3);
	assert_true(end.writable);
	assert_int_equal(recv(other, got, 3, 0), 3);
	assert_string_equal(got, "abc");
	assert_int_equal(proxy_io_write(&end, &small[1], 1), 0);
	n = proxy_io_write(&end, large, 1);
	assert_true(n > 0 && (size_t)n < sizeof(much));
	assert_false(end.writable);
	assert_int_equal(proxy_io_write(&end, large, 1), 0);
	close(other);
	assert_int_equal(proxy_io_write(&end, large, 1), -EPIPE); /* and no signal */
	other = -1;
}

static void a_link_is_queued_once_and_freed_behind(void **state)
{
	(void)state;
	proxy_io_queue(&p, &end);
	proxy_io_queue(&p, &end);
	assert_ptr_equal(p.first_ready, &end);
	assert_ptr_equal(p.last_ready, &end);
	assert_null(end.next);
	proxy_io_close(&p, &end);
	assert_int_equal(end.fd, -1);
	assert_null(p.dead); /* by who takes it from the queue */
	p.first_ready = p.last_ready = NULL;
	end.queued = false;
	proxy_io_queue(&p, &end);
	assert_null(p.first_ready); /* it is closed */
}

static void counts_go_both_ways(void **state)
{
	(void)state;
	proxy_count(&p, open);
	proxy_count(&p, open);
	proxy_uncount(&p, open);
	assert_int_equal(p.counts[PROXY_COUNT_AT(open)], 1);
}

#define IO_TEST(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IO_TEST(blocks_are_used_again),
		IO_TEST(a_crowd_of_blocks_is_given_back),
		IO_TEST(a_read_remembers_whether_there_is_more),
		IO_TEST(a_write_remembers_whether_it_was_all),
		IO_TEST(a_link_is_queued_once_and_freed_behind),
		IO_TEST(counts_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
