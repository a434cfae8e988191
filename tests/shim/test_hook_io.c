/*
 * Every call that moves bytes, with results and errno as without us, each request counted once.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#define REQUEST "GET /io HTTP/1.1\r\nHost: h\r\n\r\n"
#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
#define BODY "body"

ssize_t __read_chk(int fd, void *to, size_t bytes, size_t room);
ssize_t __recv_chk(int fd, void *to, size_t bytes, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *to, size_t bytes, size_t room, int flags,
		       struct sockaddr *from, socklen_t *length);

enum { READS = 11, WRITES = 8, BODIES = 3 };

static struct host_pair pair;
static struct rs_header *header;
static char buffer[256];
static char got_big[1 << 16];
static int file;
static int pipes[2];

static ssize_t read_by(int way, size_t n)
{
	struct iovec iov[2] = { { buffer, n / 2 }, { buffer + n / 2, n - n / 2 } };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	struct mmsghdr messages = { .msg_hdr = message };

	switch (way) {
	case 0:
		return read(pair.server, buffer, n);
	case 1:
		return readv(pair.server, iov, 2);
	case 2:
		return recv(pair.server, buffer, n, 0);
	case 3:
		return recvfrom(pair.server, buffer, n, 0, NULL, NULL);
	case 4:
		return recvmsg(pair.server, &message, 0);
	case 5:
		return __read_chk(pair.server, buffer, n, sizeof(buffer));
	case 6:
		return __recv_chk(pair.server, buffer, n, sizeof(buffer), 0);
	case 7:
		return __recvfrom_chk(pair.server, buffer, n, sizeof(buffer), 0, NULL, NULL);
	case 8:
		return preadv2(pair.server, iov, 2, -1, 0);
	case 9:
		return preadv64v2(pair.server, iov, 2, -1, 0);
	default:
		return recvmmsg(pair.server, &messages, 1, 0, NULL) == 1 ? (ssize_t)messages.msg_len
									 : -1;
	}
}

static ssize_t write_by(int way, const char *from, size_t n)
{
	char *bytes = (char *)(uintptr_t)from;
	struct iovec iov[2] = { { bytes, 1 }, { bytes + 1, n - 1 } };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	struct mmsghdr messages = { .msg_hdr = message };

	switch (way) {
	case 0:
		return write(pair.server, from, n);
	case 1:
		return writev(pair.server, iov, 2);
	case 2:
		return send(pair.server, from, n, MSG_NOSIGNAL);
	case 3:
		return sendto(pair.server, from, n, 0, NULL, 0);
	case 4:
		return sendmsg(pair.server, &message, 0);
	case 5:
		return pwritev2(pair.server, iov, 2, -1, 0);
	case 6:
		return pwritev64v2(pair.server, iov, 2, -1, 0);
	default:
		return sendmmsg(pair.server, &messages, 1, 0) == 1 ? (ssize_t)messages.msg_len : -1;
	}
}

static ssize_t body_by(int way)
{
	off_t at = 0;
	off64_t at64 = 0;

	switch (way) {
	case 0:
		return sendfile(pair.server, file, &at, 4);
	case 1:
		return sendfile64(pair.server, file, &at64, 4);
	default:
		HOST_CHECK(splice(file, &at64, pipes[1], NULL, 4, 0) == 4);
		return splice(pipes[0], NULL, pair.server, NULL, 4, 0);
	}
}

static void ask(const char *request)
{
	size_t n = strlen(request);

	HOST_CHECK(write(pair.client, request, n) == (ssize_t)n);
}

static void answered(void)
{
	char got[256];

	HOST_CHECK(recv(pair.client, got, strlen(HEAD BODY), MSG_WAITALL) ==
		   (ssize_t)strlen(HEAD BODY));
	HOST_CHECK(!memcmp(got, HEAD BODY, strlen(HEAD BODY)));
}

static void every_call_is_seen(void)
{
	uint64_t served = HOST_SUM(header, requests);
	ssize_t n = (ssize_t)strlen(REQUEST);

	for (int r = 0; r < READS; r++) {
		for (int w = 0; w < WRITES * BODIES; w++) {
			ask(REQUEST);
			errno = 77; /* a call that succeeds leaves it alone, and so do we */
			HOST_CHECK(read_by(r, (size_t)n) == n);
			HOST_CHECK(write_by(w % WRITES, HEAD, strlen(HEAD)) ==
				   (ssize_t)strlen(HEAD));
			HOST_CHECK(HOST_SUM(header, requests) == served);
			HOST_CHECK(body_by(w / WRITES) == 4);
			HOST_CHECK(HOST_SUM(header, requests) == ++served);
			HOST_CHECK(errno == 77);
			answered();
		}
	}
	HOST_CHECK(HOST_SUM(header, status[1]) == served);
}

static void what_moves_nothing_counts_nothing(void)
{
	uint64_t begun = HOST_SUM(header, begun);
	uint64_t served = HOST_SUM(header, requests);
	ssize_t n = (ssize_t)strlen(REQUEST);

	errno = 0;
	HOST_CHECK(recv(pair.server, buffer, 10, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	errno = 0;
	HOST_CHECK(read(-1, buffer, 10) == -1 && errno == EBADF);
	HOST_CHECK(write(pair.server, "", 0) == 0);
	ask(REQUEST);
	HOST_CHECK(recv(pair.server, buffer, sizeof(buffer), MSG_PEEK) == n);
	HOST_CHECK(HOST_SUM(header, begun) == begun);
	HOST_CHECK(read(pair.server, buffer, 0) == 0);
	HOST_CHECK(read_by(2, (size_t)n) == n);
	HOST_CHECK(HOST_SUM(header, begun) == begun + 1);
	HOST_CHECK(write_by(0, HEAD BODY, strlen(HEAD BODY)) > 0);
	HOST_CHECK(HOST_SUM(header, requests) == served + 1);
	answered();
}

/* Its 0 says that nothing was asked for, not that the client has gone. */
static void an_empty_vector_is_no_end(void)
{
	uint64_t by_client = HOST_SUM(header, cut_by_client);
	uint64_t by_server = HOST_SUM(header, cut_by_server);
	struct iovec none[2] = { { buffer, 0 }, { NULL, 0 } };
	struct msghdr message = { .msg_iov = none, .msg_iovlen = 2 };
	struct host_pair cut;

	host_connect(&cut);
	HOST_CHECK(write(cut.client, REQUEST "more", strlen(REQUEST) + 4) > 0);
	HOST_CHECK(read(cut.server, buffer, strlen(REQUEST)) == (ssize_t)strlen(REQUEST));
	HOST_CHECK(readv(cut.server, none, 2) == 0 && readv(cut.server, none, 0) == 0);
	HOST_CHECK(preadv2(cut.server, none, 2, -1, 0) == 0);
	HOST_CHECK(recvmsg(cut.server, &message, 0) == 0);
	HOST_CHECK(write(cut.server, HEAD, strlen(HEAD)) == (ssize_t)strlen(HEAD));
	close(cut.server);
	close(cut.client);
	HOST_CHECK(HOST_SUM(header, cut_by_server) == by_server + 1);
	HOST_CHECK(HOST_SUM(header, cut_by_client) == by_client);
}

static void a_body_may_be_thrown_away(void)
{
	uint64_t served = HOST_SUM(header, requests);

	ask("POST /io HTTP/1.1\r\nContent-Length: 6\r\n\r\n");
	HOST_CHECK(read(pair.server, buffer, sizeof(buffer)) > 0);
	ask("GET / \n");
	HOST_CHECK(recv(pair.server, NULL, 6, MSG_TRUNC) == 6);
	HOST_CHECK(read(pair.server, buffer, 1) == 1);
	HOST_CHECK(write_by(0, HEAD BODY, strlen(HEAD BODY)) > 0);
	HOST_CHECK(HOST_SUM(header, requests) == served + 1);
	answered();
}

static void on_alarm(int number)
{
	(void)number;
}

/* A read that a signal ends, and a write of which only a part fits: bytes really moved count. */
static void interrupted_and_partial_calls_count_what_they_moved(void)
{
	static char big[1 << 20];
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n";
	struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval soon = { .it_value.tv_usec = 20000 };
	uint64_t served = HOST_SUM(header, requests);
	uint64_t out = HOST_SUM(header, bytes_out);
	size_t left = sizeof(big);
	const int small = 20000; /* less than what is sent at once */
	int partial = 0;

	HOST_CHECK(!setsockopt(pair.server, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));

	sigaction(SIGALRM, &action, NULL); /* without SA_RESTART */
	setitimer(ITIMER_REAL, &soon, NULL);
	errno = 0;
	HOST_CHECK(read(pair.server, buffer, sizeof(buffer)) == -1 && errno == EINTR);
	ask(REQUEST);
	HOST_CHECK(read(pair.server, buffer, sizeof(buffer)) > 0);
	HOST_CHECK(write_by(0, head, strlen(head)) == (ssize_t)strlen(head));
	while (left) {
		ssize_t n = send(pair.server, big, left, MSG_DONTWAIT);

		HOST_CHECK(HOST_SUM(header, requests) == served + (n == (ssize_t)left));
		partial += n > 0 && n < (ssize_t)left;
		HOST_CHECK(n > 0 || errno == EAGAIN);
		while (recv(pair.client, got_big, sizeof(got_big), MSG_DONTWAIT) > 0)
			;
		left -= n > 0 ? (size_t)n : 0;
	}
	HOST_CHECK(partial > 0);
	HOST_CHECK(HOST_SUM(header, requests) == served + 1);
	HOST_CHECK(HOST_SUM(header, bytes_out) == out + strlen(head) + sizeof(big));
}

/* The client resets: what its calls answer is the host's to see, and the request is cut short. */
static void a_reset_is_seen_and_leaves_errno_alone(void)
{
	const struct linger at_once = { .l_onoff = 1 };
	uint64_t cut = HOST_SUM(header, cut_by_client);
	uint64_t aborted = HOST_SUM(header, aborted);

	host_disconnect(&pair);
	host_connect(&pair);
	ask(REQUEST REQUEST);
	HOST_CHECK(read(pair.server, buffer, sizeof(buffer)) > 0);
	HOST_CHECK(write_by(0, HEAD "bo", strlen(HEAD "bo")) > 0);
	setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(pair.client);
	errno = 0;
	HOST_CHECK(read(pair.server, buffer, sizeof(buffer)) == -1 && errno == ECONNRESET);
	errno = 0;
	HOST_CHECK(send(pair.server, "dy", 2, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	errno = 77;
	HOST_CHECK(close(pair.server) == 0 && errno == 77);
	HOST_CHECK(HOST_SUM(header, cut_by_client) == cut + 1);
	HOST_CHECK(HOST_SUM(header, aborted) == aborted + 1);
	host_connect(&pair);
}

/* As if a system call of the host's own had moved the first body: the next answer is counted. */
static void an_answer_behind_an_unseen_body_is_counted(void)
{
	uint64_t unseen = HOST_SUM(header, unparsed[RS_UNPARSED_UNSEEN_IO]);
	uint64_t served = HOST_SUM(header, requests);
	uint64_t aborted = HOST_SUM(header, aborted);

	host_disconnect(&pair);
	host_connect(&pair);
	for (int i = 0; i < 2; i++) {
		ask(REQUEST);
		HOST_CHECK(read(pair.server, buffer, sizeof(buffer)) > 0);
		HOST_CHECK(write_by(0, HEAD, strlen(HEAD)) > 0);
	}
	host_disconnect(&pair);
	HOST_CHECK(HOST_SUM(header, requests) == served + 2);
	HOST_CHECK(HOST_SUM(header, aborted) == aborted);
	HOST_CHECK(HOST_SUM(header, unparsed[RS_UNPARSED_UNSEEN_IO]) == unseen + 1);
	host_connect(&pair);
}

/* stdio calls no function that could be hooked: such a connection is given up aloud. */
static void a_stream_on_a_connection_is_told(void)
{
	uint64_t unseen = HOST_SUM(header, unparsed[RS_UNPARSED_UNSEEN_IO]);
	uint64_t begun = HOST_SUM(header, begun);
	char line[64];
	FILE *stream, *other;

	host_disconnect(&pair);
	host_connect(&pair);
	stream = fdopen(pair.server, "r");
	HOST_CHECK(stream && HOST_SUM(header, unparsed[RS_UNPARSED_UNSEEN_IO]) == unseen + 1);
	HOST_CHECK(header->unseen & RS_UNSEEN_STDIO);
	other = fdopen(dup(pair.server), "w");
	HOST_CHECK(other && HOST_SUM(header, unparsed[RS_UNPARSED_UNSEEN_IO]) == unseen + 1);
	ask(REQUEST);
	HOST_CHECK(fgets(line, sizeof(line), stream));
	HOST_CHECK(write_by(0, HEAD BODY, strlen(HEAD BODY)) > 0);
	answered();
	HOST_CHECK(HOST_SUM(header, begun) == begun);
	fclose(stream);
	fclose(other);
}

/* A regular file may hold a request; nothing answers in it. */
static void a_file_is_no_connection(void)
{
	uint64_t begun = HOST_SUM(header, begun);
	int other = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	HOST_CHECK(other >= 0);
	HOST_CHECK(write(other, REQUEST, strlen(REQUEST)) > 0);
	HOST_CHECK(!lseek(other, 0, SEEK_SET));
	HOST_CHECK(read(other, buffer, sizeof(buffer)) > 0);
	HOST_CHECK(write(other, "more", 4) == 4);
	close(other);
	HOST_CHECK(HOST_SUM(header, begun) == begun);
}

int main(void)
{
	const int on = 1;

	header = host_segment_wanted();
	host_listen_as_agent(header);
	file = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (file < 0)
		return host_skip("/dev/shm takes no unnamed files");
	HOST_CHECK(write(file, BODY, 4) == 4 && !pipe2(pipes, O_CLOEXEC));
	host_connect(&pair);
	/* Head and body are two segments: without this each reply waits for an acknowledgement. */
	HOST_CHECK(!setsockopt(pair.server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	every_call_is_seen();
	what_moves_nothing_counts_nothing();
	an_empty_vector_is_no_end();
	a_body_may_be_thrown_away();
	a_file_is_no_connection();
	for (int i = 0; i < RS_UNPARSED_REASONS - 1; i++)
		HOST_CHECK(!host_sum(header, offsetof(struct rs_block, unparsed) + 8 * (size_t)i) ||
			   i == RS_UNPARSED_GARBAGE);
	interrupted_and_partial_calls_count_what_they_moved();
	a_reset_is_seen_and_leaves_errno_alone();
	an_answer_behind_an_unseen_body_is_counted();
	a_stream_on_a_connection_is_told();
	return 0;
}
