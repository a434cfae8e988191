/*
 * front_fixture - a front that runs only when a test says so, at the time that it says.
 */
#ifndef FRONT_FIXTURE_H
#define FRONT_FIXTURE_H

#include "front.h"
#include "web_fixture.h"

#define START (1000 * SECOND)
#define DEADLINE_MS 5000
#define WALL_MS INT64_C(1767225600000)

struct house {
	struct front *front;
	struct tally tally;
	uint64_t now;
	uint16_t port;
	char folder[32], path[64];
	/* of the last request */
	struct request last;
	char target[256], method[32], host[64], accept[64], local_host[64];
	unsigned int asked;
	size_t reply_length;
	bool later;                 /* what is asked now is answered later */
	uint32_t later_for;         /* … or when this is woken */
	struct reply_stream stream; /* what is asked now is answered without end */
	unsigned int seconds;       /* that streams were given */
	const void *gone;           /* of the last request that is over */
	unsigned int lefts;         /* how many are */
};

static inline void left(void *ctx, const void *who)
{
	struct house *h = ctx;

	h->gone = who;
	h->lefts++;
}

static inline void answer(void *ctx, const struct request *r, struct reply *out)
{
	struct house *h = ctx;
	char *bytes;

	h->last = *r;
	snprintf(h->target, sizeof(h->target), "%s", r->target);
	snprintf(h->method, sizeof(h->method), "%s", r->method);
	snprintf(h->host, sizeof(h->host), "%s", r->host ? r->host : "none");
	snprintf(h->accept, sizeof(h->accept), "%s", r->accept ? r->accept : "none");
	snprintf(h->local_host, sizeof(h->local_host), "%s", r->local_host);
	h->asked++;
	if (h->later) {
		*out = (struct reply){ .later = true, .later_for = h->later_for };
		return;
	}
	if (h->stream.read) {
		*out = (struct reply){ .status = 200,
				       .type = "text/event-stream",
				       .stream = h->stream };
		return;
	}
	bytes = malloc(h->reply_length);
	assert_non_null(bytes);
	memset(bytes, 'x', h->reply_length);
	reply_bytes(out, "text/plain", bytes, h->reply_length);
}

static inline void second(void *ctx, uint64_t now_ns, int64_t wall_ms)
{
	struct house *h = ctx;

	(void)now_ns;
	(void)wall_ms;
	h->seconds++;
}

/* Of the house that is opened next. */
static size_t (*house_room)(void *ctx, const struct request *r);

static inline void house_open(struct house *h, uint32_t connections)
{
	int sockets[2];
	struct front_config config = { .sockets = sockets,
				       .socket_count = 2,
				       .group = (gid_t)-1,
				       .deadline_ms = DEADLINE_MS,
				       .connections = connections,
				       .tally = &h->tally,
				       .answer = answer,
				       .room = house_room,
				       .left = left,
				       .second = second,
				       .ctx = h };

	memset(h, 0, sizeof(*h));
	strcpy(h->folder, "/tmp/rs_front_XXXXXX");
	assert_non_null(mkdtemp(h->folder));
	snprintf(h->path, sizeof(h->path), "%s/s", h->folder);
	sockets[0] = web_tcp(&h->port);
	sockets[1] = listen_unix(h->path);
	h->now = START;
	h->reply_length = 10;
	assert_int_equal(front_open(&h->front, &config), 0);
}

static inline void house_close(struct house *h)
{
	front_close(h->front);
	unlink(h->path);
	rmdir(h->folder);
}

static inline int run(struct house *h)
{
	return front_run(h->front, h->now, WALL_MS);
}

/* Runs until there is nothing more to do for a moment. */
static inline void settle(struct house *h)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };

	for (unsigned int i = 0; i < 2; i++)
		p[i].fd = front_fd(h->front, i);
	do {
		while (run(h) == 0)
			;
	} while (poll(p, 2, 5) > 0);
}

static inline int visit(struct house *h)
{
	struct web_fixture w = { .port = h->port };
	int fd = web_connect(&w);

	settle(h);
	return fd;
}

static inline int visit_unix(struct house *h)
{
	struct web_fixture w;
	int fd;

	strcpy(w.path, h->path);
	fd = web_connect_unix(&w);
	settle(h);
	return fd;
}

/* What came in return until now: bytes, or 0 at the end, or -EAGAIN. */
static inline ssize_t said(struct house *h, int fd, const char *text, char *out, size_t size)
{
	ssize_t n;

	web_send(fd, text);
	settle(h);
	n = recv(fd, out, size - 1, MSG_DONTWAIT);
	out[n > 0 ? n : 0] = '\0';
	return n < 0 ? -errno : n;
}

static inline bool is_open(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

#endif
