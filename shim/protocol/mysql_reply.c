#include "mysql_reply.h"

#include "hot.h"

#include <string.h>

#define MYSQL_REPLY_OK 0x00
#define MYSQL_REPLY_LOCAL 0xfb
#define MYSQL_REPLY_END 0xfe
#define MYSQL_REPLY_ERROR 0xff
#define MYSQL_REPLY_PROGRESS 0xffffu /* an error's number that tells how far MariaDB is */
#define MYSQL_REPLY_COLUMNS 65535u
#define MYSQL_REPLY_BLOCKS (MYSQL_STATEMENTS / (uint32_t)PAIRS_NAMES)

/* Of the server's status. */
#define MYSQL_REPLY_MORE 0x8u
#define MYSQL_REPLY_CURSOR 0x40u
#define MYSQL_REPLY_LITERAL 0x200u /* a backslash is none but itself */

enum mysql_reply_step {
	MYSQL_REPLY_FIRST, /* packet of an answer */
	MYSQL_REPLY_DEFINITIONS,
	MYSQL_REPLY_DEFINED, /* the end of them */
	MYSQL_REPLY_ROWS,
	MYSQL_REPLY_PREPARED, /* descriptions of parameters and columns */
};

static bool mysql_reply_can(const struct mysql *m, uint32_t capability)
{
	return atomic_load_explicit(&m->client, memory_order_relaxed) & capability;
}

/* The number of so many bytes as its first says, behind *at. */
static uint64_t mysql_reply_integer(const struct mysql_way *w, uint32_t *at)
{
	uint32_t first = *at < w->kept_bytes ? w->kept[(*at)++] : 0;
	uint32_t bytes = first == 0xfc ? 2 : first == 0xfd ? 3 : first == 0xfe ? 8 : 0;
	uint64_t n = 0;

	if (!bytes)
		return first;
	if (*at + bytes > w->kept_bytes)
		return 0;
	for (uint32_t i = bytes; i--;)
		n = n << 8 | w->kept[*at + i];
	*at += bytes;
	return n;
}

static uint32_t mysql_reply_short(const struct mysql_way *w, uint32_t at)
{
	return at + 2 <= w->kept_bytes ? mysql_number(w->kept + at, 2) : 0;
}

/* The status in what is an OK, or an end. */
static uint32_t mysql_reply_status(struct mysql *m)
{
	const struct mysql_way *w = &m->out;
	uint32_t at = 1, status;

	if (w->kept[0] == MYSQL_REPLY_END && !mysql_reply_can(m, MYSQL_DEPRECATE_EOF)) {
		at = 3;
	} else {
		mysql_reply_integer(w, &at);
		mysql_reply_integer(w, &at);
	}
	status = mysql_reply_short(w, at);
	atomic_store_explicit(&m->literal, status & MYSQL_REPLY_LITERAL, memory_order_relaxed);
	return status;
}

static struct pairs_name *mysql_reply_statement(const struct mysql *m, uint64_t number)
{
	struct pairs_block *block = m->prepared;

	for (; block; block = atomic_load_explicit(&block->next, memory_order_relaxed)) {
		for (uint32_t i = 0; i < PAIRS_NAMES; i++)
			if (block->names[i].hash == number)
				return &block->names[i];
	}
	return NULL;
}

/* Its number is told with 1 added: 0 is a place that is free. */
static void mysql_reply_prepared(struct mysql *m, struct pairs_call *call, uint64_t number)
{
	const struct pairs_run *run = pairs_front(&m->pairs, call);
	struct pairs_name *s = mysql_reply_statement(m, number + 1);

	m->last = pairs_ops.name(call->context, run->name, run->name_length, true);
	if (!s)
		s = pairs_name_place(&m->prepared, &m->statements, MYSQL_REPLY_BLOCKS, call);
	if (s)
		*s = (struct pairs_name){ .hash = number + 1, .shape = m->last };
}

static uint16_t mysql_reply_shape(const struct mysql *m, const struct pairs_run *run)
{
	uint64_t number = run->name_length == 4 ? mysql_number(run->name, 4) : UINT32_MAX;
	const struct pairs_name *s = mysql_reply_statement(m, number + 1);

	if (number == UINT32_MAX) /* the one that was prepared last */
		return m->last;
	return s ? s->shape : 0;
}

static bool mysql_reply_is_numbered(const struct pairs_run *run)
{
	return run->mark == MYSQL_EXECUTE || run->mark == MYSQL_FETCH;
}

/* The request is over. */
static HOT_IN(dialogue_mysql) void mysql_reply_tell(struct mysql *m, struct pairs_call *call,
						    uint16_t status, bool unknown)
{
	struct pairs_run *run = pairs_front(&m->pairs, call);
	struct pairs_answer a = {
		.first_byte = m->out.t0,
		.bytes_out = m->out.bytes,
		.bytes_in = atomic_exchange_explicit(&m->copied, 0, memory_order_relaxed),
		.status = status,
		.unknown = unknown,
		.flags = m->streaming ? RS_FLAG_UPGRADED : 0,
	};

	m->out.counting = false;
	if (!run)
		return;
	if (mysql_reply_is_numbered(run)) {
		a.shaped = true;
		a.shape = mysql_reply_shape(m, run);
	}
	pairs_answer(&m->pairs, call, &a);
}

/* Behind the last result of a text: what is left of it did not happen. */
static void mysql_reply_pass_over(struct mysql *m, struct pairs_call *call)
{
	const struct pairs_run *run;
	uint8_t mark = MYSQL_STATEMENT;

	while (mark == MYSQL_STATEMENT && (run = pairs_front(&m->pairs, call))) {
		mark = run->mark;
		pairs_skip(&m->pairs, call);
	}
}

static bool mysql_reply_is_call(const struct pairs_run *run)
{
	static const char word[] = "call";

	for (size_t i = 0; i < sizeof(word) - 1; i++)
		if (i >= run->name_length || (run->name[i] | 0x20) != word[i])
			return false;
	return true;
}

/* A result has ended. rows: it was no OK. */
static HOT_IN(dialogue_mysql) void mysql_reply_result(struct mysql *m, struct pairs_call *call,
						      uint32_t status, bool rows)
{
	const struct pairs_run *run = pairs_front(&m->pairs, call);
	bool more = status & MYSQL_REPLY_MORE;
	uint8_t mark = run ? run->mark : MYSQL_END;

	m->step = MYSQL_REPLY_FIRST;
	if (more && (mark != MYSQL_STATEMENT || (rows && mysql_reply_is_call(run))))
		return; /* those that follow are of the same request */
	if (mark != MYSQL_END)
		mysql_reply_tell(m, call, PAIRS_OK, false);
	m->out.counting = false;
	if (!more && (mark == MYSQL_STATEMENT || mark == MYSQL_END))
		mysql_reply_pass_over(m, call);
}

static bool mysql_reply_state_is(const struct mysql *m, const char *class)
{
	const struct mysql_way *w = &m->out;

	return w->kept_bytes >= 9 && w->kept[3] == '#' && !memcmp(w->kept + 4, class, 2);
}

/* Of the general class: disk, tables, memory, waits for locks. */
static bool mysql_reply_is_general_failure(uint32_t number)
{
	static const uint16_t ranges[][2] = { { 1021, 1021 }, { 1030, 1030 }, { 1034, 1041 },
					      { 1114, 1114 }, { 1119, 1119 }, { 1135, 1135 },
					      { 1180, 1181 }, { 1194, 1195 }, { 1205, 1206 } };

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (number >= ranges[i][0] && number <= ranges[i][1])
			return true;
	return false;
}

static uint16_t mysql_reply_blame(const struct mysql *m)
{
	static const char servers[][3] = { "08", "40", "53", "57", "58", "70", "XA", "XX" };

	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++)
		if (mysql_reply_state_is(m, servers[i]))
			return PAIRS_FAILED;
	return mysql_reply_state_is(m, "HY") &&
			       mysql_reply_is_general_failure(mysql_reply_short(&m->out, 1))
		       ? PAIRS_FAILED
		       : PAIRS_REFUSED;
}

/* The server got as far as the data: all that the statement names is there. */
static bool mysql_reply_is_known(const struct mysql *m, uint16_t status)
{
	return status == PAIRS_FAILED || mysql_reply_state_is(m, "21") ||
	       mysql_reply_state_is(m, "22") || mysql_reply_state_is(m, "23") ||
	       mysql_reply_state_is(m, "45");
}

static void mysql_reply_failed(struct mysql *m, struct pairs_call *call)
{
	const struct pairs_run *run = pairs_front(&m->pairs, call);
	uint16_t status = mysql_reply_blame(m);
	uint8_t mark = run ? run->mark : MYSQL_END;

	m->step = MYSQL_REPLY_FIRST;
	if (mark == MYSQL_ASIDE)
		pairs_skip(&m->pairs, call);
	else if (mark != MYSQL_END)
		mysql_reply_tell(m, call, status, !mysql_reply_is_known(m, status));
	m->out.counting = false;
	if (mark == MYSQL_STATEMENT || mark == MYSQL_END)
		mysql_reply_pass_over(m, call);
}

/* A result's first packet: an OK, the wish for a file, or a number of columns. */
static HOT_IN(dialogue_mysql) bool mysql_reply_begin(struct mysql *m, struct pairs_call *call)
{
	const struct mysql_way *w = &m->out;
	bool optional = mysql_reply_can(m, MYSQL_OPTIONAL_METADATA);
	bool cached = atomic_load_explicit(&m->wide, memory_order_relaxed) & MYSQL_CACHE_METADATA;
	uint32_t at = optional;
	uint64_t columns;

	if (w->kept[0] == MYSQL_REPLY_OK && w->size > 2) {
		mysql_reply_result(m, call, mysql_reply_status(m), false);
		return true;
	}
	if (w->kept[0] == MYSQL_REPLY_LOCAL) {
		atomic_store_explicit(&m->local, true, memory_order_relaxed);
		return true;
	}
	columns = mysql_reply_integer(w, &at);
	m->skip = columns;
	if ((optional && !w->kept[0]) || (cached && at < w->kept_bytes && !w->kept[at]))
		m->skip = 0;
	if (!columns || columns > MYSQL_REPLY_COLUMNS || w->size != at + cached)
		return pairs_lose(&m->pairs, call, RS_UNPARSED_GARBAGE);
	m->step = MYSQL_REPLY_DEFINITIONS;
	return true;
}

/* No packet is left of the descriptions. */
static void mysql_reply_described(struct mysql *m)
{
	if (m->step == MYSQL_REPLY_DEFINITIONS && !m->skip)
		m->step = mysql_reply_can(m, MYSQL_DEPRECATE_EOF) ? MYSQL_REPLY_ROWS
								  : MYSQL_REPLY_DEFINED;
}

static bool mysql_reply_prepare(struct mysql *m, struct pairs_call *call)
{
	const struct mysql_way *w = &m->out;
	uint32_t columns = mysql_reply_short(w, 5), parameters = mysql_reply_short(w, 7);
	uint32_t end = !mysql_reply_can(m, MYSQL_DEPRECATE_EOF);

	if (w->kept[0] != MYSQL_REPLY_OK || w->size < 12)
		return pairs_lose(&m->pairs, call, RS_UNPARSED_GARBAGE);
	mysql_reply_prepared(m, call, mysql_number(w->kept + 1, 4));
	m->skip = (columns ? columns + end : 0) + (parameters ? parameters + end : 0);
	if (mysql_reply_can(m, MYSQL_OPTIONAL_METADATA) && w->size > 12 && !w->kept[12])
		m->skip = 0;
	m->step = MYSQL_REPLY_PREPARED;
	return true;
}

static bool mysql_reply_user(struct mysql *m, struct pairs_call *call)
{
	if (m->out.kept[0] == MYSQL_REPLY_OK)
		mysql_reply_result(m, call, mysql_reply_status(m) & ~MYSQL_REPLY_MORE, false);
	return true; /* another packet of the client's follows */
}

/* The first packet of an answer that is no error. */
static HOT_IN(dialogue_mysql) bool mysql_reply_first(struct mysql *m, struct pairs_call *call)
{
	const struct pairs_run *run = pairs_front(&m->pairs, call);

	if (!run) {
		m->out.counting = false; /* it was not asked for */
		return true;
	}
	switch (run->mark) {
	case MYSQL_ASIDE:
		pairs_skip(&m->pairs, call);
		m->out.counting = false;
		return true;
	case MYSQL_SINGLE:
		mysql_reply_result(m, call, 0, false);
		return true;
	case MYSQL_PREPARE:
		return mysql_reply_prepare(m, call);
	case MYSQL_USER:
		return mysql_reply_user(m, call);
	case MYSQL_DUMP:
		m->streaming = true;
		mysql_reply_tell(m, call, PAIRS_OK, false);
		return false;
	case MYSQL_FETCH:
	case MYSQL_FIELDS:
		m->step = MYSQL_REPLY_ROWS;
		return true;
	default:
		return mysql_reply_begin(m, call);
	}
}

static bool mysql_reply_is_end(const struct mysql *m)
{
	return m->out.kept[0] == MYSQL_REPLY_END && m->out.size < MYSQL_PART;
}

/* Behind the first packet. */
static HOT_IN(dialogue_mysql) void mysql_reply_next(struct mysql *m, struct pairs_call *call)
{
	uint32_t status;

	if (m->step == MYSQL_REPLY_DEFINITIONS || m->step == MYSQL_REPLY_PREPARED) {
		m->skip--;
	} else if (mysql_reply_is_end(m)) {
		status = mysql_reply_status(m);
		if (m->step == MYSQL_REPLY_ROWS || (status & MYSQL_REPLY_CURSOR))
			mysql_reply_result(m, call, status, true);
		else
			m->step = MYSQL_REPLY_ROWS;
	}
}

/* A packet ahead of the session. */
static bool mysql_reply_handshake(struct mysql *m, struct pairs_call *call)
{
	const struct mysql_way *w = &m->out;
	uint32_t client = atomic_load_explicit(&m->client, memory_order_relaxed);

	m->out.counting = false;
	if (!m->greeted) {
		m->greeted = true;
		return true;
	}
	if (w->kept[0] != MYSQL_REPLY_OK)
		return true;
	m->ready = true;
	mysql_reply_status(m);
	pairs_confirm(&m->pairs);
	if (client & (MYSQL_COMPRESS | MYSQL_ZSTD))
		return pairs_lose(&m->pairs, call, RS_UNPARSED_UNPAIRED);
	return true;
}

static HOT_IN(dialogue_mysql) bool mysql_reply_packet(struct mysql *m, struct pairs_call *call)
{
	const struct mysql_way *w = &m->out;
	bool more = true;

	if (!m->ready)
		return mysql_reply_handshake(m, call);
	if (w->kept_bytes && w->kept[0] == MYSQL_REPLY_ERROR && w->size < MYSQL_PART) {
		if (mysql_reply_short(w, 1) != MYSQL_REPLY_PROGRESS)
			mysql_reply_failed(m, call);
		return true;
	}
	if (m->step == MYSQL_REPLY_FIRST)
		more = mysql_reply_first(m, call);
	else
		mysql_reply_next(m, call);
	mysql_reply_described(m);
	if (m->step == MYSQL_REPLY_PREPARED && !m->skip) {
		pairs_skip(&m->pairs, call);
		m->step = MYSQL_REPLY_FIRST;
		m->out.counting = false;
	}
	return more;
}

static HOT_IN(dialogue_mysql) bool mysql_reply_part(struct mysql *m, struct pairs_call *call,
						    const uint8_t **at, const uint8_t *end)
{
	struct mysql_way *w = &m->out;
	uint32_t n;

	mysql_count(w, call);
	if (w->head_bytes < MYSQL_HEAD && !mysql_head(w, at, end))
		return true;
	n = (size_t)(end - *at) < w->left ? (uint32_t)(end - *at) : w->left;
	mysql_keep(w, *at, n);
	*at += n;
	if (w->left)
		return true;
	w->head_bytes = 0;
	if (!w->kept_bytes)
		w->kept[0] = 1; /* no OK and no end */
	return w->more || mysql_reply_packet(m, call);
}

HOT_IN(dialogue_mysql)
bool mysql_write(struct mysql *m, struct pairs_call *call, const uint8_t *at, size_t n)
{
	const uint8_t *end = at + n;
	bool more = true;

	if (m->streaming || pairs_is_lost(&m->pairs))
		return false;
	while (at < end && more)
		more = mysql_reply_part(m, call, &at, end);
	if (!more)
		return false;
	pairs_written(&m->pairs, call);
	return true;
}

void mysql_reply_close(struct mysql *m, struct pairs_call *call)
{
	struct pairs_block *next;

	for (struct pairs_block *block = m->prepared; block; block = next) {
		next = atomic_load_explicit(&block->next, memory_order_relaxed);
		pairs_ops.give_back(call->context, block);
	}
	m->prepared = NULL;
}
