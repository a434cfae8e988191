/*
 * document_entries - what changes an entry of the cache: kept, replaced, deleted.
 */
#include "entries.h"
#include "site.h"

#include "behind.h"
#include "put.h"
#include "through.h"
#include "tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_TYPE "application/octet-stream" /* of a PUT with nothing in it */

static int entries_bad(const struct question *q, unsigned int status, const char *field,
		       const char *code)
{
	snprintf(q->no->field, sizeof(q->no->field), "%s", field);
	q->no->status = status;
	q->no->code = code;
	return -EINVAL;
}

/* Whole seconds; anything else is 0, which no entry may ask for. */
static uint64_t entries_seconds(const char *text)
{
	if (!*text || strlen(text) > 10 || strspn(text, "0123456789") != strlen(text))
		return 0;
	return strtoull(text, NULL, 10);
}

static int entries_bad_ttl(const struct question *q)
{
	snprintf(q->no->message, sizeof(q->no->message),
		 "must be whole seconds from 1 to %" PRIu64 " (a year)", CACHE_TTL_MAX_S);
	return entries_bad(q, 400, "ttl", "bad_ttl");
}

static int entries_bad_tags(const struct question *q)
{
	snprintf(q->no->message, sizeof(q->no->message),
		 "at most %u tags, each of 1 to %u visible ASCII characters without a comma",
		 CACHE_TAGS, CACHE_TAG);
	return entries_bad(q, 400, "tags", "bad_tags");
}

static int entries_put(const struct question *q, struct cache_put *put, struct json *j)
{
	const struct cache_config *config = cache_config_get(q->site->cache);
	int ret;

	put->now_ns = q->request->now_ns;
	put->wall_ms = q->request->wall_ms;
	ret = put_check(put, config);
	if (!ret &&
	    entries_conditions(&(struct entries_ask){ q->site, q->request, &put->key, q->no }))
		return -EINVAL;
	if (!ret)
		ret = cache_set(q->site->cache, put);
	if (ret == -EFBIG) {
		snprintf(q->no->message, sizeof(q->no->message),
			 "a value has at most %zu bytes (cache.max_value)", config->max_value);
		return entries_bad(q, 413, "", "value_too_large");
	}
	if (ret == -EINVAL) {
		snprintf(q->no->message, sizeof(q->no->message), "a key has at most %u bytes",
			 CACHE_KEY_MAX);
		return entries_bad(q, 413, "key", "key_too_long");
	}
	if (ret == -ERANGE)
		return entries_bad_ttl(q);
	if (ret == -E2BIG)
		return entries_bad_tags(q);
	if (ret)
		return ret;
	behind_wrote(q->site->behind, put);
	through_drop(q->site->through, DROP_KEY, &put->key);
	json_object_begin(j, NULL);
	json_bool(j, "stored", true);
	json_uint(j, "ttl", put->ttl_s ? put->ttl_s : config->ttl_s);
	json_uint(j, "bytes", put->value.length);
	json_object_end(j);
	return 0;
}

/* "a,b", of the query; one more than there may be is enough to be refused for. */
static size_t entries_tags_of_text(const char *text, struct cache_bytes tags[CACHE_TAGS + 1])
{
	size_t count = 0;

	while (*text && count <= CACHE_TAGS) {
		size_t n = strcspn(text, ",");

		tags[count++] = (struct cache_bytes){ text, n };
		text += n;
		if (*text && !*++text && count <= CACHE_TAGS)
			tags[count++] = (struct cache_bytes){ text, 0 };
	}
	return count;
}

static int entries_bad_type(const struct question *q)
{
	snprintf(q->no->message, sizeof(q->no->message),
		 "a content type has 1 to %u visible ASCII characters", CACHE_TYPE);
	return entries_bad(q, 400, "contentType", "bad_content_type");
}

int document_entry_put(const struct question *q, struct json *j)
{
	const char *ttl = params_get(q->params, "ttl"), *tags = params_get(q->params, "tags");
	struct cache_bytes list[CACHE_TAGS + 1];
	struct cache_put put = { .key = { q->params->key, q->params->key_length },
				 .value = { q->request->body, q->request->body_length },
				 .type = q->request->content_type,
				 .tags = list };

	if (entries_check(q->site, q->no))
		return -EINVAL;
	if (!put.type)
		put.type = ENTRIES_TYPE;
	if (!put_is_type(put.type))
		return entries_bad_type(q);
	if (ttl && !(put.ttl_s = entries_seconds(ttl)))
		return entries_bad_ttl(q);
	put.tag_count = tags ? entries_tags_of_text(tags, list) : 0;
	return entries_put(q, &put, j);
}

int document_entry_delete(const struct question *q, struct json *j)
{
	const struct cache_bytes key = { q->params->key, q->params->key_length };

	if (entries_check(q->site, q->no) ||
	    entries_conditions(&(struct entries_ask){ q->site, q->request, &key, q->no }))
		return -EINVAL;
	behind_drop(q->site->behind, DROP_KEY, &key);
	through_drop(q->site->through, DROP_KEY, &key);
	json_object_begin(j, NULL);
	json_uint(j, "deleted", cache_delete(q->site->cache, &key, q->request->now_ns));
	json_object_end(j);
	return 0;
}

static int entries_posted_tags(const struct question *q, const struct tree *tags,
			       struct cache_put *put, struct cache_bytes list[CACHE_TAGS])
{
	enum tree_kind kind = tree_kind(tags);

	if (kind == TREE_ABSENT)
		return 0;
	if (kind != TREE_LIST || tree_size(tags) > CACHE_TAGS)
		return entries_bad_tags(q);
	for (size_t i = 0; i < tree_size(tags); i++)
		list[i].at = tree_text_bytes(tree_at(tags, i), &list[i].length);
	put->tags = list;
	put->tag_count = tree_size(tags);
	return 0;
}

static int entries_posted_ttl(const struct question *q, const struct tree *ttl,
			      struct cache_put *put)
{
	double seconds = tree_number(ttl);

	if (tree_kind(ttl) == TREE_ABSENT)
		return 0;
	if (!(seconds >= 1 && seconds <= (double)CACHE_TTL_MAX_S) ||
	    seconds > (double)(uint64_t)seconds)
		return entries_bad_ttl(q);
	put->ttl_s = (uint64_t)seconds;
	return 0;
}

/* A text is kept as it is; anything else as the JSON that it was written in. */
static int entries_posted_value(const struct question *q, const struct tree *body,
				struct cache_put *put)
{
	put->type = "text/plain; charset=utf-8";
	put->value.at = tree_text_bytes(tree_member(body, "value"), &put->value.length);
	if (put->value.at)
		return 0;
	put->type = "application/json";
	put->value.at = tree_member_bytes(body, "value", q->request->body, &put->value.length);
	if (put->value.at)
		return 0;
	snprintf(q->no->message, sizeof(q->no->message), "there is no value");
	return entries_bad(q, 400, "value", "bad_member");
}

static int entries_posted(const struct question *q, const struct tree *body, struct json *j)
{
	const struct tree *type = tree_member(body, "contentType");
	struct cache_bytes list[CACHE_TAGS];
	struct cache_put put = { .ttl_s = 0 };
	int ret = entries_text(body, "key", &put.key, q->no);

	if (!ret)
		ret = entries_posted_tags(q, tree_member(body, "tags"), &put, list);
	if (!ret)
		ret = entries_posted_ttl(q, tree_member(body, "ttl"), &put);
	if (ret)
		return ret;
	ret = entries_posted_value(q, body, &put);
	if (!ret && type) {
		put.type = tree_text(type) ? tree_text(type) : "";
		ret = put_is_type(put.type) ? 0 : entries_bad_type(q);
	}
	return ret ? ret : entries_put(q, &put, j);
}

int document_entry_set(const struct question *q, struct json *j)
{
	static const char *const names[] = { "key", "value", "contentType", "ttl", "tags", NULL };
	struct tree *body;
	int ret = entries_check(q->site, q->no);

	if (!ret)
		ret = entries_object(q->request, names, &body, q->no);
	if (ret)
		return ret;
	ret = entries_posted(q, body, j);
	tree_close(body);
	return ret;
}
