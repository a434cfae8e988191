/*
 * fuzz_exchange - a connection's moves tell the same story however each of them is cut, and whether
 * their heads are known or parsed.
 *
 * Input: a byte for the trust, one that seeds the cuts, then moves: a byte whose lowest bit is the
 * direction and whose others are the length, and so many bytes. They end as if the client was gone.
 */
#include "known.h"

#include <ringside/abi.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct story {
	struct exchange x;
	struct exchange_call call;
	struct exchange_block block;
	bool lent;
	int in_progress;
	uint64_t hash;
	uint32_t seed;
};

static void tell(struct story *s, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		s->hash = (s->hash ^ at[i]) * UINT64_C(0x100000001b3) + 1;
}

static uint64_t now(void *context)
{
	(void)context;
	return 1;
}

static int32_t begun(void *context, uint64_t t0)
{
	struct story *s = context;

	(void)t0;
	return s->in_progress++;
}

static uint16_t target(void *context, const struct http1 *head, bool *has_path)
{
	const struct story *s = context;
	uint16_t shape = 1;

	if (head->path_length > RS_PATH_BYTES)
		abort();
	for (size_t i = 0; i < head->path_length; i++)
		shape = (uint16_t)(shape * 31 + head->path[i]);
	*has_path = !s->call.memo; /* a head whose path goes with it is not kept */
	return shape;
}

static void step(void *context, const struct exchange_request *r, uint8_t state)
{
	(void)context;
	if (!r->begun || state > RS_OPEN_ANSWERING)
		abort();
}

static void done(void *context, struct exchange_done *d)
{
	struct story *s = context;

	if (--s->in_progress < 0 || d->open < 0)
		abort();
	tell(s, &d->request.bytes_in, sizeof(d->request.bytes_in));
	tell(s, &d->request.bytes_out, sizeof(d->request.bytes_out));
	tell(s, &d->request.shape, sizeof(d->request.shape));
	tell(s, &d->request.status, sizeof(d->request.status));
	tell(s, &d->request.method, sizeof(d->request.method));
	tell(s, &d->request.flags, sizeof(d->request.flags));
}

static void unparsed(void *context, uint8_t why)
{
	tell(context, &why, 1);
}

static struct exchange_block *lend(void *context)
{
	struct story *s = context;

	if (s->lent)
		return NULL;
	s->lent = true;
	memset(&s->block, 0, sizeof(s->block));
	return &s->block;
}

static void give_back(void *context, struct exchange_block *block)
{
	struct story *s = context;

	if (!s->lent || block != &s->block)
		abort();
	s->lent = false;
}

const struct exchange_ops exchange_ops = {
	now, begun, target, step, done, unparsed, lend, give_back
};

static void move_copy(struct story *s, bool out, const uint8_t *at, size_t n)
{
	if (out)
		known_write(&s->x, s->call.context, s->call.memo, at, n, n) ||
			exchange_write(&s->x, &s->call, at, n);
	else
		known_read(&s->x, s->call.context, s->call.memo, at, n) ||
			exchange_read(&s->x, &s->call, at, n);
}

/* From a copy of its own, so that a look beyond its end is found. */
static void move(struct story *s, bool out, const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, n);
	s->call.now = 0;
	move_copy(s, out, copy, n);
	free(copy);
}

static void move_cut(struct story *s, bool out, const uint8_t *bytes, size_t n)
{
	while (n) {
		size_t part;

		s->seed = s->seed * 1103515245u + 12345u;
		part = 1 + (s->seed >> 16) % 17;
		part = part < n ? part : n;
		move(s, out, bytes, part);
		bytes += part;
		n -= part;
	}
}

static uint64_t play(const uint8_t *data, size_t size, bool cut, struct memo *memo)
{
	static struct story s;

	memset(&s, 0, sizeof(s));
	s.call.context = &s;
	s.call.memo = memo;
	s.seed = data[1];
	exchange_init(&s.x, data[0] % 3);
	for (size_t at = 2; at < size;) {
		bool out = data[at] & 1;
		size_t n = data[at++] >> 1;

		n = n < size - at ? n : size - at;
		if (cut)
			move_cut(&s, out, data + at, n);
		else if (n)
			move(&s, out, data + at, n);
		at += n;
	}
	exchange_client_gone(&s.x, data[0] & 4);
	s.call.now = 0;
	exchange_close(&s.x, &s.call);
	if (s.in_progress || s.lent || exchange_waiting(&s.x))
		abort();
	return s.hash;
}

/* The second and third time its heads are known; then one byte is another. */
static void play_known(uint8_t *data, size_t size)
{
	static struct memo memo;
	const size_t changed = 2 + data[1] * (size - 2) / 256;

	memset(&memo, 0, sizeof(memo));
	for (int i = 0; i < 3; i++) {
		if (play(data, size, false, &memo) != play(data, size, false, NULL))
			abort();
	}
	data[changed] ^= (uint8_t)(1 << data[1] % 8);
	if (play(data, size, false, &memo) != play(data, size, false, NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size);

	if (size > 2 && copy) {
		memcpy(copy, data, size);
		if (play(copy, size, false, NULL) != play(copy, size, true, NULL))
			abort();
		play_known(copy, size);
	}
	free(copy);
	return 0;
}
