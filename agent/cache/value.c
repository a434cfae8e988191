#include "value.h"

#include "siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of the type too: the same bytes as another type are another representation. */
static uint64_t value_checksum(const struct cache_parts *parts)
{
	static const uint64_t none[2] = { 0, 0 };
	const uint64_t of_type[2] = { siphash(none, parts->type, strlen(parts->type)), 0 };

	return siphash(of_type, parts->bytes.at, parts->bytes.length);
}

static char *value_text(char *at, const char *text, const char **out)
{
	size_t size = strlen(text) + 1;

	*out = memcpy(at, text, size);
	return at + size;
}

int cache_value_open(struct cache_value **out, struct pack *pack, const struct cache_parts *parts)
{
	size_t stored = parts->bytes.length;
	struct cache_value *v;
	void *packed = NULL;
	char *texts;

	if (pack_make(pack, parts->bytes.at, parts->bytes.length, &packed, &stored))
		packed = NULL;
	v = malloc(sizeof(*v) + stored + strlen(parts->type) + strlen(parts->tags) + 2);
	if (!v) {
		free(packed);
		return -ENOMEM;
	}
	*v = (struct cache_value){ .references = 1,
				   .packed = packed != NULL,
				   .length = parts->bytes.length,
				   .stored = stored,
				   .version = parts->version,
				   .checksum = value_checksum(parts),
				   .created_ms = parts->created_ms };
	if (stored)
		memcpy(v->bytes, packed ? packed : parts->bytes.at, stored);
	texts = value_text((char *)v->bytes + stored, parts->type, &v->type);
	value_text(texts, parts->tags, &v->tags);
	free(packed);
	*out = v;
	return 0;
}

struct cache_value *cache_value_get(struct cache_value *v)
{
	v->references++;
	return v;
}

void cache_value_put(struct cache_value *v)
{
	if (v && !--v->references)
		free(v);
}

size_t cache_value_size(const struct cache_value *v)
{
	return sizeof(*v) + v->stored + strlen(v->type) + strlen(v->tags) + 2;
}

int cache_value_expand(const struct cache_value *v, const struct pack *pack, void **out)
{
	int ret;

	*out = malloc(v->length);
	if (!*out)
		return -ENOMEM;
	ret = pack_expand(pack, v->bytes, v->stored, *out, v->length);
	if (!ret)
		return 0;
	free(*out);
	*out = NULL;
	return ret;
}
