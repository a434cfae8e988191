#include "stream.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <sys/socket.h>

#define STREAM_MS_NS UINT64_C(1000000)

struct stream {
	struct streams *all;
	struct stream *next, *before;
	struct stream_from from;
	struct reply_stream source;
	bool is_at_rest;
};

static ssize_t stream_read(void *cls, uint64_t at, char *out, size_t room)
{
	struct stream *s = cls;
	size_t n;

	(void)at;
	if (s->all->is_ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (recv(s->from.fd, &(char){ 0 }, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	s->from.alive(s->from.ctx);
	n = s->source.read(s->source.ctx, out, room, s->all->now_ns);
	if (!n) {
		s->is_at_rest = true;
		MHD_suspend_connection(s->from.connection);
	}
	return (ssize_t)n;
}

static void stream_free(void *cls)
{
	struct stream *s = cls;

	*(s->before ? &s->before->next : &s->all->first) = s->next;
	if (s->next)
		s->next->before = s->before;
	if (s->source.read)
		s->source.close(s->source.ctx);
	free(s);
}

struct MHD_Response *streams_response(struct streams *all, const struct stream_from *from,
				      struct reply_stream *source)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct MHD_Response *response;

	if (!s)
		return NULL;
	*s = (struct stream){ .all = all, .next = all->first, .from = *from };
	if (s->next)
		s->next->before = s;
	all->first = s;
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_PIECE, stream_read, s,
						     stream_free);
	if (!response) {
		stream_free(s);
		return NULL;
	}
	s->source = *source;
	source->read = NULL;
	return response;
}

bool streams_is_due(struct streams *all, uint64_t now_ns)
{
	all->now_ns = now_ns;
	return all->first && now_ns >= all->due_ns;
}

static void streams_wake(struct streams *all)
{
	for (struct stream *s = all->first; s; s = s->next) {
		if (!s->is_at_rest)
			continue;
		s->is_at_rest = false;
		MHD_resume_connection(s->from.connection);
	}
}

void streams_ask(struct streams *all, uint64_t now_ns)
{
	all->due_ns = now_ns + STREAM_SECOND_NS;
	streams_wake(all);
}

void streams_end(struct streams *all)
{
	all->is_ending = true;
	streams_wake(all);
}

int streams_wait_ms(const struct streams *all, uint64_t now_ns, int most)
{
	int ms;

	if (!all->first)
		return most;
	if (now_ns >= all->due_ns)
		return 0;
	ms = (int)((all->due_ns - now_ns + STREAM_MS_NS - 1) / STREAM_MS_NS);
	return most >= 0 && most < ms ? most : ms;
}
