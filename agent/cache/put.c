#include "put.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool put_is_tag(const struct cache_bytes *tag)
{
	const unsigned char *at = tag->at;

	if (!tag->length || tag->length > CACHE_TAG)
		return false;
	for (size_t i = 0; i < tag->length; i++)
		if (at[i] < 0x21 || at[i] > 0x7e || at[i] == ',')
			return false;
	return true;
}

int put_check(const struct cache_put *put, const struct cache_config *config)
{
	if (!put->key.length || put->key.length > CACHE_KEY_MAX)
		return -EINVAL;
	if (put->value.length > config->max_value)
		return -EFBIG;
	if (put->ttl_s > CACHE_TTL_MAX_S)
		return -ERANGE;
	if (put->tag_count > CACHE_TAGS)
		return -E2BIG;
	for (size_t i = 0; i < put->tag_count; i++)
		if (!put_is_tag(&put->tags[i]))
			return -E2BIG;
	return 0;
}

int put_value(const struct cache_put *put, struct pack *pack, uint64_t version,
	      struct cache_value **out)
{
	char tags[CACHE_TAGS * (CACHE_TAG + 1) + 1] = "";
	const struct cache_parts parts = { .bytes = put->value,
					   .type = put->type,
					   .tags = tags,
					   .version = version,
					   .created_ms = put->wall_ms };
	size_t n = 0;

	for (size_t i = 0; i < put->tag_count; i++)
		n += (size_t)snprintf(tags + n, sizeof(tags) - n, "%s%.*s", i ? " " : "",
				      (int)put->tags[i].length, (const char *)put->tags[i].at);
	return cache_value_open(out, pack, &parts);
}

int put_tags_read(const char *text, struct cache_bytes out[CACHE_TAGS])
{
	int count = 0;

	while (*text || count) {
		struct cache_bytes tag = { text, strcspn(text, " ") };

		if (count == CACHE_TAGS || !put_is_tag(&tag))
			return -E2BIG;
		out[count++] = tag;
		text += tag.length;
		if (!*text)
			break;
		text++;
	}
	return count;
}

bool put_is_type(const char *type)
{
	size_t length = strlen(type);

	for (size_t i = 0; i < length; i++)
		if (type[i] < 0x20 || type[i] > 0x7e)
			return false;
	return length && length <= CACHE_TYPE;
}
