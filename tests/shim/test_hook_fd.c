/*
 * Descriptors that are copied, handed on, inherited and closed in every way.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define REQUEST "GET /fd HTTP/1.1\r\nHost: h\r\n\r\n"
#define REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define UNTIL_CLOSE "HTTP/1.0 200 OK\r\n\r\nall"

void closefrom(int from);

static struct rs_header *header;
static char buffer[256];

static void ask(int client)
{
	HOST_CHECK(write(client, REQUEST, strlen(REQUEST)) == (ssize_t)strlen(REQUEST));
}

static void take(int server)
{
	HOST_CHECK(read(server, buffer, sizeof(buffer)) == (ssize_t)strlen(REQUEST));
}

static void reply(int server, const char *text)
{
	HOST_CHECK(write(server, text, strlen(text)) == (ssize_t)strlen(text));
}

/* As busybox's httpd has it: read from one copy, written to another, the first one closed. */
static void copies_are_one_connection(void)
{
	uint64_t served = HOST_SUM(header, requests);
	uint64_t closed = HOST_SUM(header, closed);
	struct host_pair pair;
	int in, out, more;

	host_connect(&pair);
	in = dup(pair.server);
	out = fcntl(pair.server, F_DUPFD_CLOEXEC, 700);
	more = dup2(pair.server, 800);
	HOST_CHECK(in >= 0 && out >= 700 && more == 800);
	HOST_CHECK(dup3(pair.server, 800, O_CLOEXEC) == 800);
	HOST_CHECK(!close(pair.server));
	ask(pair.client);
	take(in);
	HOST_CHECK(!close(in));
	reply(out, REPLY);
	HOST_CHECK(HOST_SUM(header, requests) == served + 1);
	HOST_CHECK(!close(out) && HOST_SUM(header, closed) == closed);
	HOST_CHECK(!close(more) && HOST_SUM(header, closed) == closed + 1);
	HOST_CHECK(close(more) == -1 && errno == EBADF);
	close(pair.client);
}

/* What was under the number before is closed by the call, whatever state it was in. */
static void a_copy_over_a_connection_closes_it(void)
{
	uint64_t served = HOST_SUM(header, requests);
	uint64_t aborted = HOST_SUM(header, aborted);
	uint64_t closed = HOST_SUM(header, closed);
	struct host_pair over, kept;

	host_connect(&over);
	host_connect(&kept);
	ask(over.client);
	take(over.server);
	HOST_CHECK(dup2(kept.server, kept.server) == kept.server);
	HOST_CHECK(dup2(-1, over.server) == -1 && HOST_SUM(header, closed) == closed);
	HOST_CHECK(dup2(kept.server, over.server) == over.server);
	HOST_CHECK(HOST_SUM(header, aborted) == aborted + 1);
	HOST_CHECK(HOST_SUM(header, closed) == closed + 1);
	ask(kept.client);
	take(over.server);
	reply(kept.server, REPLY);
	HOST_CHECK(HOST_SUM(header, requests) == served + 2);
	close(over.server);
	close(over.client);
	host_disconnect(&kept);
	HOST_CHECK(HOST_SUM(header, closed) == closed + 2);
}

static void the_end_of_a_reply_may_be_a_shutdown_or_a_close(void)
{
	uint64_t ok = HOST_SUM(header, status[1]);
	struct host_pair pair;

	for (int i = 0; i < 2; i++) {
		host_connect(&pair);
		ask(pair.client);
		take(pair.server);
		reply(pair.server, UNTIL_CLOSE);
		HOST_CHECK(HOST_SUM(header, status[1]) == ok++);
		HOST_CHECK(i ? !shutdown(pair.server, SHUT_WR) : !close(pair.server));
		HOST_CHECK(HOST_SUM(header, status[1]) == ok);
		close(pair.client);
		if (i)
			close(pair.server);
	}
	HOST_CHECK(HOST_SUM(header, status[1]) == ok);
	HOST_CHECK(HOST_SUM(header, cut_by_server) == 0);
}

static void unanswered_requests_end_with_their_connection(void)
{
	uint64_t aborted = HOST_SUM(header, aborted);
	struct host_pair pair[3];

	for (int i = 0; i < 3; i++) {
		host_connect(&pair[i]);
		ask(pair[i].client);
		take(pair[i].server);
	}
	HOST_CHECK(!close_range((unsigned int)pair[0].server, (unsigned int)pair[0].server,
				CLOSE_RANGE_CLOEXEC));
	HOST_CHECK(HOST_SUM(header, aborted) == aborted);
	HOST_CHECK(!close_range((unsigned int)pair[0].server, (unsigned int)pair[0].server, 0));
	HOST_CHECK(HOST_SUM(header, aborted) == aborted + 1);
	close(pair[1].client);
	HOST_CHECK(read(pair[1].server, buffer, 1) == 0);
	close(pair[1].server);
	HOST_CHECK(HOST_SUM(header, aborted) == aborted + 2);
	closefrom(pair[0].client < pair[2].server ? pair[0].client : pair[2].server);
	HOST_CHECK(HOST_SUM(header, aborted) == aborted + 3);
}

static void pass(int over, int fd)
{
	char byte = 'x';
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { { .cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	HOST_CHECK(sendmsg(over, &message, 0) == 1);
}

static int receive(int over)
{
	char byte;
	int fd;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	HOST_CHECK(recvmsg(over, &message, 0) == 1);
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

/* As node's cluster has it: another process accepted. */
static void a_received_descriptor_is_judged_by_its_content(void)
{
	uint64_t served = HOST_SUM(header, requests);
	struct host_pair pair;
	int over[2];
	int fd;

	HOST_CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, over));
	host_connect(&pair);
	pass(over[0], pair.server);
	close(pair.server);
	fd = receive(over[1]);
	for (int i = 0; i < 2; i++) {
		ask(pair.client);
		take(fd);
		reply(fd, REPLY);
	}
	HOST_CHECK(HOST_SUM(header, requests) == served + 2);
	close(fd);
	close(pair.client);
	close(over[0]);
	close(over[1]);
}

static void child_serves(struct host_pair *pair)
{
	struct rs_header *mine = host_segment_wanted();

	host_listen_as_agent(mine); /* it was found */
	close(pair->client);
	take(pair->server);
	reply(pair->server, REPLY);
	HOST_CHECK(HOST_SUM(mine, requests) == 1 && HOST_SUM(mine, status[1]) == 1);
	close(pair->server);
	HOST_CHECK(HOST_SUM(mine, requests) == 1 && HOST_SUM(mine, closed) == 1);
	_exit(0);
}

/* As postgres has it: the parent accepts, forks and closes; only the child serves. */
static void a_fork_child_counts_what_it_serves(void)
{
	uint64_t served = HOST_SUM(header, requests);
	struct host_pair pair;
	int child;

	host_connect(&pair);
	child = fork();
	if (!child)
		child_serves(&pair);
	close(pair.server);
	ask(pair.client);
	HOST_CHECK(host_wait(child, 5000) == 0);
	HOST_CHECK(HOST_SUM(header, requests) == served);
	close(pair.client);
}

static void a_client_is_no_server(void)
{
	uint64_t begun = HOST_SUM(header, begun);
	struct host_pair pair;

	host_connect(&pair);
	reply(pair.server, REQUEST); /* as if the other side were the client */
	HOST_CHECK(read(pair.client, buffer, sizeof(buffer)) > 0);
	reply(pair.client, REPLY);
	HOST_CHECK(HOST_SUM(header, begun) == begun);
	host_disconnect(&pair);
}

int main(void)
{
	header = host_segment_wanted();
	host_listen_as_agent(header);
	copies_are_one_connection();
	a_copy_over_a_connection_closes_it();
	the_end_of_a_reply_may_be_a_shutdown_or_a_close();
	a_received_descriptor_is_judged_by_its_content();
	a_fork_child_counts_what_it_serves();
	a_client_is_no_server();
	unanswered_requests_end_with_their_connection();
	HOST_CHECK(HOST_SUM(header, opened) == HOST_SUM(header, closed));
	return 0;
}
