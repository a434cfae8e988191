/*
 * redis_fixture - a Redis that says what a test says, on a socket of its own; time is the test's.
 */
#ifndef REDIS_FIXTURE_H
#define REDIS_FIXTURE_H

#include "redis_client.h"
#include "redis_link.h"
#include "rs_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIXTURE_MS UINT64_C(1000000)
#define FIXTURE_INFO "$17\r\nredis_version:9\r\n\r\n"
#define FIXTURE_CLUSTER "$17\r\ncluster_enabled:1\r\n"
#define FIXTURE_SAVE "*2\r\n$4\r\nsave\r\n$0\r\n\r\n"
#define FIXTURE_ASKS_INFO "*1\r\n$4\r\nINFO\r\n*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$4\r\nsave\r\n"

struct fixture_server {
	int listening, fd;
	uint16_t port;
};

/* What a question was told. */
struct fixture_told {
	unsigned int times;
	enum redis_fault fault;
	char text[64];
};

static uint64_t fixture_now_ns = 1000 * FIXTURE_MS;

static inline uint64_t fixture_now(void)
{
	return fixture_now_ns;
}

static inline uint32_t fixture_random(void)
{
	return UINT32_MAX /
	       2; /* waits are as long as they are meant to be, but for one nanosecond */
}

static inline void fixture_serve(struct fixture_server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t length = sizeof(at);

	s->fd = -1;
	s->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listening, (struct sockaddr *)&at, length), 0);
	assert_int_equal(getsockname(s->listening, (struct sockaddr *)&at, &length), 0);
	assert_int_equal(listen(s->listening, 8), 0);
	s->port = ntohs(at.sin_port);
}

static inline void fixture_hang_up(struct fixture_server *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static inline void fixture_end(struct fixture_server *s)
{
	fixture_hang_up(s);
	close(s->listening);
}

static inline void fixture_accept(struct fixture_server *s)
{
	const struct timeval patience = { .tv_sec = 5 };
	const int on = 1; /* what is said behind an answer is not held back for it */

	setsockopt(s->listening, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	s->fd = accept(s->listening, NULL, NULL);
	assert_true(s->fd >= 0);
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static inline void fixture_say(const struct fixture_server *s, const char *text)
{
	assert_int_equal(send(s->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Exactly that comes. */
static inline void fixture_hear(const struct fixture_server *s, const char *text)
{
	char got[1024] = "";
	size_t n = 0, wanted = strlen(text);

	while (n < wanted) {
		ssize_t more = recv(s->fd, got + n, wanted - n, 0);

		assert_true(more > 0);
		n += (size_t)more;
	}
	assert_string_equal(got, text);
}

static inline bool fixture_is_quiet(const struct fixture_server *s)
{
	char byte;

	return recv(s->fd, &byte, 1, MSG_DONTWAIT) < 0;
}

static inline bool fixture_was_left(const struct fixture_server *s)
{
	char bytes[4096];
	ssize_t n;

	do
		n = recv(s->fd, bytes, sizeof(bytes), 0);
	while (n > 0);
	return n == 0 || errno == ECONNRESET;
}

static inline void fixture_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct fixture_told *t = ctx;

	t->times++;
	t->fault = fault;
	snprintf(t->text, sizeof(t->text), "%.63s", v ? v->text : "-");
}

static inline struct redis_place fixture_place(const struct fixture_server *s)
{
	return (struct redis_place){ .host = "127.0.0.1", .port = s->port };
}

#endif
