#include "body.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define BODY_WINDOW (15 + 16) /* 32 KiB, with gzip's own head and tail */

int body_open(struct body **out, char *bytes, size_t length)
{
	struct body *b = calloc(1, sizeof(*b));
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	if (!b) {
		free(bytes);
		return -ENOMEM;
	}
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	snprintf(b->etag, sizeof(b->etag), "\"%016" PRIx64 "\"", hash);
	b->bytes = bytes;
	b->length = length;
	b->references = 1;
	*out = b;
	return 0;
}

struct body *body_get(struct body *b)
{
	b->references++;
	return b;
}

void body_put(struct body *b)
{
	if (!b || --b->references)
		return;
	free(b->bytes);
	free(b->gzip);
	free(b);
}

static int body_deflate(struct body *b)
{
	z_stream z = { 0 };
	size_t bound;
	int ret = -ENOMEM;

	if (b->length > UINT32_MAX / 2)
		return -ERANGE;
	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, BODY_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	bound = deflateBound(&z, b->length);
	b->gzip = malloc(bound);
	if (!b->gzip)
		goto out;
	z.next_in = (Bytef *)b->bytes;
	z.avail_in = (uInt)b->length;
	z.next_out = (Bytef *)b->gzip;
	z.avail_out = (uInt)bound;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
		b->gzip_length = z.total_out;
		ret = 0;
	} else {
		free(b->gzip);
		b->gzip = NULL;
	}
out:
	deflateEnd(&z);
	return ret;
}

int body_compress(struct body *b)
{
	if (b->gzip)
		return 0;
	return b->length < BODY_GZIP_FROM ? -ERANGE : body_deflate(b);
}

int body_pack(struct body *b)
{
	int ret = b->gzip ? 0 : body_deflate(b);

	if (ret)
		return ret;
	free(b->bytes);
	b->bytes = b->gzip;
	b->length = b->gzip_length;
	b->gzip = NULL;
	b->gzip_length = 0;
	return 0;
}
