/*
 * fuzz_http1 - a stream cut anywhere must tell the same story as the whole of it.
 *
 * Input: a byte for the direction, a byte that seeds the cuts, then the stream.
 */
#include "http1.h"

#include <ringside/abi.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct story {
	struct http1 parser;
	bool response;
	uint8_t method;
	uint64_t hash; /* of the events and of what they say */
	uint32_t events;
	uint8_t last;
};

static void tell(struct story *s, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < n; i++)
		s->hash = (s->hash ^ at[i]) * UINT64_C(0x100000001b3);
}

static void tell_event(struct story *s, enum http1_event event)
{
	if (event == HTTP1_BEGIN)
		return; /* only where the first line is in pieces */
	s->events++;
	s->last = (uint8_t)event;
	tell(s, &s->last, 1);
	if (event == HTTP1_TARGET) {
		if (s->parser.path_length > RS_PATH_BYTES)
			abort();
		tell(s, s->parser.path, s->parser.path_length);
		tell(s, &s->parser.method, 1);
	}
	if (event == HTTP1_STATUS) {
		s->parser.method = s->method;
		tell(s, &s->parser.status, sizeof(s->parser.status));
	}
	if (event == HTTP1_BAD)
		tell(s, &s->parser.why, 1);
}

/* From a copy of its own, so that a look beyond its end is found. */
static void feed(struct story *s, const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	const uint8_t *at = copy;
	enum http1_event event;

	if (!copy)
		abort();
	memcpy(copy, data, n);
	do {
		event = s->response ? http1_response(&s->parser, &at, copy + n)
				    : http1_request(&s->parser, &at, copy + n);
		if (at > copy + n)
			abort();
		if (event != HTTP1_MORE)
			tell_event(s, event);
	} while (event != HTTP1_MORE && event != HTTP1_BAD);
	free(copy);
}

static void begin(struct story *s, const uint8_t *data)
{
	memset(s, 0, sizeof(*s));
	http1_init(&s->parser);
	s->response = data[0] & 1;
	s->method = (data[0] >> 1) % RS_METHODS;
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
	if (whole.hash != cut.hash || whole.events != cut.events)
		abort();
	return 0;
}
