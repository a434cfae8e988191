/*
 * proxy_rig - a proxy that is driven by hand, with a clock that stands still unless a test moves
 *             it, between sockets that the test holds the other ends of.
 */
#ifndef PROXY_RIG_H
#define PROXY_RIG_H

#include "../../agent/proxy/proxy.c" /* white box: its loop is turned here */
#include "rs_test.h"

#include "channel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>

#define RIG_READ (4u << 20)
#define RIG_SMALL 131072                  /* bytes of a window: two of the loopback's packets */
#define RIG_TRIES 3000                    /* for more, of at most 10 ms each */
#define RIG_WALL_MS INT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static struct {
	struct proxy *p;
	struct proxy_site *site;
	int upstream; /* listening */
	uint64_t now_ns;
	char read[RIG_READ];
	size_t got;
	bool ended, reset;
} rig = { .upstream = -1, .now_ns = 1000 * PROXY_S_NS };

static inline uint64_t rig_now_ns(void)
{
	return rig.now_ns;
}

static inline int64_t rig_wall_ms(void)
{
	return RIG_WALL_MS + (int64_t)(rig.now_ns / 1000000) - 1000000;
}

static inline uint16_t rig_port(int fd)
{
	struct sockaddr_in at;
	socklen_t length = sizeof(at);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	return ntohs(at.sin_port);
}

/* A listening socket on a port that the kernel chooses. */
static inline int rig_listen(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 128), 0);
	return fd;
}

static inline struct cache_config rig_cache(void)
{
	return (struct cache_config){ .max_items = 100,
				      .max_bytes = 8 << 20,
				      .max_value = (1 << 20) + 2 * STORED_HEAD,
				      .ttl_s = 300,
				      .cleanup_ns = 60 * PROXY_S_NS };
}

/* more: of the site, and its rules, as in proxy_site.h. */
static inline void rig_open(const char *more)
{
	const struct proxy_site *sites[1];
	struct channel_error error;
	int listening = rig_listen();
	struct proxy_config config = { .sites = sites,
				       .sockets = &listening,
				       .count = 1,
				       .cache = rig_cache(),
				       .now_ns = rig_now_ns,
				       .wall_ms = rig_wall_ms };
	char text[1024];

	rig.upstream = rig_listen();
	snprintf(text, sizeof(text), "listen=127.0.0.1:%u upstream=127.0.0.1:%u %s",
		 rig_port(listening), rig_port(rig.upstream), more);
	if (proxy_site_open(&rig.site, text, &error))
		fail_msg("%s: %s: %s", text, error.key, error.reason);
	sites[0] = rig.site;
	assert_int_equal(proxy_open(&rig.p, &config), 0);
}

static inline int rig_close(void **state)
{
	(void)state;
	proxy_close(rig.p);
	proxy_site_close(rig.site);
	if (rig.upstream >= 0)
		close(rig.upstream);
	rig.p = NULL;
	rig.site = NULL;
	rig.upstream = -1;
	rig.now_ns = 1000 * PROXY_S_NS;
	return 0;
}

/* Until nothing happens any more. */
static inline void rig_settle(void)
{
	for (int quiet = 0; quiet < 2;) {
		int n = proxy_once(rig.p, rig.p->first_ready ? 0 : 1);

		quiet = n || rig.p->first_ready ? 0 : quiet + 1;
	}
}

static inline void rig_later(uint64_t ns)
{
	rig.now_ns += ns;
	rig_settle();
}

/* What is said to it is not held back until what was said before is acknowledged. */
static inline void rig_hurry(int fd)
{
	int one = 1;

	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
}

static inline int rig_connect(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(rig_port(rig.p->places[0].listener.fd)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	rig_hurry(fd);
	rig_settle();
	return fd;
}

/* Little fits between the proxy and the client that connected last. */
static inline void rig_narrow(int client)
{
	int small = RIG_SMALL, fd = rig.p->clients->link.fd;

	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
}

static inline void rig_say_bytes(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);

		if (n < 0)
			assert_int_equal(errno, EAGAIN);
		else
			length -= (size_t)n;
		bytes += n > 0 ? n : 0;
		rig_settle();
	}
}

static inline void rig_say(int fd, const char *text)
{
	rig_say_bytes(fd, text, strlen(text));
}

/* What has come to this end, behind what was read. False: nothing. */
static inline bool rig_read_more(int fd)
{
	ssize_t n;

	rig_settle();
	n = recv(fd, rig.read + rig.got, RIG_READ - 1 - rig.got, 0);
	rig.got += n > 0 ? (size_t)n : 0;
	rig.ended = !n;
	rig.reset = n < 0 && errno != EAGAIN;
	rig.read[rig.got] = '\0';
	return n > 0;
}

/* All that has come to this end, as text. */
static inline const char *rig_read(int fd)
{
	rig.got = 0;
	while (rig_read_more(fd))
		;
	return rig.read;
}

/* More than so many bytes: a small window is opened anew by the kernel's timers. */
static inline const char *rig_read_most(int fd, size_t length)
{
	struct pollfd more = { .fd = fd, .events = POLLIN };

	rig.got = 0;
	for (int i = 0; i < RIG_TRIES && rig.got <= length; i++)
		if (!rig_read_more(fd))
			poll(&more, 1, 10);
	return rig.read;
}

/* The next connection that the proxy made to its upstream. */
static inline int rig_accept(void)
{
	int fd;

	rig_settle();
	fd = accept4(rig.upstream, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fd >= 0);
	rig_hurry(fd);
	rig_settle();
	return fd;
}

static inline bool rig_nobody_connects(void)
{
	rig_settle();
	return accept4(rig.upstream, NULL, NULL, SOCK_CLOEXEC) < 0 && errno == EAGAIN;
}

static inline struct proxy_counts rig_counts(void)
{
	struct proxy_counts c;

	proxy_counts_get(rig.p, &c);
	return c;
}

#define RIG_GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define RIG_OK(fields, body)                                                                       \
	"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n" fields "\r\n" body

/* A request that the upstream answers; what the client got. One connection each. */
static inline const char *rig_exchange(const char *request, const char *reply)
{
	int client = rig_connect(), up;
	const char *got;

	rig_say(client, request);
	up = rig_accept();
	rig_read(up);
	rig_say(up, reply);
	got = rig_read(client);
	close(client);
	close(up);
	rig_settle();
	return got;
}

/* What a client gets without anybody else being asked. */
static inline const char *rig_ask(const char *request)
{
	int client = rig_connect();
	const char *got;

	rig_say(client, request);
	got = rig_read(client);
	close(client);
	assert_true(rig_nobody_connects());
	return got;
}

#define assert_begins(text, with)                                                                  \
	do {                                                                                       \
		if (strncmp((text), (with), strlen(with)) != 0)                                    \
			fail_msg("%s", (text));                                                    \
	} while (0)
#define assert_has(text, what)                                                                     \
	do {                                                                                       \
		if (!strstr((text), (what)))                                                       \
			fail_msg("no %s in %s", (what), (text));                                   \
	} while (0)
#define RIG_TEST(test) cmocka_unit_test_teardown(test, rig_close)

#endif
