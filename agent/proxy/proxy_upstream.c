/*
 * proxy_upstream - connections to upstreams: made, kept for the next request, and let go.
 */
#include "proxy_own.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define UPSTREAM_IDLE_NS (4 * PROXY_S_NS) /* node's servers close theirs after 5 s */
#define UPSTREAM_IDLE_MOST 64u

static int upstream_connect(struct proxy_place *place, struct proxy_upstream *u)
{
	int one = 1, ret;
	int fd = socket(place->upstream.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&place->upstream, place->upstream_length) &&
	    errno != EINPROGRESS)
		ret = -errno;
	else
		ret = proxy_io_watch(place->proxy, &u->link, fd, PROXY_UPSTREAM);
	if (ret)
		close(fd);
	return ret;
}

/* fresh: not one that the other side may have closed meanwhile. */
struct proxy_upstream *proxy_upstream_get(struct proxy_place *place, bool fresh, bool *reused)
{
	struct proxy *p = place->proxy;
	struct proxy_upstream *u;

	while ((u = place->idle) && (u->link.ended || u->link.broken))
		proxy_upstream_close(u); /* its own turn comes later */
	*reused = u && !fresh;
	if (*reused) {
		place->idle = u->next;
		place->idle_count--;
		u->next = NULL;
		proxy_count(p, upstream_reused);
		return u;
	}
	u = calloc(1, sizeof(*u));
	if (!u) {
		proxy_count(p, no_memory);
		return NULL;
	}
	u->place = place;
	if (upstream_connect(place, u)) {
		free(u);
		return NULL;
	}
	proxy_count(p, upstream_opened);
	proxy_count(p, upstream_open);
	return u;
}

int proxy_upstream_connected(struct proxy_upstream *u)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (u->connected)
		return 1;
	if (!u->link.writable && !u->link.broken)
		return 0;
	if (getsockopt(u->link.fd, SOL_SOCKET, SO_ERROR, &error, &length) || error)
		return error ? -error : -EIO;
	u->connected = true;
	return 1;
}

/* An end, or bytes that would be taken for the answer to whoever is next. */
static bool upstream_has_more(struct proxy_upstream *u)
{
	char byte;

	if (u->link.ended || u->link.broken)
		return true;
	if (u->link.readable)
		u->link.readable = recv(u->link.fd, &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN;
	return u->link.readable;
}

void proxy_upstream_put(struct proxy_upstream *u)
{
	struct proxy_place *place = u->place;

	u->exchange = NULL;
	if (place->idle_count == UPSTREAM_IDLE_MOST || upstream_has_more(u)) {
		proxy_upstream_close(u);
		return;
	}
	u->deadline_ns = place->proxy->now_ns + UPSTREAM_IDLE_NS;
	u->next = place->idle;
	place->idle = u;
	place->idle_count++;
}

static void upstream_unlink(struct proxy_upstream *u)
{
	struct proxy_upstream **at = &u->place->idle;

	while (*at && *at != u)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = u->next;
	u->place->idle_count--;
}

void proxy_upstream_close(struct proxy_upstream *u)
{
	if (u->link.fd < 0)
		return;
	upstream_unlink(u);
	proxy_uncount(u->place->proxy, upstream_open);
	proxy_io_close(u->place->proxy, &u->link);
}

/* Nobody asked: an end, or what must not be taken for the next answer. */
void proxy_upstream_idle(struct proxy_upstream *u)
{
	if (u->link.readable || u->link.ended || u->link.broken)
		proxy_upstream_close(u);
}

void proxy_upstream_sweep(struct proxy_place *place)
{
	struct proxy_upstream *next;

	for (struct proxy_upstream *u = place->idle; u; u = next) {
		next = u->next;
		if (place->proxy->now_ns >= u->deadline_ns)
			proxy_upstream_close(u);
	}
}
