#include "streams.h"

#include "header.h"

#include <stdlib.h>
#include <string.h>

#define STREAMS_BUCKETS 64u
#define STREAMS_FIRST 16u /* entries of a connection; powers of two */
#define STREAMS_MOST 256u /* as many as the shim follows */
#define STREAMS_SECTION_HEAD 4u
#define STREAMS_ENDED 32u
#define STREAMS_AHEAD_MOST 4096u /* pieces: what lies further is none of ours */

struct streams_entry {
	uint32_t stream; /* 0: none; of a block that is kept: its number, as in rs_block_of */
	struct header header;
};

struct streams_connection {
	struct streams_connection *next;
	struct hpack *table; /* NULL: nothing is known any more */
	uint32_t id;
	uint32_t expected; /* number of the next piece */
	uint32_t size;     /* of entries */
	bool inside;       /* a block that has begun */
	struct streams_entry *entries;
	struct streams_entry *kept; /* [RS_PLACES], NULL: none yet */
};

struct streams {
	struct streams_connection *buckets[STREAMS_BUCKETS];
	uint32_t ended[STREAMS_ENDED]; /* connections: a request may still come by another lane */
	uint32_t ended_count;
};

static struct streams_connection **streams_place(struct streams *s, uint32_t id)
{
	struct streams_connection **at = &s->buckets[id % STREAMS_BUCKETS];

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void streams_forget(struct streams_connection **at, struct streams_budget *budget)
{
	struct streams_connection *c = *at;

	*at = c->next;
	hpack_close(c->table);
	free(c->entries);
	free(c->kept);
	free(c);
	budget->connections--;
}

void streams_close(struct streams *s, struct streams_budget *budget)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < STREAMS_BUCKETS; i++)
		while (s->buckets[i])
			streams_forget(&s->buckets[i], budget);
	free(s);
}

static struct streams_connection *streams_open(struct streams_connection **at,
					       struct streams_budget *budget, uint32_t id)
{
	struct streams_connection *c;

	if (budget->connections == STREAMS_CONNECTIONS)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->id = id;
	c->size = STREAMS_FIRST;
	c->entries = calloc(c->size, sizeof(*c->entries));
	if (!c->entries || hpack_open(&c->table)) {
		free(c->entries);
		free(c);
		return NULL;
	}
	budget->connections++;
	*at = c;
	return c;
}

static struct streams_entry *streams_slot(const struct streams_connection *c, uint32_t stream)
{
	return &c->entries[(stream >> 1) & (c->size - 1)];
}

static struct streams_entry *streams_find(const struct streams_connection *c, uint32_t stream)
{
	struct streams_entry *entry = streams_slot(c, stream);

	return entry->stream == stream ? entry : NULL;
}

/* Twice as many; two that had a place each keep one. */
static bool streams_grow(struct streams_connection *c)
{
	struct streams_entry *before = c->entries;
	uint32_t size = c->size;

	if (size == STREAMS_MOST)
		return false;
	c->entries = calloc(2 * (size_t)size, sizeof(*before));
	if (!c->entries) {
		c->entries = before;
		return false;
	}
	c->size = 2 * size;
	for (uint32_t i = 0; i < size; i++)
		if (before[i].stream)
			*streams_slot(c, before[i].stream) = before[i];
	free(before);
	return true;
}

/* The younger of two takes the place where no more can be had. */
static struct streams_entry *streams_entry(struct streams_connection *c, uint32_t stream)
{
	struct streams_entry *entry = streams_slot(c, stream);

	while (entry->stream && entry->stream != stream && streams_grow(c))
		entry = streams_slot(c, stream);
	if (entry->stream != stream) {
		memset(entry, 0, sizeof(*entry));
		entry->stream = stream;
	}
	return entry;
}

/* The bytes of a piece; NULL: its record says two things. */
static const uint8_t *streams_bytes(const struct lane_record *record)
{
	const uint8_t *detail = record->detail;
	uint32_t length = record->head.headers.length;

	if (length <= RS_PIECE_INLINE)
		return record->head.headers.bytes;
	if (record->detail_bytes < STREAMS_SECTION_HEAD + length ||
	    detail[0] != RS_SECTION_HEADERS || (detail[2] | (uint32_t)detail[3] << 8) != length)
		return NULL;
	return detail + STREAMS_SECTION_HEAD;
}

/* Only a whole block can be kept. */
static struct streams_entry *streams_keep(struct streams_connection *c, const struct rs_head *head)
{
	struct streams_entry *entry;

	if (head->headers.place > RS_PLACES || c->inside || !head->headers.last)
		return NULL;
	if (!c->kept)
		c->kept = calloc(RS_PLACES, sizeof(*c->kept));
	if (!c->kept)
		return NULL;
	entry = &c->kept[head->headers.place - 1];
	memset(entry, 0, sizeof(*entry));
	return entry;
}

/* It stays until its place is given to another, whatever becomes of the table. */
static int streams_kept(struct streams_connection *c, const struct rs_head *head,
			const uint8_t *bytes)
{
	struct streams_entry *entry = streams_keep(c, head);
	int result = -EBADMSG;

	if (entry)
		result = hpack_read(c->table,
				    &(struct hpack_piece){ bytes, head->headers.length, true },
				    header_field, &entry->header);
	if (!result)
		entry->stream = head->headers.number + 1;
	return result;
}

static int streams_block(struct streams_connection *c, const struct rs_head *head,
			 const uint8_t *bytes)
{
	bool last = head->headers.last != 0;

	if (!bytes || head->headers.number != c->expected || !head->headers.stream)
		return -EBADMSG;
	if (head->headers.place)
		return streams_kept(c, head, bytes);
	c->inside = !last;
	return hpack_read(c->table, &(struct hpack_piece){ bytes, head->headers.length, last },
			  header_field, &streams_entry(c, head->headers.stream)->header);
}

static void streams_piece(struct streams_connection *c, const struct lane_record *record)
{
	int result;

	result = streams_block(c, &record->head, streams_bytes(record));
	c->expected++;
	if (!result)
		return;
	hpack_close(c->table);
	c->table = NULL;
}

static bool streams_is_ahead(const struct streams_connection *c, const struct lane_record *record)
{
	uint32_t by = record->head.headers.number - c->expected;

	return by && by < STREAMS_AHEAD_MOST;
}

/* This one, and those that waited for it. */
static void streams_pieces(struct streams_connection *c, struct ahead *ahead,
			   const struct lane_record *record)
{
	if (c->table && streams_is_ahead(c, record) && ahead_put(ahead, record))
		return;
	while (record && c->table) {
		streams_piece(c, record);
		record = ahead->count ? ahead_take(ahead, c->id, c->expected) : NULL;
	}
}

static void streams_end(struct streams *s, struct streams_budget *budget, uint32_t id)
{
	struct streams_connection **at = streams_place(s, id);

	if (!*at)
		return;
	if (s->ended_count < STREAMS_ENDED)
		s->ended[s->ended_count++] = id;
	else
		streams_forget(at, budget);
}

void streams_settle(struct streams *s, struct streams_budget *budget)
{
	struct ahead *ahead = &budget->ahead;
	struct streams_connection **at;

	while (s && ahead->count) {
		const struct lane_record *record = &ahead->records[--ahead->count];

		at = streams_place(s, record->head.connection);
		if (*at && (*at)->table)
			streams_piece(*at, record);
	}
	while (s && s->ended_count) {
		at = streams_place(s, s->ended[--s->ended_count]);
		if (*at)
			streams_forget(at, budget);
	}
}

bool streams_record(struct streams **s, struct streams_budget *budget,
		    const struct lane_record *record)
{
	const struct rs_head *head = &record->head;
	struct streams_connection **at, *c;

	if (head->kind == RS_KIND_CONNECTION) {
		if (*s)
			streams_end(*s, budget, head->connection);
		return true;
	}
	if (head->kind != RS_KIND_HEADERS)
		return false;
	if (!*s)
		*s = calloc(1, sizeof(**s));
	if (!*s)
		return true;
	at = streams_place(*s, head->connection);
	c = *at ? *at : streams_open(at, budget, head->connection);
	if (c)
		streams_pieces(c, &budget->ahead, record);
	return true;
}

static struct streams_entry *streams_kept_find(const struct streams_connection *c, uint32_t block)
{
	for (uint32_t i = 0; c->kept && i < RS_PLACES; i++)
		if (c->kept[i].stream == block)
			return &c->kept[i];
	return NULL;
}

bool streams_fill(struct streams *s, struct drain_request *request, struct decode_raw *raw)
{
	struct streams_connection *c;
	struct streams_entry *entry = NULL;

	if (!raw->stream && !raw->block)
		return true;
	c = s ? *streams_place(s, request->connection) : NULL;
	if (c)
		entry = raw->block ? streams_kept_find(c, raw->block)
				   : streams_find(c, raw->stream);
	if (!entry || !entry->header.path_bytes)
		return request->flags & RS_FLAG_DETAIL_CUT; /* it was said already */
	raw->path = entry->header.path;
	raw->path_bytes = entry->header.path_bytes;
	request->method = entry->header.method;
	if (entry->header.grpc)
		request->protocol = RS_PROTOCOL_GRPC;
	if (!raw->block)
		entry->stream = 0; /* its bytes stay until another takes the place */
	return true;
}
