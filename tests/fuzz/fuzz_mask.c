/*
 * fuzz_mask - what masks a header block must not change its shape, wherever the block is cut.
 *
 * Input: a byte that seeds the cuts, then blocks of a connection, each behind a byte of its length.
 * nghttp2 reads them as they are and masked: what it takes of one it takes of the other.
 */
#include "mask.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 1024u

static void ensure(bool held)
{
	if (!held)
		abort();
}

/* From a copy of its own, so that a look beyond its end is found. */
static size_t piece(struct mask *m, const uint8_t *data, size_t n, uint8_t *out, size_t room)
{
	uint8_t *copy = malloc(n ? n : 1);
	const uint8_t *at = copy;
	size_t put = 0;

	ensure(copy != NULL);
	memcpy(copy, data, n);
	do {
		put += mask_read(m, &at, copy + n, out + put, room);
		ensure(put <= MOST - room);
	} while (at < copy + n || mask_waits(m));
	free(copy);
	return put;
}

static size_t block(struct mask *m, const uint8_t *data, size_t n, uint8_t *out, uint32_t most)
{
	static uint32_t seed;
	size_t put = 0;

	for (size_t at = 0; at < n;) {
		size_t part;

		seed = seed * 1103515245u + 12345u;
		part = 1 + (seed >> 16) % most;
		part = part < n - at ? part : n - at;
		put += piece(m, data + at, part, out + put, most < 64 ? most : 64);
		at += part;
	}
	mask_end(m);
	return put;
}

/* 1: a field, 0: the block's end, -1: it makes no sense. */
static int next(nghttp2_hd_inflater *from, const uint8_t **at, const uint8_t *end,
		nghttp2_nv *field)
{
	int flags = 0;

	for (;;) {
		ssize_t n =
			nghttp2_hd_inflate_hd2(from, field, &flags, *at, (size_t)(end - *at), 1);

		if (n < 0)
			return -1;
		*at += n;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			return 1;
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			return nghttp2_hd_inflate_end_headers(from);
		if (*at == end)
			return -1;
	}
}

/* Behind its first byte that differs there is filler alone. */
static void compare(const uint8_t *from, const uint8_t *to, size_t n)
{
	size_t i = 0;

	while (i < n && from[i] == to[i])
		i++;
	for (; i < n; i++)
		ensure(to[i] == MASK_FILLER);
}

/* false: nghttp2 makes no sense of what was read, and nothing that follows means anything. */
static bool same(nghttp2_hd_inflater *const readers[2], const uint8_t *at[2], const uint8_t *end[2])
{
	for (;;) {
		nghttp2_nv from, to;
		int result = next(readers[0], &at[0], end[0], &from);

		if (result < 0)
			return false;
		ensure(next(readers[1], &at[1], end[1], &to) == result);
		if (!result)
			break;
		ensure(from.namelen == to.namelen && from.valuelen == to.valuelen);
		compare(from.name, to.name, from.namelen);
		compare(from.value, to.value, from.valuelen);
	}
	ensure(nghttp2_hd_inflate_get_dynamic_table_size(readers[0]) ==
	       nghttp2_hd_inflate_get_dynamic_table_size(readers[1]));
	return true;
}

static void blocks(nghttp2_hd_inflater *const readers[2], uint32_t most, const uint8_t *data,
		   const uint8_t *end)
{
	static uint8_t whole[MOST], cut[MOST];
	struct mask a, b;

	mask_init(&a);
	mask_init(&b);
	while (data < end) {
		size_t n = *data++, left = (size_t)(end - data), put;

		n = n < left ? n : left;
		put = block(&a, data, n, whole, UINT32_MAX);
		ensure(block(&b, data, n, cut, most) == put && !memcmp(whole, cut, put));
		ensure(mask_is_bad(&a) == mask_is_bad(&b));
		if (mask_is_bad(&a) || !same(readers, (const uint8_t *[]){ data, whole },
					     (const uint8_t *[]){ data + n, whole + put }))
			break;
		data += n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	nghttp2_hd_inflater *readers[2];

	if (!size)
		return 0;
	ensure(!nghttp2_hd_inflate_new(&readers[0]) && !nghttp2_hd_inflate_new(&readers[1]));
	blocks(readers, data[0] % 64 + 1u, data + 1, data + size);
	nghttp2_hd_inflate_del(readers[0]);
	nghttp2_hd_inflate_del(readers[1]);
	return 0;
}
