/*
 * writing - each call that writes bytes to a descriptor, in every situation.
 */
#include "calls.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define WRITING_TEXT "HTTP/1.1 200 OK\r\n\r\n"
#define WRITING_LENGTH (sizeof(WRITING_TEXT) - 1)

typedef ssize_t writing_fn(int fd, void *from, size_t bytes);

struct writing {
	const char *name;
	writing_fn *by;
};

static char text[] = WRITING_TEXT;
static char big[1 << 20];
static char got[1 << 20];

static ssize_t by_write(int fd, void *from, size_t bytes)
{
	return write(fd, from, bytes);
}

static ssize_t by_writev(int fd, void *from, size_t bytes)
{
	struct iovec iov[2] = { { from, bytes / 2 },
				{ (char *)from + bytes / 2, bytes - bytes / 2 } };

	return writev(fd, iov, 2);
}

static ssize_t by_send(int fd, void *from, size_t bytes)
{
	return send(fd, from, bytes, 0);
}

static ssize_t by_sendto(int fd, void *from, size_t bytes)
{
	return sendto(fd, from, bytes, 0, NULL, 0);
}

static ssize_t by_sendmsg(int fd, void *from, size_t bytes)
{
	struct iovec iov = { from, bytes };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	return sendmsg(fd, &message, 0);
}

static ssize_t by_sendmmsg(int fd, void *from, size_t bytes)
{
	struct iovec iov = { from, bytes };
	struct mmsghdr message = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	int sent = sendmmsg(fd, &message, 1, 0);

	return sent < 1 ? sent : (ssize_t)message.msg_len;
}

#ifdef __GLIBC__
static ssize_t by_pwritev2(int fd, void *from, size_t bytes)
{
	struct iovec iov = { from, bytes };

	return pwritev2(fd, &iov, 1, -1, 0);
}

static ssize_t by_pwritev64v2(int fd, void *from, size_t bytes)
{
	struct iovec iov = { from, bytes };

	return pwritev64v2(fd, &iov, 1, -1, 0);
}
#endif

static const struct writing ways[] = {
	{ "write", by_write },       { "writev", by_writev },           { "send", by_send },
	{ "sendto", by_sendto },     { "sendmsg", by_sendmsg },         { "sendmmsg", by_sendmmsg },
#ifdef __GLIBC__
	{ "pwritev2", by_pwritev2 }, { "pwritev64v2", by_pwritev64v2 },
#endif
};

static void to_no_descriptor(const struct writing *way)
{
	CALL(way->name, "-1", way->by(-1, text, 8));
	CALL(way->name, "closed", way->by(CALLS_CLOSED, text, 8));
	CALL(way->name, "beyond any limit", way->by(CALLS_BEYOND, text, 8));
}

static void to_what_cannot_be_written(const struct writing *way)
{
	struct calls_pair pipe;
	int full = open("/dev/full", O_WRONLY);
	int path = open("/", O_PATH);
	int listener = calls_listener();
	int lonely = socket(AF_INET, SOCK_STREAM, 0);
	int datagrams = socket(AF_INET, SOCK_DGRAM, 0);

	calls_pipe(&pipe);
	CALL(way->name, "read only", way->by(pipe.a, text, 8));
	CALL(way->name, "a full device", way->by(full, text, 8));
	CALL(way->name, "a path", way->by(path, text, 8));
	CALL(way->name, "a listener", way->by(listener, text, 8));
	calls_signals();
	CALL(way->name, "not connected", way->by(lonely, text, 8));
	calls_signals();
	CALL(way->name, "to nobody", way->by(datagrams, text, 8));
	calls_close(&pipe);
	close(full);
	close(path);
	close(listener);
	close(lonely);
	close(datagrams);
}

static void to_a_connection(const struct writing *way)
{
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALL(way->name, "all", way->by(tcp.a, text, WRITING_LENGTH));
	CALL(way->name, "nothing", way->by(tcp.a, text, 0));
	CALL(way->name, "from nowhere", way->by(tcp.a, calls_nowhere, 8));
	calls_bytes(got, calls_drain(tcp.b, got, sizeof(got)));
	shutdown(tcp.a, SHUT_WR);
	CALL(way->name, "after shutdown", way->by(tcp.a, text, 8));
	calls_signals();
	calls_close(&tcp);
}

static void to_nobody(const struct writing *way)
{
	struct calls_pair pair;

	calls_unix(&pair, SOCK_STREAM);
	close(pair.b);
	CALL(way->name, "broken, with a signal", way->by(pair.a, text, 8));
	calls_signals();
	CALLS_DO(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	CALL(way->name, "broken, without", way->by(pair.a, text, 8));
	close(pair.a);
}

/* How much fits is the kernel's: that it is a part, and that all of it arrives, is shown. */
static void more_than_fits(const struct writing *way)
{
	struct calls_pair pair;
	ssize_t sent;
	size_t arrived;

	calls_unix(&pair, SOCK_STREAM);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 >> 3);
	calls_block(pair.a, false);
	errno = CALLS_UNTOUCHED;
	sent = way->by(pair.a, big, sizeof(big));
	calls_say(way->name, "a part", sent > 0 && (size_t)sent < sizeof(big), errno);
	arrived = calls_drain(pair.b, got, sizeof(got));
	calls_note("arrived as sent", arrived == (size_t)sent && !memcmp(got, big, arrived));
	calls_fill(pair.a);
	calls_block(pair.a, false);
	CALL(way->name, "full", way->by(pair.a, text, 8));
	calls_block(pair.a, true);
	calls_alarm(true);
	CALL(way->name, "interrupted", way->by(pair.a, text, 8));
	calls_alarm(false);
	calls_signals();
	calls_close(&pair);
}

static void to_a_file(const struct writing *way)
{
	int file = calls_file("0123456789");

	CALL(way->name, "a file", way->by(file, text, 4));
	calls_note("offset", lseek(file, 0, SEEK_CUR));
	CALLS_DO(!fcntl(file, F_SETFL, O_APPEND));
	CALL(way->name, "a file's end", way->by(file, text, 4));
	calls_note("offset", lseek(file, 0, SEEK_SET));
	calls_bytes(got, (size_t)read(file, got, 64));
	close(file);
}

static void beyond_the_limit_of_files(const struct writing *way)
{
	struct rlimit before, small;
	int file = calls_file("");

	CALLS_DO(!getrlimit(RLIMIT_FSIZE, &before));
	small = before;
	small.rlim_cur = 6;
	CALLS_DO(!setrlimit(RLIMIT_FSIZE, &small));
	errno = CALLS_UNTOUCHED;
	{
		ssize_t first = way->by(file, text, 8);
		int error = errno;
		ssize_t second = way->by(file, text, 8);
		int after = errno;

		CALLS_DO(!setrlimit(RLIMIT_FSIZE, &before)); /* ahead of a line printed to a file */
		calls_say(way->name, "up to the limit", first, error);
		calls_say(way->name, "beyond the limit", second, after);
	}
	calls_signals();
	close(file);
}

static void odd_arguments(void)
{
	static struct iovec many[1025];
	struct iovec negative = { text, (size_t)-1 };
	struct iovec holes[3] = { { NULL, 0 }, { text, 3 }, { calls_nowhere, 4 } };
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALL("write", "more than there can be",
	     write(tcp.a, calls_nowhere, (size_t)calls_negative));
	CALL("writev", "a negative count", writev(tcp.a, holes, (int)calls_negative));
	CALL("writev", "no vector", writev(tcp.a, calls_null, 0));
	CALL("writev", "a vector that is NULL", writev(tcp.a, calls_null, 1));
	CALL("writev", "a vector that is nowhere", writev(tcp.a, calls_nowhere, 1));
	CALL("writev", "too many", writev(tcp.a, many, 1025));
	CALL("writev", "a negative length", writev(tcp.a, &negative, 1));
	CALL("writev", "half of it nowhere", writev(tcp.a, holes, 3));
	calls_bytes(got, calls_drain(tcp.b, got, sizeof(got)));
	CALL("sendmmsg", "no messages", sendmmsg(tcp.a, calls_null, 0, 0));
	CALL("sendto", "an address, connected",
	     sendto(tcp.a, text, 4, 0, calls_nowhere, sizeof(struct sockaddr_storage)));
	CALL("send", "an urgent byte", send(tcp.a, "!", 1, MSG_OOB));
	CALL("send", "more to come", send(tcp.a, text, 4, MSG_MORE));
	CALL("send", "the rest of it", send(tcp.a, text, 4, MSG_NOSIGNAL | MSG_DONTWAIT));
	calls_bytes(got, calls_drain(tcp.b, got, sizeof(got)));
	calls_close(&tcp);
}

static void several_messages(void)
{
	struct iovec iov[3] = { { text, 4 }, { text + 4, 5 }, { calls_nowhere, 6 } };
	struct mmsghdr messages[3] = { 0 };
	struct calls_pair pair;

	for (int i = 0; i < 3; i++) {
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	calls_unix(&pair, SOCK_STREAM);
	CALL("sendmmsg", "two", sendmmsg(pair.a, messages, 2, 0));
	calls_note("first", messages[0].msg_len);
	calls_note("second", messages[1].msg_len);
	CALL("sendmmsg", "the third is nowhere", sendmmsg(pair.a, messages, 3, 0));
	CALL("sendmmsg", "all are nowhere", sendmmsg(pair.a, messages + 2, 1, 0));
	calls_bytes(got, calls_drain(pair.b, got, sizeof(got)));
	calls_close(&pair);
}

void calls_of_writing(void)
{
	struct sigaction pipe_action;

	CALLS_DO(!sigaction(SIGPIPE, NULL, &pipe_action));
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		to_no_descriptor(&ways[i]);
		to_what_cannot_be_written(&ways[i]);
		to_a_connection(&ways[i]);
		to_nobody(&ways[i]);
		CALLS_DO(!sigaction(SIGPIPE, &pipe_action, NULL));
		more_than_fits(&ways[i]);
		to_a_file(&ways[i]);
		beyond_the_limit_of_files(&ways[i]);
	}
	odd_arguments();
	several_messages();
	calls_descriptors();
}
