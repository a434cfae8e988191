/*
 * mysql_fixture - a session of MySQL, its packets written down as numbers and strings.
 */
#ifndef TESTS_MYSQL_FIXTURE_H
#define TESTS_MYSQL_FIXTURE_H

#include "mysql_reply.h"
#include "pairs_fixture.h"
#include "rs_test.h"

#define GREETING "\x4a\0\0\0\n5.5.5-10.11\0"
#define CAN (MYSQL_PROTOCOL_41 | MYSQL_CLIENT_MYSQL)
#define OK "\0\0\0\2\0\0\0"
#define OK_MORE "\0\1\0\x0a\0\0\0"
#define EOF_PACKET "\xfe\0\0\2\0"
#define EOF_MORE "\xfe\0\0\x0a\0"
#define COLUMN "\3def\0\0\0\1a\0\x0c\x3f\0\1\0\0\0\3\1\0\0\0\0"

struct bytes {
	char at[8192];
	size_t n;
};

static struct mysql m;

/* A packet: its number, and a body. */
static inline void put(struct bytes *b, int number, const char *body, size_t n)
{
	b->at[b->n] = (char)n;
	b->at[b->n + 1] = (char)(n >> 8);
	b->at[b->n + 2] = (char)(n >> 16);
	b->at[b->n + 3] = (char)number;
	memcpy(b->at + b->n + 4, body, n);
	b->n += n + 4;
}

#define ASK(b, text) put(b, 0, text, sizeof(text) - 1)
#define SAY(b, text) put(b, 1, text, sizeof(text) - 1)

static inline bool move(bool out, const char *bytes, size_t n)
{
	struct pairs_call call = { 0 };
	uint8_t *copy = malloc(n ? n : 1); /* a look beyond its end is found */
	const uint8_t *at = copy;
	bool more;

	memcpy(copy, bytes, n);
	more = out ? mysql_write(&m, &call, at, n) : mysql_read(&m, &call, &at, n);
	free(copy);
	return more;
}

static inline void greet(struct bytes *b)
{
	memset(b->at, 0, 0x4e);
	memcpy(b->at, GREETING, sizeof(GREETING) - 1);
	b->n = 0x4e;
}

static inline void respond(struct bytes *b, uint32_t can, uint32_t wide, size_t n)
{
	char body[40] = { 0 };

	memcpy(body, &can, 4);
	memcpy(body + 28, &wide, 4);
	put(b, 1, body, n);
}

static inline void session_begin(uint32_t can, uint32_t wide)
{
	struct bytes in = { .n = 0 }, out;

	heard_nothing();
	mysql_init(&m, false);
	greet(&out);
	for (size_t i = 0; i < out.n; i++)
		move(true, out.at + i, 1);
	respond(&in, can, wide, 40);
	for (size_t i = 0; i < in.n; i++)
		move(false, in.at + i, 1);
	out.n = 0;
	put(&out, 2, OK, 7);
	move(true, out.at, out.n);
}

static inline void session_end(void)
{
	struct pairs_call call = { 0 };

	mysql_close(&m, &call, false);
	assert_int_equal(heard.lent, 0);
	assert_int_equal(heard.listed, 0);
	assert_int_equal(heard.begun, heard.done + heard.dropped);
}

/* Both directions of a session, the first cut in two at each place, then the other. */
static inline void tells_of(uint32_t can, uint32_t wide, const struct bytes *in,
			    const struct bytes *out, const char *story, uint64_t dropped)
{
	for (size_t cut = 0; cut < in->n + out->n; cut++) {
		size_t a = cut < in->n ? cut : in->n, b = cut - a;

		session_begin(can, wide);
		move(false, in->at, a);
		move(false, in->at + a, in->n - a);
		move(true, out->at, b);
		move(true, out->at + b, out->n - b);
		session_end();
		assert_string_equal(heard_story(), story);
		assert_int_equal(heard.dropped, dropped);
		for (int why = 0; why < RS_UNPARSED_REASONS; why++)
			assert_int_equal(heard.unparsed[why], 0);
	}
}

static inline void tells(const struct bytes *in, const struct bytes *out, const char *story,
			 uint64_t dropped)
{
	tells_of(CAN, 0, in, out, story, dropped);
}

#endif
