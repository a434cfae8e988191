#include "entry.h"

#include "siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void entry_close(struct cache_entry *e, struct tags *tags)
{
	for (size_t i = 0; i < e->tag_count; i++)
		tags_drop(tags, &e->tags[i]);
	cache_value_put(e->value);
	free(e->tags);
	free(e);
}

/* What malloc takes for so many bytes: eight of its own, in steps of sixteen. */
static size_t entry_chunk(size_t size)
{
	return (size + 8 + 15) / 16 * 16;
}

/*
 * A name is kept once for all that carry it; each is charged with it in full all the same: the sum
 * is never less than what is taken, and what an entry costs does not change with others.
 */
static size_t entry_bytes(const struct cache_entry *e, const struct cache_put *put)
{
	size_t bytes =
		entry_chunk(sizeof(*e) + e->key_length) + entry_chunk(cache_value_size(e->value));

	if (e->tag_count)
		bytes += entry_chunk(e->tag_count * sizeof(*e->tags));
	for (size_t i = 0; i < e->tag_count; i++)
		bytes += entry_chunk(tags_size(put->tags[i].length));
	return bytes;
}

int entry_open(struct cache_entry **out, const struct cache_put *put, struct cache_value *v,
	       const struct entry_means *means)
{
	struct cache_entry *e = malloc(sizeof(*e) + put->key.length);
	int ret = 0;

	if (!e) {
		cache_value_put(v);
		return -ENOMEM;
	}
	*e = (struct cache_entry){ .key_length = put->key.length,
				   .value = v,
				   .absent = put->absent };
	memcpy(e->key, put->key.at, put->key.length);
	e->tags = put->tag_count ? calloc(put->tag_count, sizeof(*e->tags)) : NULL;
	if (put->tag_count && !e->tags)
		ret = -ENOMEM;
	for (; !ret && e->tag_count < put->tag_count; e->tag_count++) {
		const struct cache_bytes *tag = &put->tags[e->tag_count];

		e->tags[e->tag_count].owner = e;
		ret = tags_add(means->tags, tag->at, tag->length, &e->tags[e->tag_count]);
	}
	if (ret) {
		entry_close(e, means->tags);
		return ret;
	}
	e->node.hash = siphash(means->hash_key, put->key.at, put->key.length);
	e->node.bytes = entry_bytes(e, put);
	*out = e;
	return 0;
}
