#include "wire.h"

#include "http_event.h"
#include "parser.h"
#include "ring.h"
#include "way.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WIRE_IDLE_NS UINT64_C(300000000000) /* where there is no room: longer idle ones go */
#define WIRE_SWEEP_NS UINT64_C(1000000000)
#define WIRE_BYTES (64u << 20)             /* of all that arrived and was not read */
#define WIRE_UNREAD pieces_cost(HTTP_KEPT) /* of a connection that none of ours has read from yet */
#define WIRE_TABLE 4096u                   /* a power of two */
#define WIRE_DOUBT_NS UINT64_C(2000000000) /* a handshake is over by then, and a call told */

struct wire_connection {
	struct wire_connection *next;
	uint64_t id;
	uint64_t used_ns;
	uint64_t other; /* of TLS: the session that it carries, or its carrier; 0: none */
	/* when a client of TLS was heard, or a session's carrier was closed; 0: neither */
	uint64_t doubt_ns;
	struct way ways[PARSER_WAYS];
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
	uint64_t doubted_ns;
	uint32_t doubts; /* connections that have one */
	uint32_t bytes;  /* of all pieces */
};

static struct wire_connection **wire_find(struct wire *w, uint64_t id)
{
	struct wire_connection **at = &w->table[id & (WIRE_TABLE - 1)];

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static bool wire_is_session(const struct wire_connection *c)
{
	return c->id >= HTTP_SESSION;
}

static void wire_doubt_begin(struct wire *w, struct wire_connection *c)
{
	c->doubt_ns = w->now_ns;
	w->doubts++;
}

/* It is linked, or was said to be not; its end was told. */
static void wire_doubt_end(struct wire *w, struct wire_connection *c)
{
	w->doubts -= c->doubt_ns != 0;
	c->doubt_ns = 0;
}

/* Cipher text whose plain text nobody has seen. */
static void wire_unlinked(struct wire *w, struct wire_connection *c)
{
	wire_doubt_end(w, c);
	w->parsed.parser = &c->parser;
	parsed_unparsed(&w->parsed, RS_UNPARSED_TLS_UNLINKED);
}

static void wire_end(struct wire *w, struct wire_connection *c)
{
	if (c->doubt_ns && !wire_is_session(c))
		wire_unlinked(w, c);
	parser_end(&c->parser, &w->parsed);
}

static void wire_pieces_clear(struct wire *w, struct way *way)
{
	w->bytes -= way->pieces.bytes;
	pieces_clear(&way->pieces);
}

/* Its place in the table, from which it goes, ended or lost. */
static void wire_free(struct wire *w, struct wire_connection **at)
{
	struct wire_connection *c = *at;

	*at = c->next;
	if (!wire_is_session(c))
		parsed_closed(&w->parsed);
	wire_doubt_end(w, c);
	for (int way = 0; way < PARSER_WAYS; way++)
		wire_pieces_clear(w, &c->ways[way]);
	parser_fini(&c->parser, &w->parsed);
	free(c);
	w->counts.connections--;
}

/* It goes on, or its end was lost; met again, in its middle, it is another one. */
static void wire_forget(struct wire *w, struct wire_connection **at)
{
	parser_lose(&(*at)->parser, &w->parsed);
	wire_free(w, at);
}

static void wire_sweep(struct wire *w)
{
	if (w->now_ns < w->swept_ns + WIRE_SWEEP_NS)
		return;
	w->swept_ns = w->now_ns;
	for (uint32_t i = 0; i < WIRE_TABLE; i++) {
		struct wire_connection **at = &w->table[i];

		while (*at) {
			if ((*at)->used_ns + WIRE_IDLE_NS < w->now_ns)
				wire_forget(w, at);
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
	if (!c)
		return NULL;
	c->id = id;
	if (wire_is_session(c)) { /* its positions begin where we do */
		way_begin(&c->ways[PARSER_IN], 0);
		way_begin(&c->ways[PARSER_OUT], 0);
	}
	parser_init(&c->parser, (uint32_t)id, trust);
	if (wire_is_session(c))
		parser_accept(&c->parser, false);
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
			wire_forget(w, &w->table[i]);
}

/* A client of TLS, whose hello is read now. Other protocols are nobody's loss. */
static void wire_greeting(struct wire *w, struct wire_connection *c, bool known)
{
	const struct exchange *x = &c->parser.exchange;

	if (known || !hello_is_whole(&x->hello) || !x->no_http || c->other)
		return;
	wire_doubt_begin(w, c);
}

static void wire_feed(struct wire *w, enum parser_way way, const uint8_t *text, uint32_t bytes)
{
	struct wire_connection *c = w->connection;
	bool known = hello_is_whole(&c->parser.exchange.hello);

	parser_move(&c->parser, &w->parsed, way, text, bytes);
	if (way == PARSER_IN)
		wire_greeting(w, c, known);
}

/* What moved, up to this position: the bytes that were seen, and gaps. */
static void wire_move(struct wire *w, enum parser_way way, const struct http_event *event)
{
	struct way *y = &w->connection->ways[way];
	uint32_t bytes, to = way_to(y, event->seq, event->length);
	const uint8_t *text;

	w->bytes -= y->pieces.bytes;
	while (way_next(y, to, event->length, &text, &bytes))
		wire_feed(w, way, text, bytes);
	w->bytes += y->pieces.bytes;
}

static void wire_keep(struct wire *w, enum parser_way way, const struct http_event *event,
		      const uint8_t *text)
{
	struct pieces *p = &w->connection->ways[way].pieces;
	uint32_t most = w->connection->parser.pid ? PIECES_BYTES : WIRE_UNREAD;

	if (pieces_cost(event->kept) > WIRE_BYTES - w->bytes ||
	    p->bytes + pieces_cost(event->kept) > most)
		return;
	w->bytes -= p->bytes;
	pieces_put(p, event->seq, text, event->kept);
	w->bytes += p->bytes;
}

static void wire_owner(struct wire *w, uint32_t pid)
{
	struct parser *parser = &w->connection->parser;
	bool first = pid && !parser->pid;

	w->parsed.parser = parser;
	if (pid)
		parser->pid = pid;
	if (first && !wire_is_session(w->connection))
		parsed_opened(&w->parsed);
}

static void wire_begin(struct wire_connection *c, const struct http_event *event)
{
	way_begin(&c->ways[PARSER_IN], event->seq);
	way_begin(&c->ways[PARSER_OUT], event->other);
}

/* A session turns out to be that of a connection, which it ends with. */
static void wire_carried(struct wire *w, const struct http_event *event)
{
	uint64_t id = event->seq | (uint64_t)event->other << 32;
	struct wire_connection *c = w->connection, *carrier = *wire_find(w, id);

	if (!carrier || carrier->other || c->other || wire_is_session(carrier))
		return;
	wire_doubt_end(w, carrier);
	wire_doubt_end(w, c);
	carrier->other = c->id;
	c->other = id;
	parser_accept(&c->parser, parser_is_accepted(&carrier->parser));
}

static void wire_written(struct wire *w, const struct http_event *event)
{
	wire_move(w, PARSER_OUT, event);
	/* what was not taken is said again */
	wire_pieces_clear(w, &w->connection->ways[PARSER_OUT]);
}

/* What was moved, and its bytes, or the last of them: from at on. */
static void wire_plain(struct wire *w, enum parser_way way, const struct http_event *event,
		       uint32_t at, const uint8_t *text)
{
	struct http_event begin = *event;

	begin.seq = at;
	wire_keep(w, way, &begin, text);
	if (way == PARSER_IN)
		wire_move(w, way, event);
	else
		wire_written(w, event);
}

static void wire_go(struct wire *w, struct wire_connection *c)
{
	struct wire_connection **at = wire_find(w, c->id);

	wire_end(w, c);
	if (*at)
		wire_free(w, at);
}

/*
 * A session may have a call under way, in another thread even, which has written, and was not told
 * yet: then it goes a little later.
 */
static void wire_leave(struct wire *w, struct wire_connection *session)
{
	session->other = 0;
	if (parser_is_idle(&session->parser))
		wire_go(w, session);
	else if (!session->doubt_ns)
		wire_doubt_begin(w, session);
}

/* A session goes with its connection, which goes on without its session. */
static void wire_over(struct wire *w, struct wire_connection *c)
{
	struct wire_connection *other = c->other ? *wire_find(w, c->other) : NULL;

	if (other && wire_is_session(other))
		wire_leave(w, other);
	else if (other)
		other->other = 0;
	if (wire_is_session(c))
		wire_leave(w, c);
	else
		wire_go(w, c);
}

static void wire_client_gone(struct wire *w, struct wire_connection *c, bool reset)
{
	struct wire_connection *session = c->other ? *wire_find(w, c->other) : NULL;

	parser_client_gone(&c->parser, reset);
	if (session)
		parser_client_gone(&session->parser, reset);
}

/* Behind a gap; what was kept lies ahead of it. */
static void wire_resumed(struct wire *w, const struct http_event *event)
{
	struct wire_connection *c = w->connection;

	for (int way = 0; way < PARSER_WAYS; way++)
		wire_pieces_clear(w, &c->ways[way]);
	parser_resume(&c->parser, &w->parsed, event->length);
	wire_begin(c, event);
}

static void wire_accepted(struct wire *w, const struct http_event *event)
{
	wire_begin(w->connection, event);
	if (event->kind == HTTP_FOUND || !event->length)
		return;
	/* what came first was lost */
	parser_accept(&w->connection->parser, true);
	wire_feed(w, PARSER_IN, NULL, 1);
}

static void wire_take(struct wire *w, const struct http_event *event, const uint8_t *text)
{
	struct wire_connection *c = w->connection;

	switch ((enum http_kind)event->kind) {
	case HTTP_ACCEPTED:
	case HTTP_FOUND:
		wire_accepted(w, event);
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
		wire_plain(w, PARSER_OUT, event, event->other, text);
		return;
	case HTTP_CLIENT_GONE:
		wire_client_gone(w, c, event->length != 0);
		return;
	case HTTP_TLS_CARRIER:
		wire_carried(w, event);
		return;
	case HTTP_TLS_READ:
		wire_plain(w, PARSER_IN, event, event->seq - event->length, text);
		return;
	case HTTP_TLS_WROTE:
		wire_plain(w, PARSER_OUT, event, event->seq - event->length, text);
		return;
	case HTTP_CLOSED:
	case HTTP_TLS_OVER:
		if (event->length)
			parser_cut(&c->parser, &w->parsed, event->seq, event->other);
		wire_over(w, c);
		return;
	case HTTP_RESUMED:
		wire_resumed(w, event);
		return;
	}
}

/* Of a connection that is over, or was another worker's; not of one that nothing was told of. */
static bool wire_is_late(const struct http_event *event)
{
	bool ends = event->kind == HTTP_CLOSED || event->kind == HTTP_TLS_OVER;

	return event->kind == HTTP_CLIENT_GONE || (ends && event->length < 2);
}

/* FOUND, or met in its middle: it may be a client's. Of others the kernel knows more. */
static enum exchange_trust wire_trust(const struct http_event *event)
{
	bool served = event->kind == HTTP_ACCEPTED || event->kind == HTTP_RESUMED ||
		      event->kind == HTTP_CLOSED;

	return served ? EXCHANGE_ACCEPTED : EXCHANGE_UNKNOWN;
}

void wire_event(struct wire *w, const void *record, size_t bytes)
{
	struct http_event event;

	if (bytes < sizeof(event))
		return;
	memcpy(&event, record, sizeof(event));
	if (event.kept > bytes - sizeof(event))
		return;
	if (event.at_ns)
		w->now_ns = w->parsed.now_ns = event.at_ns;
	w->connection = *wire_find(w, event.connection);
	if (!w->connection && !wire_is_late(&event))
		w->connection = wire_add(w, event.connection, wire_trust(&event));
	if (!w->connection) { /* each begins once: what else comes of it is no news */
		w->counts.refused += event.kind == HTTP_ACCEPTED || event.kind == HTTP_FOUND;
		return;
	}
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

/* Whose plain text should have shown long since, or whose end. */
static void wire_doubt_row(struct wire *w, struct wire_connection **at, uint64_t now_ns)
{
	while (*at) {
		struct wire_connection *c = *at;
		bool due = c->doubt_ns && c->doubt_ns + WIRE_DOUBT_NS < now_ns;

		if (due && wire_is_session(c)) {
			w->parsed.now_ns = c->doubt_ns; /* an answer may end with it */
			wire_end(w, c);
			wire_free(w, at);
			continue;
		}
		if (due)
			wire_unlinked(w, c);
		at = &c->next;
	}
}

static void wire_doubt(struct wire *w, uint64_t now_ns)
{
	if (!w->doubts || now_ns < w->doubted_ns + WIRE_DOUBT_NS)
		return;
	w->doubted_ns = now_ns;
	for (uint32_t i = 0; i < WIRE_TABLE; i++)
		wire_doubt_row(w, &w->table[i], now_ns);
}

void wire_round(struct wire *w, uint64_t now_ns)
{
	if (w->ring)
		ring_read(w->ring, wire_record, w);
	wire_doubt(w, now_ns);
	bare_book(w->config.bare, w->config.sink, now_ns);
}

void wire_counts_get(const struct wire *w, struct wire_counts *out)
{
	*out = w->counts;
	out->nobodys = w->parsed.nobodys;
}
