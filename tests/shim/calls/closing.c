/*
 * closing - every way to close a descriptor, and what is left open.
 */
#include "calls.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void closing_open(int last)
{
	struct calls_pair tcp;

	calls_tcp(&tcp);
	while (dup(tcp.a) < last)
		;
}

static void one_by_one(void)
{
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALL("close", "-1", close(-1));
	CALL("close", "closed", close(CALLS_CLOSED));
	CALL("close", "beyond any limit", close(CALLS_BEYOND));
	CALL("close", "a connection", close(tcp.a));
	CALL("close", "a connection twice", close(tcp.a));
	CALL("syscall", "close", syscall(SYS_close, tcp.b));
	CALL("syscall", "close twice", syscall(SYS_close, tcp.b));
	CALL("syscall", "close -1", syscall(SYS_close, -1));
	calls_descriptors();
}

#ifdef __GLIBC__
static void by_range(void)
{
	closing_open(14);
	CALL("close_range", "from above to", close_range(10, 5, 0));
	CALL("close_range", "an unknown flag", close_range(5, 6, 0x100));
	CALL("close_range", "none there", close_range(800, 850, 0));
	CALL("close_range", "some", close_range(5, 7, 0));
	calls_descriptors();
	CALL("close_range", "at exec only", close_range(8, 10, CLOSE_RANGE_CLOEXEC));
	calls_descriptors();
	CALL("close_range", "unshared", close_range(12, ~0U, CLOSE_RANGE_UNSHARE));
	calls_descriptors();
	CALL("close_range", "all the rest", close_range(3, ~0U, 0));
	closing_open(9);
	closefrom(6);
	calls_descriptors();
	closefrom(CALLS_BEYOND);
	closefrom(3);
	calls_descriptors();
}
#else
static void by_range(void)
{
	closing_open(14);
}
#endif

static void by_range_and_number(void)
{
	closing_open(9);
	CALL("syscall", "close_range, from above to", syscall(SYS_close_range, 10, 5, 0));
	CALL("syscall", "close_range, an unknown flag", syscall(SYS_close_range, 5, 6, 0x100));
	CALL("syscall", "close_range, at exec only",
	     syscall(SYS_close_range, 4, 5, CLOSE_RANGE_CLOEXEC));
	calls_descriptors();
	CALL("syscall", "close_range, all", syscall(SYS_close_range, 3, ~0U, 0));
	calls_descriptors();
}

/* Numbers are given out again from below, as ever. */
static void numbers_come_again(void)
{
	struct calls_pair tcp;

	closing_open(6);
	CALLS_DO(!close(4));
	CALL("dup", "the lowest is free", dup(0));
	calls_close_all();
	calls_tcp(&tcp);
	calls_note("accepted", tcp.a);
	calls_note("connected", tcp.b);
	calls_close(&tcp);
}

void calls_of_closing(void)
{
	one_by_one();
	by_range();
	by_range_and_number();
	numbers_come_again();
	calls_descriptors();
}
