/*
 * web_fixture - an API that runs, on a free loopback port and a Unix socket, and a client of it.
 */
#ifndef WEB_FIXTURE_H
#define WEB_FIXTURE_H

#include "config.h"
#include "health.h"
#include "listen.h"
#include "metrics_fixture.h"
#include "moment.h"
#include "web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WEB_TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WEB_PATIENCE_MS 20000

struct web_fixture {
	struct fixture f;
	struct config *config;
	struct health *health;
	struct web *web;
	struct web_config how;
	int sockets[2];
	uint16_t port;
	char folder[32], path[64];
};

static inline int web_tcp(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* Everything but the thread: settings may still be changed. */
static inline void web_prepare(struct web_fixture *w)
{
	memset(w, 0, sizeof(*w));
	fixture_open(&w->f, moment_monotonic_ns());
	assert_int_equal(config_open(&w->config), 0);
	assert_int_equal(health_open(&w->health), 0);
	strcpy(w->folder, "/tmp/rs_web_XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->path, sizeof(w->path), "%s/api.sock", w->folder);
	w->sockets[0] = web_tcp(&w->port);
	w->sockets[1] = listen_unix(w->path);
	assert_true(w->sockets[1] >= 0);
	w->how = (struct web_config){ .sockets = w->sockets,
				      .socket_count = 2,
				      .metrics = w->f.m,
				      .health = w->health,
				      .config = w->config,
				      .token = WEB_TOKEN,
				      .group = (gid_t)-1,
				      .started_ns = moment_monotonic_ns() };
}

static inline void web_start(struct web_fixture *w)
{
	assert_int_equal(web_open(&w->web, &w->how), 0);
	assert_int_equal(web_run(w->web), 0);
}

static inline void web_stop(struct web_fixture *w)
{
	web_close(w->web);
	metrics_close(w->f.m);
	config_close(w->config);
	health_close(w->health);
	unlink(w->path);
	rmdir(w->folder);
}

static inline int web_connect(const struct web_fixture *w)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(w->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static inline int web_connect_unix(const struct web_fixture *w)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(at.sun_path, w->path, sizeof(at.sun_path) - 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static inline void web_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that comes until the end; the caller frees it. *length may be NULL. */
static inline char *web_drain(int fd, size_t *length)
{
	size_t size = 1 << 16, at = 0;
	char *out = malloc(size), *more;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = 0;

	assert_non_null(out);
	while (poll(&p, 1, WEB_PATIENCE_MS) == 1 &&
	       (n = recv(fd, out + at, size - at - 1, 0)) > 0) {
		at += (size_t)n;
		if (size - at < 1024) {
			more = realloc(out, size *= 2);
			assert_non_null(more);
			out = more;
		}
	}
	out[at] = '\0';
	if (length)
		*length = at;
	close(fd);
	return out;
}

/* One request on one connection, and the whole reply. */
static inline char *web_ask_on(int fd, const char *line, const char *headers)
{
	char text[8192];

	snprintf(text, sizeof(text),
		 "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", line, headers);
	web_send(fd, text);
	return web_drain(fd, NULL);
}

static inline char *web_ask(const struct web_fixture *w, const char *line, const char *headers)
{
	return web_ask_on(web_connect(w), line, headers);
}

static inline int web_status(const char *reply)
{
	return strncmp(reply, "HTTP/1.1 ", 9) ? 0 : atoi(reply + 9);
}

static inline const char *web_body(const char *reply)
{
	const char *at = strstr(reply, "\r\n\r\n");

	return at ? at + 4 : "";
}

static inline int web_status_of(const struct web_fixture *w, const char *line, const char *headers)
{
	char *reply = web_ask(w, line, headers);
	int status = web_status(reply);

	free(reply);
	return status;
}

#endif
