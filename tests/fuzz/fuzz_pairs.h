/*
 * fuzz_pairs - what a protocol of pairs tells of a list of moves, as one number.
 */
#ifndef TESTS_FUZZ_PAIRS_H
#define TESTS_FUZZ_PAIRS_H

#include "pairs.h"

#include <stdlib.h>
#include <string.h>

typedef bool story_move_fn(void *of, struct pairs_call *call, bool out, const uint8_t *bytes,
			   size_t n);

static struct {
	uint64_t hash;
	uint64_t begun;
	uint64_t over;
	int lent;
	int listed;
	uint32_t seed;
	bool no_bytes;              /* where they go depends on the cuts */
	bool known[UINT16_MAX + 1]; /* shapes */
} story;

static void story_tell(const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		story.hash = (story.hash ^ at[i]) * UINT64_C(0x100000001b3) + 1;
}

static uint64_t story_now(void *context)
{
	(void)context;
	return 1;
}

static void story_begun(void *context, uint64_t t0, uint32_t requests)
{
	(void)context;
	(void)t0;
	story.begun += requests;
}

static void story_dropped(void *context, uint64_t requests)
{
	(void)context;
	story.over += requests;
}

static int32_t story_open(void *context, uint64_t t0, uint16_t shape)
{
	(void)context;
	(void)t0;
	(void)shape;
	return story.listed++;
}

static void story_shut(void *context, int32_t open)
{
	(void)context;
	story.listed -= open >= 0;
}

static uint16_t story_name(void *context, const uint8_t *name, size_t length, bool sure)
{
	uint16_t shape = 1;

	(void)context;
	if (length > RS_PATH_BYTES)
		abort();
	for (size_t i = 0; i < length; i++)
		shape = (uint16_t)(shape * 31 + name[i]);
	story.known[shape] |= sure;
	return story.known[shape] ? shape : 0;
}

static void story_done(void *context, struct served *r)
{
	(void)context;
	if (++story.over > story.begun)
		abort();
	if (!story.no_bytes) {
		story_tell(&r->bytes_in, sizeof(r->bytes_in));
		story_tell(&r->bytes_out, sizeof(r->bytes_out));
	}
	story_tell(&r->shape, sizeof(r->shape));
	story_tell(&r->status, sizeof(r->status));
	story_tell(&r->flags, sizeof(r->flags));
}

static void story_unparsed(void *context, uint8_t why)
{
	(void)context;
	story_tell(&why, 1);
}

static struct pairs_block *story_lend(void *context)
{
	(void)context;
	story.lent++;
	return malloc(sizeof(struct pairs_block));
}

static void story_give_back(void *context, struct pairs_block *block)
{
	(void)context;
	story.lent--;
	free(block);
}

const struct pairs_ops pairs_ops = {
	story_now,  story_begun, story_dropped,  story_open, story_shut,
	story_name, story_done,  story_unparsed, story_lend, story_give_back,
};

static void story_begin(uint32_t seed)
{
	memset(&story, 0, sizeof(story));
	story.seed = seed;
}

/* From a copy of its own, so that a look beyond its end is found. false: as of the move. */
static bool story_piece(void *of, story_move_fn *move, bool out, const uint8_t *bytes, size_t n)
{
	struct pairs_call call = { 0 };
	uint8_t *copy = malloc(n ? n : 1);
	bool more;

	if (!copy)
		abort();
	memcpy(copy, bytes, n);
	more = move(of, &call, out, copy, n);
	free(copy);
	return more;
}

/* A direction ends where a move says so: its caller does not come again. */
static void story_moves(void *of, story_move_fn *move, const uint8_t *data, size_t size, bool cut)
{
	bool more[2] = { true, true };

	for (size_t at = 0; at < size;) {
		bool out = data[at] & 1;
		size_t n = data[at++] >> 1;

		n = n < size - at ? n : size - at;
		for (size_t done = 0, part; done < n && more[out]; done += part) {
			story.seed = story.seed * 1103515245u + 12345u;
			part = cut ? 1 + (story.seed >> 16) % 17 : n;
			part = part < n - done ? part : n - done;
			more[out] = story_piece(of, move, out, data + at + done, part);
		}
		at += n;
	}
}

static uint64_t story_end(const struct pairs *p)
{
	if (story.lent || story.listed || pairs_waiting(p) || story.begun != story.over)
		abort();
	return story.hash;
}

#endif
