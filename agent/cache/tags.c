#include "tags.h"

#include "siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tag {
	struct tag *chain;
	struct tag_link *first;
	uint64_t hash;
	uint64_t by; /* who has taken it; 0: it is in the index */
	size_t length;
	char name[];
};

int tags_open(struct tags *t, uint32_t buckets, const uint64_t key[2])
{
	uint64_t size = 1;

	while (size < buckets)
		size *= 2;
	*t = (struct tags){ .buckets = calloc(size, sizeof(struct tag *)),
			    .mask = size - 1,
			    .key = { key[0], key[1] } };
	return t->buckets ? 0 : -ENOMEM;
}

size_t tags_size(size_t length)
{
	return sizeof(struct tag) + length;
}

void tags_close(struct tags *t)
{
	free(t->buckets);
	t->buckets = NULL;
}

/* Where it hangs, or would. */
static struct tag **tags_find(const struct tags *t, uint64_t hash, const char *name, size_t length)
{
	struct tag **at = &t->buckets[hash & t->mask];

	while (*at && ((*at)->hash != hash || (*at)->length != length ||
		       memcmp((*at)->name, name, length) != 0))
		at = &(*at)->chain;
	return at;
}

int tags_add(struct tags *t, const char *name, size_t length, struct tag_link *link)
{
	uint64_t hash = siphash(t->key, name, length);
	struct tag **at = tags_find(t, hash, name, length), *tag = *at;

	if (!tag) {
		tag = malloc(tags_size(length));
		if (!tag)
			return -ENOMEM;
		*tag = (struct tag){ .hash = hash, .length = length };
		memcpy(tag->name, name, length);
		*at = tag;
		t->count++;
	}
	link->tag = tag;
	link->before = NULL;
	link->after = tag->first;
	if (tag->first)
		tag->first->before = link;
	tag->first = link;
	return 0;
}

void tags_drop(struct tags *t, struct tag_link *link)
{
	struct tag *tag = link->tag, **at;

	if (!tag)
		return;
	*(link->before ? &link->before->after : &tag->first) = link->after;
	if (link->after)
		link->after->before = link->before;
	link->tag = NULL;
	if (tag->first || tag->by)
		return;
	at = tags_find(t, tag->hash, tag->name, tag->length);
	*at = tag->chain;
	free(tag);
	t->count--;
}

struct tag_link *tags_first(const struct tags *t, const char *name, size_t length)
{
	const struct tag *tag = *tags_find(t, siphash(t->key, name, length), name, length);

	return tag ? tag->first : NULL;
}

bool tags_take(struct tags *t, const char *name, size_t length, uint64_t by, struct tag **list)
{
	struct tag **at = tags_find(t, siphash(t->key, name, length), name, length), *tag = *at;

	if (!tag)
		return false;
	*at = tag->chain;
	t->count--;
	tag->by = by;
	tag->chain = *list;
	*list = tag;
	return true;
}

uint64_t tags_taker(const struct tag_link *link)
{
	return link->tag->by;
}

struct tag_link *tags_rest(struct tag **list)
{
	struct tag *tag;

	while ((tag = *list) && !tag->first) {
		*list = tag->chain;
		free(tag);
	}
	return tag ? tag->first : NULL;
}
