/*
 * postgres_fixture - a session of PostgreSQL, its messages written down as letters and strings.
 */
#ifndef TESTS_POSTGRES_FIXTURE_H
#define TESTS_POSTGRES_FIXTURE_H

#include "pairs_fixture.h"
#include "postgres.h"
#include "rs_test.h"

#define START "\0\0\0\x0f\0\3\0\0user\0x\0"
#define START_BYTES 15

struct bytes {
	char at[4096];
	size_t n;
};

static struct postgres g;

/* A message: its type, and a body. */
static inline void put(struct bytes *b, char type, const char *body, size_t n)
{
	b->at[b->n] = type;
	b->at[b->n + 1] = 0;
	b->at[b->n + 2] = 0;
	b->at[b->n + 3] = (char)((n + 4) >> 8);
	b->at[b->n + 4] = (char)(n + 4);
	memcpy(b->at + b->n + 5, body, n);
	b->n += n + 5;
}

#define PUT(b, type, text) put(b, type, text, sizeof(text) - 1)

static inline bool move(bool out, const char *bytes, size_t n)
{
	struct pairs_call call = { 0 };
	uint8_t *copy = malloc(n ? n : 1); /* a look beyond its end is found */
	bool more;

	memcpy(copy, bytes, n);
	more = out ? postgres_write(&g, &call, copy, n) : postgres_read(&g, &call, copy, n);
	free(copy);
	return more;
}

/* Both directions of a session, cut in two at this place. */
static inline void play(const struct bytes *in, const struct bytes *out, size_t cut)
{
	size_t a = cut < in->n ? cut : in->n, b = cut < in->n ? 0 : cut - in->n;

	move(false, in->at, a);
	move(false, in->at + a, in->n - a);
	move(true, out->at, b);
	move(true, out->at + b, out->n - b);
}

static inline void session_begin(void)
{
	struct bytes out = { .n = 0 };

	heard_nothing();
	postgres_init(&g);
	move(false, START, START_BYTES);
	PUT(&out, 'R', "\0\0\0\0");
	PUT(&out, 'S', "client_encoding\0UTF8\0");
	PUT(&out, 'K', "12345678");
	PUT(&out, 'Z', "I");
	move(true, out.at, out.n);
}

static inline void session_end(void)
{
	struct pairs_call call = { 0 };

	postgres_close(&g, &call, false);
	assert_int_equal(heard.lent, 0);
	assert_int_equal(heard.listed, 0);
	assert_int_equal(heard.begun, heard.done + heard.dropped);
}

/* The story of a session, the same wherever it is cut. */
static inline void tells(const struct bytes *in, const struct bytes *out, const char *story,
			 uint64_t dropped)
{
	for (size_t cut = 0; cut < in->n + out->n; cut++) {
		session_begin();
		play(in, out, cut);
		session_end();
		assert_string_equal(heard_story(), story);
		assert_int_equal(heard.dropped, dropped);
		for (int why = 0; why < RS_UNPARSED_REASONS; why++)
			assert_int_equal(heard.unparsed[why], 0);
	}
}

#endif
