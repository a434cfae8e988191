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

int cache_value_restore(struct cache_value **out, const struct cache_stored *stored)
{
	size_t size = stored->bytes.length;
	struct cache_value *v;
	char *texts;

	v = malloc(sizeof(*v) + size + strlen(stored->type) + strlen(stored->tags) + 2);
	if (!v)
		return -ENOMEM;
	*v = (struct cache_value){ .references = 1,
				   .packed = stored->packed,
				   .length = stored->length,
				   .stored = size,
				   .checksum = stored->checksum,
				   .created_ms = stored->created_ms };
	if (size)
		memcpy(v->bytes, stored->bytes.at, size);
	texts = value_text((char *)v->bytes + size, stored->type, &v->type);
	value_text(texts, stored->tags, &v->tags);
	*out = v;
	return 0;
}

int cache_value_open(struct cache_value **out, struct pack *pack, const struct cache_parts *parts)
{
	struct cache_stored stored = { .bytes = parts->bytes,
				       .type = parts->type,
				       .tags = parts->tags,
				       .length = parts->bytes.length,
				       .checksum = value_checksum(parts),
				       .created_ms = parts->created_ms };
	void *packed = NULL;
	int ret;

	if (!pack_make(pack, parts->bytes.at, parts->bytes.length, &packed, &stored.bytes.length)) {
		stored.bytes.at = packed;
		stored.packed = true;
	}
	ret = cache_value_restore(out, &stored);
	free(packed);
	if (!ret)
		(*out)->version = parts->version;
	return ret;
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

int cache_value_expand(const struct cache_value *v, struct pack *pack, void **out)
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
