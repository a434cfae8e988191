#include "front.h"

#include "access.h"
#include "deadline.h"
#include "listen.h"
#include "response.h"
#include "stream.h"
#include "upload.h"
#include "web.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FRONT_MS_NS UINT64_C(1000000)
#define FRONT_KEPT 12
#define FRONT_LONGEST_MS 60000
#define FRONT_UNREAD 4

enum front_wait { FRONT_WAITS_REQUEST, FRONT_WAITS_NEXT, FRONT_WAITS_READER, FRONT_WAITS };

/* One listening socket. */
struct front_gate {
	struct front *front;
	struct MHD_Daemon *daemon;
	uint32_t connections;
	bool left; /* somebody left in this run */
	int fd;    /* of its epoll */
};

/* One connection. */
struct front_link {
	struct deadline deadline; /* first: found by its address */
	struct front_gate *gate;
	int fd;
	bool local, member;
	char host[INET6_ADDRSTRLEN + 2];
};

/* One that is suspended: nothing happens to it. */
struct front_later {
	struct MHD_Connection *connection;
	uint32_t place; /* that it waits for; 0: none */
};

struct front {
	struct front_config config;
	struct deadline_queue waits[FRONT_WAITS];
	uint64_t now_ns; /* of this run */
	int64_t wall_ms;
	struct front_gate gates[WEB_SOCKETS];
	struct front_later later[FRONT_LATER];
	uint32_t later_count;
	uint64_t later_ns; /* when they are asked again */
	struct streams streams;
	struct responses responses;
};

/* Its library sees the end of the connection, and closes it in its own time. */
static void front_cut(struct front *f, struct front_link *link, enum tally_kind why)
{
	deadline_drop(&link->deadline);
	shutdown(link->fd, SHUT_RDWR);
	f->config.tally->counts[why]++;
}

/* A full house accepts nobody: whoever has been idle longest makes room. */
static void front_make_room(struct front *f, const struct front_gate *gate)
{
	struct deadline *d = f->waits[FRONT_WAITS_NEXT].first;

	if (gate->connections < f->config.connections)
		return;
	while (d && ((struct front_link *)d)->gate != gate)
		d = d->after;
	if (d)
		front_cut(f, (struct front_link *)d, TALLY_CUT_ROOM);
}

static void front_connect(struct front_gate *gate, struct MHD_Connection *connection,
			  void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct front_link *link = calloc(1, sizeof(*link));
	struct front *f = gate->front;

	*context = link;
	gate->connections++;
	f->config.tally->counts[TALLY_CONNECTIONS]++;
	if (!link || !info) {
		f->config.tally->counts[TALLY_CUT_MEMORY]++;
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		return;
	}
	link->gate = gate;
	link->fd = info->connect_fd;
	link->local = listen_local_name(link->fd, link->host, sizeof(link->host));
	link->member = link->local && access_peer_is_member(link->fd, f->config.group);
	deadline_put(&f->waits[FRONT_WAITS_REQUEST], &link->deadline, f->now_ns);
	front_make_room(f, gate);
}

static void front_on_connection(void *cls, struct MHD_Connection *connection, void **context,
				enum MHD_ConnectionNotificationCode code)
{
	struct front_gate *gate = cls;
	struct front_link *link = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		front_connect(gate, connection, context);
		return;
	}
	gate->connections--;
	gate->left = true;
	if (link)
		deadline_drop(&link->deadline);
	free(link);
	*context = NULL;
}

static struct front_link *front_link_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* A link that was cut stays out of all queues, so that it is not cut twice. */
static void front_wait(struct front_link *l, enum front_wait wait)
{
	if (l->deadline.queue)
		deadline_put(&l->gate->front->waits[wait], &l->deadline, l->gate->front->now_ns);
}

/* The first line of a request, before anybody decoded or cut it. */
static void *front_on_line(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct front_link *link = front_link_of(connection);

	(void)cls;
	if (link && link->deadline.queue == &link->gate->front->waits[FRONT_WAITS_NEXT])
		front_wait(link, FRONT_WAITS_REQUEST);
	return upload_open(target);
}

/* The library's own would cut a path at %00; ours is params_split. */
static size_t front_on_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

static void front_on_end(void *cls, struct MHD_Connection *connection, void **exchange,
			 enum MHD_RequestTerminationCode code)
{
	struct front_link *link = front_link_of(connection);
	struct front_gate *gate = cls;

	(void)code;
	if (*exchange && gate->front->config.left)
		gate->front->config.left(gate->front->config.ctx, *exchange);
	upload_close(*exchange);
	*exchange = NULL;
	if (!link)
		return;
	front_wait(link, FRONT_WAITS_NEXT);
	front_make_room(link->gate->front, link->gate);
}

static enum MHD_Result front_on_header(void *cls, enum MHD_ValueKind kind, const char *key,
				       const char *value)
{
	(void)kind;
	request_header(cls, key, value ? value : "");
	return MHD_YES;
}

static const char *front_header(void *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void front_request(struct MHD_Connection *connection, const struct front_link *link,
			  const char *method, const struct upload *x, struct request *out)
{
	*out = (struct request){ .method = method,
				 .target = x->target,
				 .header = front_header,
				 .connection = connection,
				 .local_host = link->host,
				 .local = link->local,
				 .member = link->member,
				 .body = x->body,
				 .body_length = x->length,
				 .body_limit = x->limit,
				 .body_too_long = x->received > x->limit,
				 .fd = link->fd,
				 .who = x,
				 .again = x->again,
				 .now_ns = link->gate->front->now_ns,
				 .wall_ms = link->gate->front->wall_ms };
	MHD_get_connection_values(connection, MHD_HEADER_KIND, front_on_header, out);
}

static void front_ask(struct MHD_Connection *connection, const struct front_link *link,
		      const char *method, const struct upload *x, struct reply *out)
{
	struct refusal no = { .status = 0 };
	struct front *f = link->gate->front;
	struct request r;

	front_request(connection, link, method, x, &r);
	r.at_once = f->later_count == FRONT_LATER;
	f->config.answer(f->config.ctx, &r, out);
	if (!out->later || !r.at_once)
		return;
	refuse(&no, 503, "busy", "too many requests wait for their replies");
	reply_refuse(out, &no);
	tally_reply(f->config.tally, out->status);
}

/*
 * Its reply is being made: the library leaves it alone until it is asked again. Who has left
 * already is not waited for, but where an answer is on its way to a place, which is quicker than to
 * look.
 */
static enum MHD_Result front_later(const struct front_link *link, struct MHD_Connection *connection,
				   uint32_t place)
{
	struct front *f = link->gate->front;

	if (!place && recv(link->fd, &(char){ 0 }, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		return MHD_NO;
	MHD_suspend_connection(connection);
	if (!f->later_count)
		f->later_ns = f->now_ns + FRONT_LATER_MS * FRONT_MS_NS;
	f->later[f->later_count++] = (struct front_later){ connection, place };
	return MHD_YES;
}

static void front_ask_again(struct front *f)
{
	while (f->later_count)
		MHD_resume_connection(f->later[--f->later_count].connection);
}

void front_wake(struct front *f, uint32_t place)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < f->later_count; i++) {
		if (f->later[i].place == place)
			MHD_resume_connection(f->later[i].connection);
		else
			f->later[kept++] = f->later[i];
	}
	f->later_count = kept;
}

/* It is being read: that long nobody cuts it. */
static void front_is_read(void *ctx)
{
	front_wait(ctx, FRONT_WAITS_READER);
}

/* A client that reads slowly holds little: what it is behind stays in one place for all. */
static struct MHD_Response *front_stream(struct front_link *link, struct MHD_Connection *connection,
					 struct reply *reply)
{
	const struct stream_from from = { connection, link->fd, front_is_read, link };
	int bytes = STREAM_BEHIND;

	setsockopt(link->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return streams_response(&link->gate->front->streams, &from, &reply->stream);
}

static enum MHD_Result front_answer(struct MHD_Connection *connection, struct front_link *link,
				    const char *method, struct upload *x)
{
	struct reply reply = { .status = 0 };
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;
	bool shared = false;

	front_ask(connection, link, method, x, &reply);
	x->again = reply.later;
	if (reply.later)
		return front_later(link, connection, reply.later_for);
	if (reply.stream.read) {
		response = front_stream(link, connection, &reply);
		response_headers(&reply, response);
	} else {
		response = responses_make(&link->gate->front->responses, &reply, &shared);
	}
	if (response)
		result = MHD_queue_response(connection, reply.status, response);
	if (response && !shared)
		MHD_destroy_response(response);
	if (result == MHD_NO)
		link->gate->front->config.tally->counts[TALLY_CUT_MEMORY]++;
	reply_fini(&reply);
	return result;
}

/*
 * How long a body may be that is on its way. A length that is declared needs not be waited for:
 * false, it is too long.
 */
static bool front_make_room_for(struct MHD_Connection *connection, const struct front_link *link,
				const char *method, struct upload *x)
{
	const struct front_config *config = &link->gate->front->config;
	const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_CONTENT_LENGTH);
	bool chunked = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						   MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
	struct request r;

	x->limit = FRONT_BODY;
	if ((text || chunked) && config->room) {
		front_request(connection, link, method, x, &r);
		x->limit = config->room(config->ctx, &r);
	}
	return !text || strtoull(text, NULL, 10) <= x->limit;
}

/* First without a body, then once for each piece of it, then once for the answer. */
/* NOLINTNEXTLINE(readability-function-size): the parameters are the library's */
static enum MHD_Result front_on_request(void *cls, struct MHD_Connection *connection,
					const char *url, const char *method, const char *version,
					const char *upload, size_t *upload_length, void **exchange)
{
	struct front_gate *gate = cls;
	struct upload *x = *exchange;
	struct front_link *link = front_link_of(connection);

	(void)url, (void)version;
	if (!x || !link) {
		gate->front->config.tally->counts[TALLY_CUT_MEMORY]++;
		return MHD_NO;
	}
	if (!x->begun) {
		x->begun = true;
		if (front_make_room_for(connection, link, method, x))
			return MHD_YES;
		x->received = x->limit + 1;
		front_wait(link, FRONT_WAITS_READER);
		return front_answer(connection, link, method, x);
	}
	if (*upload_length) {
		bool kept = upload_take(x, upload, *upload_length);

		*upload_length = 0;
		if (kept && x->received <= x->limit + FRONT_DISCARD)
			return MHD_YES;
		gate->front->config.tally->counts[kept ? TALLY_CUT_BODY : TALLY_CUT_MEMORY]++;
		return MHD_NO;
	}
	front_wait(link, FRONT_WAITS_READER);
	return front_answer(connection, link, method, x);
}

static int front_gate_open(struct front *f, struct front_gate *gate, int socket)
{
	const union MHD_DaemonInfo *info;

	gate->front = f;
	gate->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, front_on_request, gate,
		MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)f->config.connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)FRONT_HEAD, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION,
		front_on_connection, gate, MHD_OPTION_NOTIFY_COMPLETED, front_on_end, gate,
		MHD_OPTION_URI_LOG_CALLBACK, front_on_line, gate, MHD_OPTION_UNESCAPE_CALLBACK,
		front_on_unescape, gate, MHD_OPTION_END);
	if (!gate->daemon)
		return -EIO;
	info = MHD_get_daemon_info(gate->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	gate->fd = info ? info->epoll_fd : -1;
	return gate->fd < 0 ? -EIO : 0;
}

void front_close(struct front *f)
{
	if (!f)
		return;
	front_ask_again(f);
	streams_end(&f->streams);
	for (unsigned int i = 0; i < WEB_SOCKETS && f->gates[i].daemon; i++)
		MHD_stop_daemon(f->gates[i].daemon);
	responses_fini(&f->responses);
	free(f);
}

void front_abandon(struct front *f)
{
	for (unsigned int i = 0; f && i < WEB_SOCKETS && f->gates[i].daemon; i++)
		MHD_quiesce_daemon(f->gates[i].daemon);
	front_close(f);
}

int front_open(struct front **out, const struct front_config *config)
{
	struct front *f;
	uint64_t span_ns = config->deadline_ms * FRONT_MS_NS;
	int ret = 0;

	if (!config->socket_count || config->socket_count > WEB_SOCKETS)
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->config = *config;
	f->waits[FRONT_WAITS_REQUEST].span_ns = span_ns;
	f->waits[FRONT_WAITS_NEXT].span_ns = span_ns * FRONT_KEPT;
	f->waits[FRONT_WAITS_READER].span_ns = span_ns * FRONT_UNREAD;
	for (unsigned int i = 0; i < config->socket_count && !ret; i++)
		ret = front_gate_open(f, &f->gates[i], config->sockets[i]);
	if (ret) {
		front_abandon(f);
		return ret;
	}
	*out = f;
	return 0;
}

int front_fd(const struct front *f, unsigned int i)
{
	return f->gates[i].fd;
}

static void front_expire(struct front *f)
{
	static const enum tally_kind why[FRONT_WAITS] = { TALLY_CUT_SLOW, TALLY_CUT_IDLE,
							  TALLY_CUT_UNREAD };
	struct deadline *d;

	for (int i = 0; i < FRONT_WAITS; i++) {
		while ((d = deadline_take(&f->waits[i], f->now_ns)))
			front_cut(f, (struct front_link *)d, why[i]);
	}
}

/* Milliseconds until the library wants to run again; -1: not before something comes. */
static int front_gate_run(struct front_gate *gate)
{
	MHD_UNSIGNED_LONG_LONG ms;

	gate->left = false;
	MHD_run(gate->daemon);
	/* It listens again only in the run after the one in which a full house lost somebody. */
	if (gate->left)
		return 0;
	if (MHD_get_timeout(gate->daemon, &ms) != MHD_YES)
		return -1;
	return ms < FRONT_LONGEST_MS ? (int)ms : FRONT_LONGEST_MS;
}

int front_run(struct front *f, uint64_t now_ns, int64_t wall_ms)
{
	int wait = -1;

	f->now_ns = now_ns;
	f->wall_ms = wall_ms;
	front_expire(f);
	if (f->now_ns >= f->later_ns)
		front_ask_again(f);
	if (streams_is_due(&f->streams, now_ns)) {
		f->config.second(f->config.ctx, now_ns, wall_ms);
		streams_ask(&f->streams, now_ns);
	}
	for (unsigned int i = 0; i < f->config.socket_count; i++) {
		int ms = front_gate_run(&f->gates[i]);

		if (ms >= 0 && (wait < 0 || ms < wait))
			wait = ms;
	}
	if (f->later_count && (wait < 0 || wait > (int)FRONT_LATER_MS))
		wait = (int)FRONT_LATER_MS;
	for (int i = 0; i < FRONT_WAITS; i++)
		wait = deadline_wait_ms(&f->waits[i], f->now_ns, wait);
	return streams_wait_ms(&f->streams, f->now_ns, wait);
}
