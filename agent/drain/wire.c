#include "wire.h"

#include "http_event.h"
#include "parser.h"
#include "pieces.h"
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WIRE_IDLE_NS UINT64_C(300000000000) /* where there is no room: longer idle ones go */
#define WIRE_SWEEP_NS UINT64_C(1000000000)
#define WIRE_BYTES (64u << 20) /* of all that arrived and was not read */
#define WIRE_UNREAD 16384u     /* of a connection that none of ours has read from yet */
#define WIRE_TABLE 4096u       /* a power of two */

struct wire_way_state {
	struct pieces pieces;
	uint32_t at; /* TCP's position of what moves next */
	bool known;
};

struct wire_connection {
	struct wire_connection *next;
	uint64_t id;
	uint64_t used_ns;
	bool told; /* that it is none of ours to read */
	struct wire_way_state ways[PARSER_WAYS];
	struct parser parser;
};

struct wire {
	struct wire_config config;
	struct ring *ring;
	struct parsed parsed;
	struct wire_counts counts;
	struct wire_connection *table[WIRE_TABLE];
	/* of the event under way */
	struct wire_connection *connection;
	uint64_t now_ns;
	uint64_t swept_ns;
	uint32_t bytes; /* of all pieces */
};

static struct wire_connection **wire_find(struct wire *w, uint64_t id)
{
	struct wire_connection **at = &w->table[id & (WIRE_TABLE - 1)];

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void wire_end(struct wire *w)
{
	struct drain_counters *news;

	parser_end(&w->connection->parser, &w->parsed);
	news = parsed_news(&w->parsed);
	if (news)
		news->closed++;
}

/* Its place in the table, from which it goes. */
static void wire_free(struct wire *w, struct wire_connection **at)
{
	struct wire_connection *c = *at;

	*at = c->next;
	for (int way = 0; way < PARSER_WAYS; way++) {
		w->bytes -= c->ways[way].pieces.bytes;
		pieces_clear(&c->ways[way].pieces);
	}
	parser_fini(&c->parser, &w->parsed);
	free(c);
	w->counts.connections--;
}

/* The end of some was lost; one that goes on is met again, in its middle. */
static void wire_sweep(struct wire *w)
{
	if (w->now_ns < w->swept_ns + WIRE_SWEEP_NS)
		return;
	w->swept_ns = w->now_ns;
	for (uint32_t i = 0; i < WIRE_TABLE; i++) {
		struct wire_connection **at = &w->table[i];

		while (*at) {
			if ((*at)->used_ns + WIRE_IDLE_NS < w->now_ns)
				wire_free(w, at);
			else
				at = &(*at)->next;
		}
	}
}

static struct wire_connection *wire_add(struct wire *w, uint64_t id, enum exchange_trust trust)
{
	struct wire_connection **head = &w->table[id & (WIRE_TABLE - 1)];
	struct wire_connection *c = NULL;

	if (w->counts.connections == WIRE_CONNECTIONS)
		wire_sweep(w);
	if (w->counts.connections < WIRE_CONNECTIONS)
		c = calloc(1, sizeof(*c));
	if (!c) {
		w->counts.refused++;
		return NULL;
	}
	c->id = id;
	parser_init(&c->parser, (uint32_t)id, trust);
	c->next = *head;
	*head = c;
	w->counts.connections++;
	return c;
}

/* They go on, and nobody looks at them any more. */
static void wire_clear(struct wire *w)
{
	for (uint32_t i = 0; i < WIRE_TABLE; i++)
		while (w->table[i])
			wire_free(w, &w->table[i]);
}

/* Ciphertext: known for what it is, and not read. Other protocols are nobody's loss. */
static void wire_foreign(struct wire *w, struct wire_connection *c)
{
	const struct exchange *x = &c->parser.exchange;

	if (c->told || !x->no_http || !hello_is_whole(&x->hello))
		return;
	c->told = true;
	parsed_unparsed(&w->parsed, RS_UNPARSED_TLS_UNLINKED);
}

static void wire_feed(struct wire *w, enum parser_way way, const uint8_t *text, uint32_t bytes)
{
	struct wire_connection *c = w->connection;

	parser_move(&c->parser, &w->parsed, way, text, bytes);
	if (way == PARSER_IN)
		wire_foreign(w, c);
}

/* What moved, up to this position: the bytes that were seen, and gaps. */
static void wire_move(struct wire *w, enum parser_way way, const struct http_event *event)
{
	struct wire_way_state *s = &w->connection->ways[way];
	uint32_t to = event->seq;

	if (!s->known)
		s->at = to - event->length;
	s->known = true;
	if (s->at + event->length + 1 == to)
		to--; /* the end of the stream has a position of its own */
	while (pieces_ahead(s->at, to) > 0) {
		uint32_t bytes = to - s->at;
		int32_t untold = pieces_ahead(s->at, to - event->length);
		const uint8_t *text = NULL;

		if (untold > 0) /* an event like this one was lost, and so when these moved */
			bytes = (uint32_t)untold;
		else
			text = pieces_at(&s->pieces, s->at, &bytes);
		wire_feed(w, way, text, bytes);
		s->at += bytes;
	}
	w->bytes -= s->pieces.bytes;
	pieces_drop(&s->pieces, s->at);
	w->bytes += s->pieces.bytes;
}

static void wire_keep(struct wire *w, enum parser_way way, const struct http_event *event,
		      const uint8_t *text)
{
	struct pieces *p = &w->connection->ways[way].pieces;
	uint32_t most = w->connection->parser.pid ? PIECES_BYTES : WIRE_UNREAD;

	if (event->kept > WIRE_BYTES - w->bytes || p->bytes + event->kept > most)
		return;
	w->bytes -= p->bytes;
	pieces_put(p, event->seq, text, event->kept);
	w->bytes += p->bytes;
}

static void wire_owner(struct wire *w, uint32_t pid)
{
	struct parser *parser = &w->connection->parser;
	bool first = !parser->pid;
	struct drain_counters *news;

	w->parsed.parser = parser;
	if (!pid)
		return;
	parser->pid = pid;
	news = first ? parsed_news(&w->parsed) : NULL;
	if (news)
		news->opened++;
}

static void wire_begin(struct wire_connection *c, const struct http_event *event)
{
	c->ways[PARSER_IN].at = event->seq;
	c->ways[PARSER_OUT].at = event->other;
	c->ways[PARSER_IN].known = true;
	c->ways[PARSER_OUT].known = true;
}

static void wire_take(struct wire *w, const struct http_event *event, const uint8_t *text)
{
	struct wire_connection *c = w->connection;

	switch ((enum http_kind)event->kind) {
	case HTTP_ACCEPTED:
	case HTTP_FOUND:
		wire_begin(c, event);
		return;
	case HTTP_ARRIVED:
		wire_keep(w, PARSER_IN, event, text);
		return;
	case HTTP_READ:
		wire_move(w, PARSER_IN, event);
		return;
	case HTTP_WRITING:
		wire_keep(w, PARSER_OUT, event, text);
		return;
	case HTTP_WROTE:
		wire_move(w, PARSER_OUT, event);
		/* what was not taken is said again */
		w->bytes -= c->ways[PARSER_OUT].pieces.bytes;
		pieces_clear(&c->ways[PARSER_OUT].pieces);
		return;
	case HTTP_CLIENT_GONE:
		parser_client_gone(&c->parser, event->length != 0);
		return;
	case HTTP_CLOSED:
		wire_end(w);
		wire_free(w, wire_find(w, event->connection));
		return;
	}
}

void wire_event(struct wire *w, const void *record, size_t bytes)
{
	struct http_event event;
	bool over;

	if (bytes < sizeof(event))
		return;
	memcpy(&event, record, sizeof(event));
	if (event.kept > bytes - sizeof(event))
		return;
	over = event.kind == HTTP_CLOSED || event.kind == HTTP_CLIENT_GONE;
	w->now_ns = event.at_ns;
	w->parsed.now_ns = event.at_ns;
	w->connection = *wire_find(w, event.connection);
	if (!w->connection && !over)
		w->connection = wire_add(w, event.connection,
					 event.kind == HTTP_ACCEPTED ? EXCHANGE_ACCEPTED
								     : EXCHANGE_UNKNOWN);
	if (!w->connection)
		return;
	w->connection->used_ns = w->now_ns;
	wire_owner(w, event.pid);
	wire_take(w, &event, (const uint8_t *)record + sizeof(event));
}

static void wire_record(void *ctx, const void *record, size_t bytes)
{
	wire_event(ctx, record, bytes);
}

int wire_open(struct wire **out, const struct wire_config *config)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->config = *config;
	(*out)->parsed = (struct parsed){ .bare = config->bare,
					  .sink = config->sink,
					  .slow_warning_ns = config->slow_warning_ns,
					  .slow_critical_ns = config->slow_critical_ns };
	return 0;
}

void wire_close(struct wire *w)
{
	if (!w)
		return;
	wire_clear(w);
	ring_close(w->ring);
	parsed_fini(&w->parsed);
	free(w);
}

int wire_ring_put(struct wire *w, int fd, uint32_t bytes)
{
	ring_close(w->ring);
	w->ring = NULL;
	wire_clear(w);
	return fd < 0 ? 0 : ring_open(&w->ring, fd, bytes);
}

bool wire_listens(const struct wire *w)
{
	return w->ring != NULL;
}

void wire_round(struct wire *w, uint64_t now_ns)
{
	if (w->ring)
		ring_read(w->ring, wire_record, w);
	bare_book(w->config.bare, w->config.sink, now_ns);
}

void wire_counts_get(const struct wire *w, struct wire_counts *out)
{
	*out = w->counts;
	out->nobodys = w->parsed.nobodys;
}
