/*
 * messages - the flags of receiving, several messages at once, and descriptors that travel.
 */
#include "calls.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES_FDS 3

union messages_control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(MESSAGES_FDS * sizeof(int))];
};

static char buffer[256];

static void flags_of_a_stream(void)
{
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALLS_DO(send(tcp.b, "0123456789abcdef", 16, 0) == 16);
	CALL("recv", "a peek", recv(tcp.a, buffer, 8, MSG_PEEK));
	CALL("recv", "a peek again", recv(tcp.a, buffer, sizeof(buffer), MSG_PEEK));
	calls_bytes(buffer, 16);
	memset(buffer, '.', sizeof(buffer));
	CALL("recv", "thrown away", recv(tcp.a, calls_null, 4, MSG_TRUNC));
	CALL("recv", "what follows", recv(tcp.a, buffer, 4, 0));
	calls_bytes(buffer, 6);
	CALL("recv", "all of what is there", recv(tcp.a, buffer, 8, MSG_WAITALL));
	CALL("recv", "without waiting", recv(tcp.a, buffer, 8, MSG_DONTWAIT));
	CALL("recvfrom", "a peek without waiting",
	     recvfrom(tcp.a, buffer, 8, MSG_PEEK | MSG_DONTWAIT, NULL, NULL));
	CALL("recv", "the queue of errors", recv(tcp.a, buffer, 8, MSG_ERRQUEUE));
	CALL("recv", "no urgent byte", recv(tcp.a, buffer, 1, MSG_OOB));
	CALLS_DO(send(tcp.b, "ab", 2, 0) == 2 && shutdown(tcp.b, SHUT_WR) == 0);
	CALL("recv", "all, and the end comes first", recv(tcp.a, buffer, 8, MSG_WAITALL));
	CALL("recv", "a peek at the end", recv(tcp.a, buffer, 8, MSG_PEEK));
	calls_close(&tcp);
}

static void an_urgent_byte(void)
{
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALLS_DO(!fcntl(tcp.a, F_SETOWN, getpid()));
	CALL("send", "urgent", send(tcp.b, "ab!", 3, MSG_OOB));
	CALL("recv", "ahead of the urgent", recv(tcp.a, buffer, 8, 0));
	CALL("recv", "the urgent", recv(tcp.a, buffer, 8, MSG_OOB));
	calls_bytes(buffer, 1);
	CALL("recv", "the urgent twice", recv(tcp.a, buffer, 8, MSG_OOB));
	calls_signals();
	calls_close(&tcp);
}

static void all_interrupted(void)
{
	struct calls_pair pair;

	calls_unix(&pair, SOCK_STREAM);
	CALLS_DO(send(pair.b, "abc", 3, 0) == 3);
	calls_alarm(true);
	CALL("recv", "all, interrupted", recv(pair.a, buffer, 8, MSG_WAITALL));
	calls_alarm(false);
	calls_signals();
	calls_close(&pair);
}

static void several(void)
{
	const struct timespec soon = { 0, 1000000 }, bad = { -1, 0 };
	struct timespec left = soon, never = bad;
	struct iovec iov[3] = { { buffer, 8 }, { buffer + 8, 2 }, { buffer + 16, 8 } };
	struct mmsghdr messages[3] = { 0 };
	struct calls_pair pair;

	for (int i = 0; i < 3; i++) {
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	calls_unix(&pair, SOCK_DGRAM);
	CALLS_DO(send(pair.b, "first", 5, 0) == 5 && send(pair.b, "second", 6, 0) == 6);
	CALL("recvmmsg", "two of three", recvmmsg(pair.a, messages, 3, MSG_DONTWAIT, NULL));
	calls_note("first", messages[0].msg_len);
	calls_note("second", messages[1].msg_len);
	calls_note("its flags", messages[1].msg_hdr.msg_flags);
	CALL("recvmmsg", "none there", recvmmsg(pair.a, messages, 3, MSG_DONTWAIT, NULL));
	CALLS_DO(send(pair.b, "third", 5, 0) == 5);
	CALL("recvmmsg", "one, then no waiting",
	     recvmmsg(pair.a, messages, 3, MSG_WAITFORONE, &left));
	CALL("recvmmsg", "a time that is none", recvmmsg(pair.a, messages, 3, 0, &never));
	CALL("recvmmsg", "none wanted", recvmmsg(pair.a, messages, 0, 0, NULL));
	calls_close(&pair);
}

static void addresses(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(at);
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);

	CALLS_DO(!bind(a, (struct sockaddr *)&at, sizeof(at)));
	CALLS_DO(!getsockname(a, (struct sockaddr *)&at, &length));
	CALL("sendto", "an address", sendto(b, "hello", 5, 0, (struct sockaddr *)&at, length));
	CALL("sendto", "an address too short", sendto(b, "hello", 5, 0, (struct sockaddr *)&at, 3));
	length = 8;
	CALL("recvfrom", "a short address",
	     recvfrom(a, buffer, 8, 0, (struct sockaddr *)&at, &length));
	calls_note("its length", length);
	calls_note("its family", at.sin_family);
	close(a);
	close(b);
}

static void pass(int over, const int *fds, size_t count)
{
	union messages_control control = { 0 };
	struct iovec iov = { buffer, 4 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(count * sizeof(int)) };

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
	CALL("sendmsg", "descriptors", sendmsg(over, &message, 0));
}

static void take(int over, const char *of, size_t room, int flags)
{
	union messages_control control = { 0 };
	struct iovec iov = { buffer, 4 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room
	};

	CALL("recvmsg", of, recvmsg(over, &message, flags));
	calls_note("control", (long)message.msg_controllen);
	calls_note("flags", message.msg_flags);
	if (message.msg_controllen < CMSG_LEN(sizeof(int)))
		return;
	for (size_t i = 0; i < (control.head.cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(&control.head) + i * sizeof(int), sizeof(fd));
		calls_note("descriptor", fd);
		calls_note("as sent", write(fd, "x", 1));
		close(fd);
	}
}

static void descriptors(void)
{
	struct calls_pair pair, pipe;
	int fds[MESSAGES_FDS], bad = CALLS_CLOSED;

	calls_unix(&pair, SOCK_STREAM);
	calls_pipe(&pipe);
	for (int i = 0; i < MESSAGES_FDS; i++)
		fds[i] = pipe.b;
	pass(pair.b, &bad, 1);
	pass(pair.b, fds, 1);
	take(pair.a, "a descriptor", sizeof(union messages_control), 0);
	pass(pair.b, fds, MESSAGES_FDS);
	take(pair.a, "three", sizeof(union messages_control), MSG_CMSG_CLOEXEC);
	pass(pair.b, fds, MESSAGES_FDS);
	take(pair.a, "room for one", CMSG_SPACE(sizeof(int)), 0);
	pass(pair.b, fds, MESSAGES_FDS);
	take(pair.a, "no room", 0, 0);
	pass(pair.b, fds, 1);
	take(pair.a, "a peek", sizeof(union messages_control), MSG_PEEK);
	CALL("read", "what came with descriptors", read(pair.a, buffer, 4));
	calls_bytes(buffer, calls_drain(pipe.a, buffer, sizeof(buffer)));
	calls_close(&pair);
	calls_close(&pipe);
}

static void odd_messages(void)
{
	static struct iovec many[1025];
	struct iovec iov = { buffer, 4 };
	struct msghdr message = { .msg_iov = many, .msg_iovlen = 1025 };
	struct calls_pair pair;

	calls_unix(&pair, SOCK_STREAM);
	CALLS_DO(send(pair.b, "abcdefgh", 8, 0) == 8);
	CALL("recvmsg", "too many pieces", recvmsg(pair.a, &message, 0));
	message.msg_iovlen = 0;
	CALL("recvmsg", "no pieces", recvmsg(pair.a, &message, 0));
	message = (struct msghdr){ .msg_iov = calls_nowhere, .msg_iovlen = 1 };
	CALL("recvmsg", "pieces nowhere", recvmsg(pair.a, &message, 0));
	message = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	message.msg_control = calls_nowhere;
	message.msg_controllen = 100;
	CALL("recvmsg", "control nowhere", recvmsg(pair.a, &message, 0));
	calls_note("control", (long)message.msg_controllen);
	CALL("recvmsg", "a peek", recvmsg(pair.a, &message, MSG_PEEK));
	calls_bytes(buffer, 4);
	calls_close(&pair);
}

#ifdef __GLIBC__ /* musl itself looks at a message first */
static void nowhere(void)
{
	struct calls_pair tcp;

	calls_tcp(&tcp);
	CALLS_DO(send(tcp.b, "abcd", 4, 0) == 4);
	CALL("recvmsg", "a message that is NULL", recvmsg(tcp.a, calls_null, 0));
	CALL("recvmsg", "a message that is nowhere", recvmsg(tcp.a, calls_nowhere, 0));
	CALL("recvmmsg", "messages nowhere", recvmmsg(tcp.a, calls_nowhere, 2, 0, NULL));
	CALL("sendmsg", "a message that is NULL", sendmsg(tcp.a, calls_null, 0));
	CALL("sendmsg", "a message that is nowhere", sendmsg(tcp.a, calls_nowhere, 0));
	CALL("sendmmsg", "messages nowhere", sendmmsg(tcp.a, calls_nowhere, 2, 0));
	CALL("recv", "what is there still", recv(tcp.a, buffer, 8, 0));
	calls_close(&tcp);
}
#endif

void calls_of_messages(void)
{
	flags_of_a_stream();
	an_urgent_byte();
	all_interrupted();
	several();
	addresses();
	descriptors();
	odd_messages();
#ifdef __GLIBC__
	nowhere();
#endif
	calls_descriptors();
}
