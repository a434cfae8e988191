/*
 * fuzz_resp - a Redis stream cut anywhere must tell the same story as the whole of it.
 *
 * Input: a byte for the direction, a byte that seeds the cuts, then the stream.
 */
#include "resp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct story {
	struct resp parser;
	bool reply;
	uint64_t hash; /* of the events and of what they say */
};

static void tell(struct story *s, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		s->hash = (s->hash ^ at[i]) * UINT64_C(0x100000001b3);
}

static void tell_event(struct story *s, uint8_t event)
{
	const struct resp *p = &s->parser;

	if (p->name_length > RESP_NAME_BYTES)
		abort();
	tell(s, &event, 1);
	if (event == RESP_BAD)
		tell(s, &p->why, 1);
	if (event == RESP_END && !s->reply)
		tell(s, p->name, p->name_length);
	if (event == RESP_END) {
		tell(s, &p->error, 1);
		tell(s, &p->queued, 1);
	}
}

/* From a copy of its own, so that a look beyond its end is found. */
static void feed(struct story *s, const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	const uint8_t *at = copy;
	enum resp_event event;

	if (!copy)
		abort();
	if (s->parser.step == RESP_AT_BAD) {
		free(copy);
		return;
	}
	memcpy(copy, data, n);
	do {
		event = s->reply ? resp_reply(&s->parser, &at, copy + n)
				 : resp_request(&s->parser, &at, copy + n);
		if (at > copy + n || (event == RESP_MORE && at != copy + n))
			abort();
		if (event != RESP_MORE)
			tell_event(s, (uint8_t)event);
	} while (event != RESP_MORE && event != RESP_BAD);
	free(copy);
}

static void begin(struct story *s, const uint8_t *data)
{
	memset(s, 0, sizeof(*s));
	resp_init(&s->parser);
	s->reply = data[0] & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct story whole;
	struct story cut;
	uint32_t seed;

	if (size < 2)
		return 0;
	seed = data[1];
	begin(&whole, data);
	feed(&whole, data + 2, size - 2);
	begin(&cut, data);
	for (size_t at = 2; at < size;) {
		size_t n;

		seed = seed * 1103515245u + 12345u;
		n = 1 + (seed >> 16) % (data[1] % 64 + 1);
		n = n < size - at ? n : size - at;
		feed(&cut, data + at, n);
		at += n;
	}
	if (whole.hash != cut.hash)
		abort();
	return 0;
}
