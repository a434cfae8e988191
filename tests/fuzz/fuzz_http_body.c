/*
 * fuzz_http_body - whatever chunks: cut anywhere they end in the same place, and what they hold is
 * what the plainest reader finds in them.
 *
 * Input: a byte that seeds the cuts, then the body and what stands behind it.
 */
#include "http_body.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken of it in pieces; -1: malformed. */
static ssize_t fuzz_take(struct http_body *b, const char *bytes, size_t size, unsigned int step)
{
	size_t at = 0;

	*b = (struct http_body){ .kind = HTTP_BODY_CHUNKED };
	while (at < size && !b->done) {
		size_t n = step < size - at ? step : size - at;
		ssize_t taken = http_body_take(b, bytes + at, n);

		if (taken < 0)
			return -1;
		if ((size_t)taken > n || (!b->done && (size_t)taken < n))
			abort();
		at += (size_t)taken;
	}
	return (ssize_t)at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_body whole, cut;
	ssize_t all, pieces;
	char *bytes, *out;

	if (size < 2)
		return 0;
	bytes = malloc(size - 1);
	out = malloc(size - 1);
	if (!bytes || !out)
		abort();
	memcpy(bytes, data + 1, size - 1);
	all = fuzz_take(&whole, bytes, size - 1, (unsigned int)size);
	pieces = fuzz_take(&cut, bytes, size - 1, 1 + data[0] % 7);
	if (all != pieces || whole.done != cut.done || (all >= 0 && whole.bytes != cut.bytes))
		abort();
	if (all >= 0 && whole.done &&
	    http_body_unchunk(bytes, (size_t)all, out) != (size_t)whole.bytes)
		abort();
	free(bytes);
	free(out);
	return 0;
}
