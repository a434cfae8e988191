#include "postgres.h"

#include "backend.h"
#include "hot.h"

#include <string.h>

#define POSTGRES_PROTOCOL_3 196608u
#define POSTGRES_CANCEL 80877102u
#define POSTGRES_SSL 80877103u
#define POSTGRES_GSS 80877104u
#define POSTGRES_START_MOST 10000u /* as the server has it */
#define POSTGRES_PRIME UINT64_C(0x100000001b3)

void postgres_init(struct postgres *g)
{
	pairs_init(&g->pairs);
	memset((uint8_t *)g + sizeof(g->pairs), 0, sizeof(*g) - sizeof(g->pairs));
	g->next_portal = 1;
	g->portals[0].name = POSTGRES_HASH;
}

static bool postgres_is_start(uint32_t length, uint32_t code)
{
	if (code == POSTGRES_SSL || code == POSTGRES_GSS)
		return length == 8;
	return code >> 16 == POSTGRES_PROTOCOL_3 >> 16 && length >= 8 &&
	       length <= POSTGRES_START_MOST;
}

bool postgres_begins(const uint8_t *at, size_t n)
{
	return n >= 8 && postgres_is_start(postgres_number(at), postgres_number(at + 4));
}

HOT_IN(dialogue_postgres)
bool postgres_declines(const struct postgres *g, const uint8_t *at, size_t n)
{
	if (pairs_is_confirmed(&g->pairs) || g->out.head_bytes || g->out.left || !n)
		return false;
	if (g->asked)
		return at[0] != 'S' && at[0] != 'N' && at[0] != 'G' && at[0] != 'E';
	return n > 1 && ((at[0] != 'R' && at[0] != 'E' && at[0] != 'v' && at[0] != 'N' &&
			  at[0] != 'S' && at[0] != 'K' && at[0] != 'Z') ||
			 at[1]);
}

HOT_IN(dialogue_postgres)
bool postgres_head(struct postgres_way *w, uint8_t enough, const uint8_t **at, const uint8_t *end)
{
	size_t n = (size_t)(end - *at);

	if (n > (size_t)(enough - w->head_bytes))
		n = (size_t)(enough - w->head_bytes);
	if (!w->head_bytes && n == POSTGRES_MESSAGE_HEAD) /* as a rule: no loop */
		memcpy(w->head, *at, POSTGRES_MESSAGE_HEAD);
	else
		memcpy(w->head + w->head_bytes, *at, n);
	w->head_bytes = (uint8_t)(w->head_bytes + n);
	w->bytes += n;
	*at += n;
	return w->head_bytes == enough;
}

HOT_IN(dialogue_postgres) void postgres_count(struct postgres_way *w, struct pairs_call *call)
{
	if (w->counting)
		return;
	w->counting = true;
	w->t0 = pairs_now(call);
	w->bytes = 0;
}

static HOT_IN(dialogue_postgres) void postgres_ask(struct postgres *g, struct pairs_call *call,
						   const struct pairs_ask *of)
{
	struct pairs_ask ask = *of;

	if (!(ask.mark & PAIRS_ASIDE)) {
		ask.t0 = g->in.t0;
		ask.bytes_in = g->in.bytes;
		g->in.bytes = 0;
	}
	pairs_ask(&g->pairs, call, &ask);
}

static void postgres_ask_text(struct postgres *g, struct pairs_call *call, const char *name)
{
	const struct pairs_ask ask = { .name = (const uint8_t *)name,
				       .name_length = (uint8_t)strlen(name),
				       .mark = POSTGRES_STATEMENT };

	postgres_ask(g, call, &ask);
}

static HOT_IN(dialogue_postgres) void postgres_ask_statement(struct postgres *g,
							     struct pairs_call *call)
{
	const struct pairs_ask ask = { .name = g->sql.text,
				       .name_length = g->sql.length,
				       .mark = POSTGRES_STATEMENT };

	g->in.field = 1; /* there was one */
	postgres_ask(g, call, &ask);
}

static HOT_IN(dialogue_postgres) void postgres_ask_aside(struct postgres *g,
							 struct pairs_call *call, uint8_t mark)
{
	const struct pairs_ask ask = { .name = g->sql.text, .mark = mark };

	postgres_ask(g, call, &ask);
}

/* The statement ahead of it takes it along: the rule, and half of what the queue has to do. */
static HOT_IN(dialogue_postgres) void postgres_ask_sync(struct postgres *g, struct pairs_call *call)
{
	if (!pairs_mark(&g->pairs, POSTGRES_STATEMENT, POSTGRES_LAST))
		postgres_ask_aside(g, call, POSTGRES_SYNC);
}

static HOT_IN(dialogue_postgres) struct postgres_portal *postgres_portal(struct postgres *g,
									 uint64_t name, bool make)
{
	for (uint32_t i = 0; i < POSTGRES_PORTALS; i++)
		if (g->portals[i].name == name)
			return &g->portals[i];
	if (!make)
		return NULL;
	g->next_portal = g->next_portal + 1 < POSTGRES_PORTALS ? g->next_portal + 1 : 1;
	g->portals[g->next_portal].name = name;
	return &g->portals[g->next_portal];
}

/* A byte of a simple query's text. */
static HOT_IN(dialogue_postgres) void postgres_query_byte(struct postgres *g,
							  struct pairs_call *call, uint8_t c)
{
	if (c && !sql_byte(&g->sql, c))
		return;
	sql_end(&g->sql);
	if (g->sql.begun)
		postgres_ask_statement(g, call);
	sql_next(&g->sql);
}

/* A byte of a message that begins with two strings: names, or a name and a text. */
static HOT_IN(dialogue_postgres) void postgres_string_byte(struct postgres *g, uint8_t type,
							   uint8_t c)
{
	if (!c) {
		if (!g->in.field)
			g->first = g->hash;
		if (type == 'P' && g->in.field == 1)
			sql_end(&g->sql);
		else
			g->hash = g->in.field ? g->hash : POSTGRES_HASH;
		g->in.field++;
	} else if (type == 'P' && g->in.field == 1) {
		sql_byte(&g->sql, c); /* it holds one statement */
	} else if (g->in.field <= 1) {
		g->hash = (g->hash ^ c) * POSTGRES_PRIME;
	}
}

/* The text of a simple query. A request's bytes are those up to the end of its statement. */
static HOT_IN(dialogue_postgres) void postgres_query(struct postgres *g, struct pairs_call *call,
						     const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;

	while (at < end) {
		size_t run = sql_run(&g->sql, at, (size_t)(end - at));

		at += run;
		g->in.bytes += run;
		if (at == end)
			return;
		g->in.bytes++;
		postgres_query_byte(g, call, *at++);
	}
}

static HOT_IN(dialogue_postgres) void postgres_strings(struct postgres *g, uint8_t type,
						       const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;

	while (at < end && g->in.field < 2) {
		if (type == 'P' && g->in.field == 1)
			at += sql_run(&g->sql, at, (size_t)(end - at));
		if (at < end)
			postgres_string_byte(g, type, *at++);
	}
}

/* What of a message is looked at; all of it is consumed as far as it is there. */
static HOT_IN(dialogue_postgres) void postgres_in_bytes(struct postgres *g, struct pairs_call *call,
							const uint8_t *at, size_t n)
{
	uint8_t type = g->in.head[0];

	if (type == 'Q') {
		postgres_query(g, call, at, n);
		return;
	}
	g->in.bytes += n;
	if (type == 'P' || type == 'B' || type == 'E')
		postgres_strings(g, type, at, n);
}

/* Its bytes belong to a request that was read already. */
static HOT_IN(dialogue_postgres) void postgres_copied(struct postgres *g)
{
	atomic_fetch_add_explicit(&g->copied, g->in.bytes, memory_order_relaxed);
	g->in.bytes = 0;
	g->in.counting = false;
}

static HOT_IN(dialogue_postgres) void postgres_in_execute(struct postgres *g,
							  struct pairs_call *call)
{
	const struct postgres_portal *portal = postgres_portal(g, g->first, false);
	const uint64_t statement = portal ? portal->statement : 0;
	const struct pairs_ask ask = { .name = (const uint8_t *)&statement,
				       .name_length = sizeof(statement),
				       .mark = POSTGRES_EXECUTE };

	postgres_ask(g, call, &ask);
	g->in.counting = false;
}

static void postgres_in_parse(struct postgres *g, struct pairs_call *call)
{
	const struct pairs_ask ask = { .t0 = g->first,
				       .name = g->sql.text,
				       .name_length = g->sql.length,
				       .mark = POSTGRES_PARSE };

	postgres_ask(g, call, &ask);
}

static HOT_IN(dialogue_postgres) void postgres_in_end(struct postgres *g, struct pairs_call *call)
{
	switch (g->in.head[0]) {
	case 'Q':
		if (!g->in.field)
			postgres_ask_text(g, call, "(empty)");
		postgres_ask_sync(g, call);
		postgres_copied(g);
		break;
	case 'F':
		postgres_ask_text(g, call, "(function call)");
		postgres_ask_sync(g, call);
		postgres_copied(g);
		break;
	case 'P':
		postgres_in_parse(g, call);
		break;
	case 'B':
		postgres_portal(g, g->first, true)->statement = g->hash;
		break;
	case 'E':
		postgres_in_execute(g, call);
		break;
	case 'S':
		postgres_ask_aside(g, call, POSTGRES_SYNC);
		postgres_copied(g);
		break;
	case 'd':
	case 'c':
	case 'f':
		postgres_copied(g);
		break;
	case 'p':
	case 'X':
		g->in.counting = false;
		break;
	default:
		break;
	}
}

static HOT_IN(dialogue_postgres) bool postgres_in_begin(struct postgres *g)
{
	uint32_t length = postgres_number(g->in.head + 1);

	if (length < 4 || length > POSTGRES_MESSAGE_MOST)
		return false;
	g->in.left = length - 4;
	g->in.field = 0;
	g->hash = POSTGRES_HASH;
	if (g->in.head[0] == 'Q' || g->in.head[0] == 'P')
		sql_init(&g->sql, SQL_STANDARD);
	return true;
}

/* The start-up message, or what is asked ahead of it. */
static bool postgres_start(struct postgres *g, struct pairs_call *call, const uint8_t **at,
			   const uint8_t *end)
{
	struct postgres_way *w = &g->in;
	uint32_t code, n;

	if (w->head_bytes < POSTGRES_HEAD) {
		if (!postgres_head(w, POSTGRES_HEAD, at, end))
			return true;
		if (!postgres_is_start(postgres_number(w->head), postgres_number(w->head + 4)))
			return pairs_lose(&g->pairs, call, RS_UNPARSED_GARBAGE);
		w->left = postgres_number(w->head) - POSTGRES_HEAD;
	}
	n = (size_t)(end - *at) < w->left ? (uint32_t)(end - *at) : w->left;
	*at += n;
	w->left -= n;
	if (w->left)
		return true;
	code = postgres_number(w->head + 4);
	w->head_bytes = 0;
	g->started = code != POSTGRES_SSL && code != POSTGRES_GSS;
	g->asked = !g->started;
	return true;
}

static HOT_IN(dialogue_postgres) bool postgres_message(struct postgres *g, struct pairs_call *call,
						       const uint8_t **at, const uint8_t *end)
{
	struct postgres_way *w = &g->in;
	uint32_t n;

	postgres_count(w, call);
	if (w->head_bytes < POSTGRES_MESSAGE_HEAD) {
		if (!postgres_head(w, POSTGRES_MESSAGE_HEAD, at, end))
			return true;
		if (!postgres_in_begin(g))
			return pairs_lose(&g->pairs, call, RS_UNPARSED_GARBAGE);
	}
	n = (size_t)(end - *at) < w->left ? (uint32_t)(end - *at) : w->left;
	postgres_in_bytes(g, call, *at, n);
	*at += n;
	w->left -= n;
	if (w->left)
		return true;
	w->head_bytes = 0;
	postgres_in_end(g, call);
	return true;
}

HOT_IN(dialogue_postgres)
bool postgres_read(struct postgres *g, struct pairs_call *call, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;
	bool more = true;

	if (pairs_is_lost(&g->pairs))
		return false;
	while (at < end && more)
		more = g->started ? postgres_message(g, call, &at, end)
				  : postgres_start(g, call, &at, end);
	pairs_flush(&g->pairs, call);
	return more && !pairs_is_lost(&g->pairs);
}

void postgres_close(struct postgres *g, struct pairs_call *call, bool client_gone)
{
	backend_close(g, call);
	pairs_close(&g->pairs, call, client_gone);
}
