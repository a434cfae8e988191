/*
 * http2_fixture - what http2 told of a connection, counted and by stream.
 */
#ifndef HTTP2_FIXTURE_H
#define HTTP2_FIXTURE_H

#include "http2.h"
#include "rs_test.h"

#include <ringside/abi.h>
#include <string.h>

#define MOST 4096u

/* What was told, of the connection that is being read. */
static struct {
	uint64_t now;
	uint32_t begun, done, aborted, cut_by_client, cut_by_server, lost, refused, failed;
	uint32_t unparsed[RS_UNPARSED_REASONS];
	uint32_t blocks, kept; /* kept: of the last that was done */
	bool tunnels;          /* what is asked for from here on */
	uint16_t status[MOST]; /* by stream / 2 */
	uint64_t bytes_in[MOST], bytes_out[MOST], t0[MOST], end[MOST], first_byte[MOST];
} told;

static uint64_t told_now(void *context)
{
	(void)context;
	return ++told.now;
}

static int32_t told_begun(void *context, uint64_t t0)
{
	(void)context;
	(void)t0;
	return (int32_t)told.begun++;
}

static void told_step(void *context, const struct http2_stream *s, uint8_t state)
{
	(void)context;
	(void)s;
	(void)state;
}

static void told_done(void *context, struct http2_done *done)
{
	const struct served *r = &done->request;

	(void)context;
	told.done++;
	told.refused += done->refused;
	told.kept = done->kept;
	told.failed += (r->flags & RS_FLAG_FAILED) != 0;
	told.aborted += (r->flags & RS_FLAG_ABORTED) != 0;
	told.cut_by_client += (r->flags & RS_FLAG_CUT_BY_CLIENT) != 0;
	told.cut_by_server += (r->flags & RS_FLAG_CUT_BY_SERVER) != 0;
	if (r->stream / 2 >= MOST)
		return;
	told.status[r->stream / 2] = r->status;
	told.bytes_in[r->stream / 2] = r->bytes_in;
	told.bytes_out[r->stream / 2] = r->bytes_out;
	told.t0[r->stream / 2] = r->t0;
	told.end[r->stream / 2] = r->end;
	told.first_byte[r->stream / 2] = r->first_byte;
}

static void told_unparsed(void *context, uint8_t why)
{
	(void)context;
	told.unparsed[why]++;
}

static uint32_t told_piece(void *context, struct http2_piece *piece)
{
	(void)context;
	told.blocks += piece->last;
	piece->tunnel = told.tunnels && piece->last;
	return piece->opens && piece->last ? piece->stream + 1000 : 0;
}

static void told_lost(void *context, uint32_t stream)
{
	(void)context;
	(void)stream;
	told.lost++;
}

const struct http2_ops http2_ops = {
	.now = told_now,
	.begun = told_begun,
	.step = told_step,
	.done = told_done,
	.unparsed = told_unparsed,
	.piece = told_piece,
	.lost = told_lost,
};

static struct http2 x;

static inline void begin(void)
{
	memset(&told, 0, sizeof(told));
	http2_init(&x, 0);
}

static inline void leave(bool client_gone)
{
	struct http2_call call = { 0 };

	http2_close(&x, &call, client_gone);
}

#endif
