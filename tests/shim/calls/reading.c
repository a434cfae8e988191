/*
 * reading - each call that reads from a descriptor, in every situation.
 */
#include "calls.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define READING_TEXT "GET / HTTP/1.1\r\n\r\n"
#define READING_LENGTH (sizeof(READING_TEXT) - 1)

typedef ssize_t reading_fn(int fd, void *to, size_t bytes);

struct reading {
	const char *name;
	reading_fn *by;
};

static char buffer[256];

static ssize_t by_read(int fd, void *to, size_t bytes)
{
	return read(fd, to, bytes);
}

static ssize_t by_readv(int fd, void *to, size_t bytes)
{
	struct iovec iov[2] = { { to, bytes / 2 }, { (char *)to + bytes / 2, bytes - bytes / 2 } };

	return readv(fd, iov, 2);
}

static ssize_t by_recv(int fd, void *to, size_t bytes)
{
	return recv(fd, to, bytes, 0);
}

static ssize_t by_recvfrom(int fd, void *to, size_t bytes)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);

	return recvfrom(fd, to, bytes, 0, (struct sockaddr *)&from, &length);
}

static ssize_t by_recvmsg(int fd, void *to, size_t bytes)
{
	struct iovec iov = { to, bytes };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	return recvmsg(fd, &message, 0);
}

static ssize_t by_recvmmsg(int fd, void *to, size_t bytes)
{
	struct iovec iov = { to, bytes };
	struct mmsghdr message = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	int got = recvmmsg(fd, &message, 1, 0, NULL);

	return got < 1 ? got : (ssize_t)message.msg_len;
}

#ifdef __GLIBC__
ssize_t __read_chk(int fd, void *to, size_t bytes, size_t room);
ssize_t __recv_chk(int fd, void *to, size_t bytes, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *to, size_t bytes, size_t room, int flags,
		       struct sockaddr *from, socklen_t *length);

static ssize_t by_preadv2(int fd, void *to, size_t bytes)
{
	struct iovec iov = { to, bytes };

	return preadv2(fd, &iov, 1, -1, 0);
}

static ssize_t by_preadv64v2(int fd, void *to, size_t bytes)
{
	struct iovec iov = { to, bytes };

	return preadv64v2(fd, &iov, 1, -1, 0);
}

static ssize_t by_read_chk(int fd, void *to, size_t bytes)
{
	return __read_chk(fd, to, bytes, bytes);
}

static ssize_t by_recv_chk(int fd, void *to, size_t bytes)
{
	return __recv_chk(fd, to, bytes, bytes, 0);
}

static ssize_t by_recvfrom_chk(int fd, void *to, size_t bytes)
{
	return __recvfrom_chk(fd, to, bytes, bytes, 0, NULL, NULL);
}
#endif

static const struct reading ways[] = {
	{ "read", by_read },
	{ "readv", by_readv },
	{ "recv", by_recv },
	{ "recvfrom", by_recvfrom },
	{ "recvmsg", by_recvmsg },
	{ "recvmmsg", by_recvmmsg },
#ifdef __GLIBC__
	{ "preadv2", by_preadv2 },
	{ "preadv64v2", by_preadv64v2 },
	{ "__read_chk", by_read_chk },
	{ "__recv_chk", by_recv_chk },
	{ "__recvfrom_chk", by_recvfrom_chk },
#endif
};

static void from_no_descriptor(const struct reading *way)
{
	CALL(way->name, "-1", way->by(-1, buffer, 8));
	CALL(way->name, "closed", way->by(CALLS_CLOSED, buffer, 8));
	CALL(way->name, "beyond any limit", way->by(CALLS_BEYOND, buffer, 8));
}

static void from_what_cannot_be_read(const struct reading *way)
{
	struct calls_pair pipe;
	int folder = open("/", O_RDONLY | O_DIRECTORY);
	int path = open("/", O_PATH);
	int listener = calls_listener();
	int lonely = socket(AF_INET, SOCK_STREAM, 0);

	calls_pipe(&pipe);
	CALL(way->name, "write only", way->by(pipe.b, buffer, 8));
	CALL(way->name, "a folder", way->by(folder, buffer, 8));
	CALL(way->name, "a path", way->by(path, buffer, 8));
	CALL(way->name, "a listener", way->by(listener, buffer, 8));
	CALL(way->name, "not connected", way->by(lonely, buffer, 8));
	calls_close(&pipe);
	close(folder);
	close(path);
	close(listener);
	close(lonely);
}

static void from_a_connection(const struct reading *way)
{
	struct calls_pair tcp;

	calls_tcp(&tcp);
	calls_block(tcp.a, false);
	CALL(way->name, "nothing there", way->by(tcp.a, buffer, 8));
	CALL(way->name, "nothing wanted", way->by(tcp.a, buffer, 0));
	calls_block(tcp.a, true);
	CALLS_DO(write(tcp.b, READING_TEXT, READING_LENGTH) == READING_LENGTH);
	CALL(way->name, "to nowhere", way->by(tcp.a, calls_nowhere, 8));
	memset(buffer, '.', sizeof(buffer));
	CALL(way->name, "a part", way->by(tcp.a, buffer, 5));
	calls_bytes(buffer, 8);
	CALL(way->name, "the rest", way->by(tcp.a, buffer, sizeof(buffer)));
	calls_bytes(buffer, 20);
	shutdown(tcp.b, SHUT_WR);
	CALL(way->name, "the end", way->by(tcp.a, buffer, 8));
	CALL(way->name, "the end again", way->by(tcp.a, buffer, 8));
	calls_close(&tcp);
}

static void from_a_reset_connection(const struct reading *way)
{
	const struct linger at_once = { .l_onoff = 1 };
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALLS_DO(!setsockopt(tcp.b, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
	close(tcp.b);
	CALL(way->name, "reset", way->by(tcp.a, buffer, 8));
	CALL(way->name, "after the reset", way->by(tcp.a, buffer, 8));
	close(tcp.a);
}

static void interrupted(const struct reading *way)
{
	struct calls_pair pair;

	calls_unix(&pair, SOCK_STREAM);
	calls_alarm(true);
	CALL(way->name, "interrupted", way->by(pair.a, buffer, 8));
	calls_alarm(false);
	calls_signals();
	calls_close(&pair);
}

static void from_datagrams(const struct reading *way)
{
	struct calls_pair pair;

	calls_unix(&pair, SOCK_DGRAM);
	CALLS_DO(send(pair.b, "one", 3, 0) == 3 && send(pair.b, "", 0, 0) == 0);
	CALLS_DO(send(pair.b, "three", 5, 0) == 5);
	CALL(way->name, "a datagram cut", way->by(pair.a, buffer, 2));
	CALL(way->name, "an empty datagram", way->by(pair.a, buffer, 8));
	CALL(way->name, "a datagram", way->by(pair.a, buffer, 8));
	calls_bytes(buffer, 5);
	calls_close(&pair);
}

static void from_a_file(const struct reading *way)
{
	int file = calls_file(READING_TEXT);

	CALL(way->name, "a file", way->by(file, buffer, 5));
	calls_note("offset", lseek(file, 0, SEEK_CUR));
	CALL(way->name, "a file to its end", way->by(file, buffer, sizeof(buffer)));
	CALL(way->name, "a file at its end", way->by(file, buffer, sizeof(buffer)));
	calls_note("offset", lseek(file, 0, SEEK_CUR));
	close(file);
}

static void odd_arguments(void)
{
	struct iovec many[1025] = { { buffer, 1 } };
	struct iovec negative = { buffer, (size_t)-1 };
	struct iovec holes[3] = { { NULL, 0 }, { buffer, 3 }, { calls_nowhere, 4 } };
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALLS_DO(write(tcp.b, READING_TEXT, READING_LENGTH) == READING_LENGTH);
	CALL("read", "more than there can be", read(tcp.a, buffer, (size_t)calls_negative));
	CALL("readv", "a negative count", readv(tcp.a, many, (int)calls_negative));
	CALL("readv", "no vector", readv(tcp.a, calls_null, 0));
	CALL("readv", "a vector that is NULL", readv(tcp.a, calls_null, 1));
	CALL("readv", "a vector that is nowhere", readv(tcp.a, calls_nowhere, 1));
	CALL("readv", "too many", readv(tcp.a, many, 1025));
	CALL("readv", "a negative length", readv(tcp.a, &negative, 1));
	memset(buffer, '.', 32);
	CALL("readv", "half of it nowhere", readv(tcp.a, holes, 3));
	calls_bytes(buffer, 8);
	CALL("recv", "an unknown flag", recv(tcp.a, buffer, 2, 0x10000000));
	CALL("recvfrom", "an address nowhere",
	     recvfrom(tcp.a, buffer, 1, 0, calls_nowhere, calls_nowhere));
	calls_note("left", (long)calls_drain(tcp.a, buffer, sizeof(buffer)));
	calls_close(&tcp);
}

#ifdef __GLIBC__
static void with_an_offset(void)
{
	struct iovec iov = { buffer, 4 };
	int file = calls_file("0123456789");
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALLS_DO(write(tcp.b, READING_TEXT, READING_LENGTH) == READING_LENGTH);
	CALL("preadv2", "a socket at 0", preadv2(tcp.a, &iov, 1, 0, 0));
	CALL("preadv2", "a socket at -2", preadv2(tcp.a, &iov, 1, -2, 0));
	CALL("preadv2", "an unknown flag", preadv2(tcp.a, &iov, 1, -1, 0x40000000));
	CALL("preadv64v2", "a negative count", preadv64v2(tcp.a, &iov, (int)calls_negative, -1, 0));
	CALL("preadv2", "a file at 5", preadv2(file, &iov, 1, 5, 0));
	calls_bytes(buffer, 4);
	calls_note("offset", lseek(file, 0, SEEK_CUR));
	CALL("preadv64v2", "a file at 7", preadv64v2(file, &iov, 1, 7, 0));
	CALL("preadv2", "a file at -1", preadv2(file, &iov, 1, -1, 0));
	calls_note("offset", lseek(file, 0, SEEK_CUR));
	close(file);
	calls_close(&tcp);
}
#endif

void calls_of_reading(void)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		from_no_descriptor(&ways[i]);
		from_what_cannot_be_read(&ways[i]);
		from_a_connection(&ways[i]);
		from_a_reset_connection(&ways[i]);
		interrupted(&ways[i]);
		from_datagrams(&ways[i]);
		from_a_file(&ways[i]);
	}
	odd_arguments();
#ifdef __GLIBC__
	with_an_offset();
#endif
	calls_descriptors();
}
