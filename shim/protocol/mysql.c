#include "mysql.h"

#include "hot.h"
#include "mysql_reply.h"

#include <string.h>

#define MYSQL_VERSION_MOST 64u  /* of a greeting, its end included */
#define MYSQL_GREETING_BYTES 33 /* that follow the version, at least */
#define MYSQL_RESPONSE_BYTES 32u
#define MYSQL_NUMBER 4u /* bytes of a prepared statement's */

enum mysql_command {
	MYSQL_COM_QUIT = 0x01,
	MYSQL_COM_QUERY = 0x03,
	MYSQL_COM_PREPARE = 0x16,
	MYSQL_COM_EXECUTE = 0x17,
	MYSQL_COM_LONG_DATA = 0x18,
	MYSQL_COM_CLOSE = 0x19,
	MYSQL_COM_FETCH = 0x1c,
	MYSQL_COM_BULK_EXECUTE = 0xfa,
};

/* Commands without a text, by their first byte. */
static const struct {
	char name[23];
	uint8_t mark;
} mysql_commands[] = {
	[0x02] = { "(init db)", MYSQL_SINGLE },
	[0x04] = { "(field list)", MYSQL_FIELDS },
	[0x05] = { "(create db)", MYSQL_SINGLE },
	[0x06] = { "(drop db)", MYSQL_SINGLE },
	[0x07] = { "(refresh)", MYSQL_SINGLE },
	[0x08] = { "(shutdown)", MYSQL_SINGLE },
	[0x09] = { "", MYSQL_ASIDE }, /* statistics */
	[0x0a] = { "(process info)", MYSQL_LAST },
	[0x0c] = { "(process kill)", MYSQL_SINGLE },
	[0x0d] = { "(debug)", MYSQL_SINGLE },
	[0x0e] = { "", MYSQL_ASIDE }, /* ping */
	[0x11] = { "(change user)", MYSQL_USER },
	[0x12] = { "(binlog dump)", MYSQL_DUMP },
	[0x13] = { "(table dump)", MYSQL_DUMP },
	[0x15] = { "(register replica)", MYSQL_SINGLE },
	[0x1a] = { "", MYSQL_ASIDE }, /* a prepared statement's reset */
	[0x1b] = { "(set option)", MYSQL_SINGLE },
	[0x1e] = { "(binlog dump)", MYSQL_DUMP },
	[0x1f] = { "(reset connection)", MYSQL_SINGLE },
};

void mysql_init(struct mysql *m, bool secure)
{
	pairs_init(&m->pairs);
	memset((uint8_t *)m + sizeof(m->pairs), 0, sizeof(*m) - sizeof(m->pairs));
	m->greeted = secure;
}

/* Version 10, and its server's, as far as it is there. */
bool mysql_greets(const uint8_t *at, size_t n)
{
	size_t i = MYSQL_HEAD + 1, most = MYSQL_HEAD + MYSQL_VERSION_MOST;
	uint32_t size;

	if (n < MYSQL_GREETING_LEAST)
		return false;
	size = mysql_number(at, 3);
	if (size < MYSQL_GREETING_BYTES || size > UINT8_MAX || at[3] || at[MYSQL_HEAD] != 10)
		return false;
	if (at[i] < '0' || at[i] > '9')
		return false;
	while (i < n && i < most && at[i] >= ' ' && at[i] < 0x7f)
		i++;
	return i == n || (i < most && !at[i]);
}

HOT_IN(dialogue_mysql) bool mysql_head(struct mysql_way *w, const uint8_t **at, const uint8_t *end)
{
	while (*at < end && w->head_bytes < MYSQL_HEAD) {
		w->head[w->head_bytes++] = *(*at)++;
		w->bytes++;
	}
	if (w->head_bytes < MYSQL_HEAD)
		return false;
	w->left = mysql_number(w->head, 3);
	if (!w->more) {
		w->size = 0;
		w->kept_bytes = 0;
	}
	w->more = w->left == MYSQL_PART;
	w->size += w->left;
	return true;
}

HOT_IN(dialogue_mysql) void mysql_keep(struct mysql_way *w, const uint8_t *at, uint32_t n)
{
	uint32_t room = MYSQL_KEPT - w->kept_bytes;

	room = room < n ? room : n;
	memcpy(w->kept + w->kept_bytes, at, room);
	w->kept_bytes = (uint8_t)(w->kept_bytes + room);
	w->bytes += n;
	w->left -= n;
}

HOT_IN(dialogue_mysql) void mysql_count(struct mysql_way *w, struct pairs_call *call)
{
	if (w->counting)
		return;
	w->counting = true;
	w->t0 = pairs_now(call);
	w->bytes = 0;
}

/* Its bytes belong to another request. */
static void mysql_copied(struct mysql *m)
{
	atomic_fetch_add_explicit(&m->copied, m->in.bytes, memory_order_relaxed);
	m->in.bytes = 0;
	m->in.counting = false;
}

static HOT_IN(dialogue_mysql) void mysql_ask(struct mysql *m, struct pairs_call *call, uint8_t mark,
					     const void *name, size_t length)
{
	const struct pairs_ask ask = { .t0 = m->in.t0,
				       .bytes_in = m->in.bytes,
				       .name = name,
				       .name_length = (uint8_t)length,
				       .mark = mark };

	pairs_ask(&m->pairs, call, &ask);
	m->in.bytes = 0;
}

static void mysql_ask_statement(struct mysql *m, struct pairs_call *call, uint8_t mark)
{
	m->asked = true;
	mysql_ask(m, call, mark, m->sql.text, m->sql.length);
}

static bool mysql_can(const struct mysql *m, uint32_t capability)
{
	return atomic_load_explicit(&m->client, memory_order_relaxed) & capability;
}

/* Is it certain what a backslash means in the text that begins? */
static enum sql_flavour mysql_flavour(const struct mysql *m)
{
	bool odd =
		atomic_load_explicit(&m->literal, memory_order_relaxed) || pairs_waiting(&m->pairs);

	return odd ? SQL_MYSQL_ODD : SQL_MYSQL;
}

/* A byte of a statement's packet, behind the first. */
static HOT_IN(dialogue_mysql) void mysql_text_byte(struct mysql *m, struct pairs_call *call,
						   uint8_t c)
{
	if (!sql_byte(&m->sql, c))
		return;
	if (m->in.kept[0] == MYSQL_COM_PREPARE)
		return; /* it holds one statement */
	sql_end(&m->sql);
	if (m->sql.begun)
		mysql_ask_statement(m, call, MYSQL_STATEMENT);
	sql_next(&m->sql);
}

/* Ahead of the text are its command, and numbers of attributes. Bytes of a part that are such. */
static uint32_t mysql_ahead(struct mysql *m, uint64_t from, const uint8_t *at, uint32_t n)
{
	bool attributes = m->in.kept[0] == MYSQL_COM_QUERY && mysql_can(m, MYSQL_QUERY_ATTRIBUTES);
	uint32_t ahead = attributes ? 3 : 1;
	uint32_t i = 0;

	for (; i < n && from + i < ahead; i++)
		m->nameless = m->nameless || (from + i == 1 && at[i]);
	return i;
}

static HOT_IN(dialogue_mysql) void mysql_text(struct mysql *m, struct pairs_call *call,
					      const uint8_t *at, uint32_t n)
{
	const uint8_t *end = at + n;

	at += mysql_ahead(m, m->in.size - m->in.left - n, at, n);
	while (at < end && !m->nameless) {
		at += sql_run(&m->sql, at, (size_t)(end - at));
		if (at < end)
			mysql_text_byte(m, call, *at++);
	}
}

static HOT_IN(dialogue_mysql) void mysql_query_end(struct mysql *m, struct pairs_call *call)
{
	static const char empty[] = "(empty)";

	sql_end(&m->sql);
	if (m->nameless)
		mysql_ask(m, call, MYSQL_LAST, "", 0);
	else if (m->sql.begun)
		mysql_ask_statement(m, call, MYSQL_LAST);
	else if (!m->asked)
		mysql_ask(m, call, MYSQL_LAST, empty, sizeof(empty) - 1);
	else
		mysql_ask(m, call, MYSQL_END, "", 0);
}

static void mysql_other_end(struct mysql *m, struct pairs_call *call)
{
	uint8_t command = m->in.kept[0];
	const char *name;

	if (command >= sizeof(mysql_commands) / sizeof(*mysql_commands) ||
	    !mysql_commands[command].mark) {
		mysql_ask(m, call, MYSQL_SINGLE, "", 0);
		return;
	}
	name = mysql_commands[command].name;
	mysql_ask(m, call, mysql_commands[command].mark, name, strlen(name));
}

/* A command was read whole. */
static HOT_IN(dialogue_mysql) void mysql_command_end(struct mysql *m, struct pairs_call *call)
{
	bool numbered = m->in.kept_bytes > MYSQL_NUMBER;

	switch (m->in.kept[0]) {
	case MYSQL_COM_QUIT:
	case MYSQL_COM_CLOSE:
		break;
	case MYSQL_COM_LONG_DATA:
		mysql_copied(m);
		break;
	case MYSQL_COM_QUERY:
		mysql_query_end(m, call);
		break;
	case MYSQL_COM_PREPARE:
		sql_end(&m->sql);
		mysql_ask(m, call, MYSQL_PREPARE, m->sql.text, m->sql.length);
		break;
	case MYSQL_COM_EXECUTE:
	case MYSQL_COM_BULK_EXECUTE:
		mysql_ask(m, call, MYSQL_EXECUTE, m->in.kept + 1, numbered ? MYSQL_NUMBER : 0);
		break;
	case MYSQL_COM_FETCH:
		mysql_ask(m, call, MYSQL_FETCH, m->in.kept + 1, numbered ? MYSQL_NUMBER : 0);
		break;
	default:
		mysql_other_end(m, call);
	}
	m->in.counting = false;
}

/* The client's first packet: what it can, and whether TLS follows. false: no such client. */
static bool mysql_response(struct mysql *m)
{
	const uint8_t *at = m->in.kept;
	uint32_t client = mysql_number(at, 4);

	if (m->in.size < MYSQL_RESPONSE_BYTES || !(client & MYSQL_PROTOCOL_41))
		return false;
	m->in.counting = false;
	m->pairs.encrypted = (client & MYSQL_SSL) && m->in.size == MYSQL_RESPONSE_BYTES;
	m->responded = true;
	atomic_store_explicit(&m->client, client, memory_order_relaxed);
	if (!(client & MYSQL_CLIENT_MYSQL))
		atomic_store_explicit(&m->wide, mysql_number(at + 28, 4), memory_order_relaxed);
	return true;
}

/* A packet was read whole. */
static HOT_IN(dialogue_mysql) bool mysql_packet(struct mysql *m, struct pairs_call *call)
{
	if (!m->responded)
		return mysql_response(m) || pairs_lose(&m->pairs, call, RS_UNPARSED_GARBAGE);
	if (atomic_load_explicit(&m->local, memory_order_relaxed)) {
		if (!m->in.size) /* the end of the file */
			atomic_store_explicit(&m->local, false, memory_order_relaxed);
		mysql_copied(m);
	} else if (m->in.head[3] && m->in.size < MYSQL_PART) {
		mysql_copied(m); /* a part of a handshake */
	} else if (m->in.size) {
		mysql_command_end(m, call);
	}
	return true;
}

static bool mysql_is_text(const struct mysql *m)
{
	uint8_t first = m->in.kept[0];

	return m->responded && !atomic_load_explicit(&m->local, memory_order_relaxed) &&
	       (first == MYSQL_COM_QUERY || first == MYSQL_COM_PREPARE) &&
	       (m->in.size >= MYSQL_PART || !m->in.head[3]);
}

static HOT_IN(dialogue_mysql) bool mysql_part(struct mysql *m, struct pairs_call *call,
					      const uint8_t **at, const uint8_t *end)
{
	struct mysql_way *w = &m->in;
	uint32_t n;

	mysql_count(w, call);
	if (w->head_bytes < MYSQL_HEAD) {
		bool on = w->more;

		if (!mysql_head(w, at, end))
			return true;
		if (!on) {
			sql_init(&m->sql, mysql_flavour(m));
			m->nameless = false;
			m->asked = false;
		}
	}
	n = (size_t)(end - *at) < w->left ? (uint32_t)(end - *at) : w->left;
	mysql_keep(w, *at, n);
	if (n && mysql_is_text(m))
		mysql_text(m, call, *at, n);
	*at += n;
	if (w->left)
		return true;
	w->head_bytes = 0;
	return w->more || mysql_packet(m, call);
}

HOT_IN(dialogue_mysql)
bool mysql_read(struct mysql *m, struct pairs_call *call, const uint8_t **at, size_t n)
{
	const uint8_t *end = *at + n;
	bool more = true;

	if (pairs_is_lost(&m->pairs))
		return false;
	while (*at < end && more && !m->pairs.encrypted)
		more = mysql_part(m, call, at, end);
	pairs_flush(&m->pairs, call);
	return more && !pairs_is_lost(&m->pairs);
}

void mysql_close(struct mysql *m, struct pairs_call *call, bool client_gone)
{
	mysql_reply_close(m, call);
	pairs_close(&m->pairs, call, client_gone);
}
