/*
 * fuzz_http2 - a connection cut anywhere must tell the same story as the whole of it.
 *
 * Input: a byte that seeds the cuts, one that says how much of the rest was read by the server and
 * how much written, then both. What was read is told first, so that cuts alone make a difference.
 */
#include "http2.h"

#include <ringside/abi.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct story {
	uint64_t hash;
	uint32_t begun, done;
};

static void tell(struct story *s, uint64_t word)
{
	s->hash = (s->hash ^ word) * UINT64_C(0x100000001b3);
}

static uint64_t story_now(void *context)
{
	(void)context;
	return 1;
}

static int32_t story_begun(void *context, uint64_t t0)
{
	struct story *s = context;

	(void)t0;
	return (int32_t)s->begun++;
}

static void story_step(void *context, const struct http2_stream *stream, uint8_t state)
{
	(void)context;
	(void)state;
	if (!stream->id)
		abort();
}

static void story_done(void *context, struct http2_done *done)
{
	const struct served *r = &done->request;
	struct story *s = context;

	s->done++;
	tell(s, r->stream);
	tell(s, r->status);
	tell(s, r->flags);
	tell(s, r->bytes_in);
	tell(s, r->bytes_out);
}

static void story_unparsed(void *context, uint8_t why)
{
	tell(context, why);
}

static uint32_t story_piece(void *context, struct http2_piece *piece)
{
	struct story *s = context;

	for (uint32_t i = 0; i < piece->length; i++)
		tell(s, piece->bytes[i]);
	if (piece->last)
		tell(s, piece->stream);
	return piece->opens;
}

static void story_lost(void *context, uint32_t stream)
{
	(void)stream;
	tell(context, 7);
}

const struct http2_ops http2_ops = {
	.now = story_now,
	.begun = story_begun,
	.step = story_step,
	.done = story_done,
	.unparsed = story_unparsed,
	.piece = story_piece,
	.lost = story_lost,
};

/* From a copy of its own, so that a look beyond its end is found. */
static void feed(struct http2 *x, struct http2_call *call, uint8_t way, const uint8_t *data,
		 size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	memcpy(copy, data, n);
	if (way == HTTP2_READ)
		http2_read(x, call, copy, n);
	else
		http2_write(x, call, copy, n);
	free(copy);
}

static void pieces(struct http2 *x, struct http2_call *call, uint8_t way, const uint8_t *data,
		   size_t n, uint32_t most)
{
	static uint32_t seed;

	for (size_t at = 0; at < n;) {
		size_t part;

		seed = seed * 1103515245u + 12345u;
		part = 1 + (seed >> 16) % most;
		part = part < n - at ? part : n - at;
		feed(x, call, way, data + at, part);
		at += part;
	}
}

static void told(struct story *s, const uint8_t *data, size_t read, size_t written, uint32_t most)
{
	static struct http2 x;
	struct http2_call call = { .context = s };

	memset(s, 0, sizeof(*s));
	http2_init(&x, FRAME_PREFACE_BYTES);
	pieces(&x, &call, HTTP2_READ, data, read, most);
	pieces(&x, &call, HTTP2_WRITE, data + read, written, most);
	http2_close(&x, &call, false);
	if (s->begun != s->done || http2_open_streams(&x))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct story whole, cut;
	size_t read;

	if (size < 2)
		return 0;
	read = (size - 2) * data[1] / 255;
	told(&whole, data + 2, read, size - 2 - read, UINT32_MAX);
	told(&cut, data + 2, read, size - 2 - read, data[0] % 64 + 1u);
	if (whole.hash != cut.hash || whole.begun != cut.begun)
		abort();
	return 0;
}
