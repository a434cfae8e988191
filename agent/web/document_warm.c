/*
 * document_warm - what is loaded into the cache before anybody asks for it.
 */
#include "entries.h"
#include "site.h"

#include "heat.h"
#include "tree.h"
#include "warmer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define WARM_TOP 100 /* of a prefix, where nothing is said */

static int warm_refuse(const struct question *q, const char *field, const char *message)
{
	snprintf(q->no->field, sizeof(q->no->field), "%s", field);
	return refuse(q->no, 400, "bad_member", "%s", message);
}

/* A whole number of the body in its range; 0: it has none. */
static int warm_number(const struct question *q, const struct tree *body, const char *name,
		       uint64_t most, uint64_t *out)
{
	const struct tree *member = tree_member(body, name);
	double number = tree_number(member);
	char message[64];

	*out = 0;
	if (tree_kind(member) == TREE_ABSENT)
		return 0;
	snprintf(message, sizeof(message), "must be a whole number from 1 to %llu",
		 (unsigned long long)most);
	if (!(number >= 1 && number <= (double)most) || number > (double)(uint64_t)number)
		return warm_refuse(q, name, message);
	*out = (uint64_t)number;
	return 0;
}

/* keys: room for WARMER_KEYS. */
static int warm_listed(const struct question *q, const struct tree *list, struct cache_bytes *keys,
		       size_t *count)
{
	*count = tree_size(list);
	if (tree_kind(list) != TREE_LIST || *count > WARMER_KEYS)
		return warm_refuse(q, "keys", "must be a list of at most 1000 texts");
	for (size_t i = 0; i < *count; i++) {
		keys[i].at = tree_text_bytes(tree_at(list, i), &keys[i].length);
		if (!keys[i].at || !keys[i].length)
			return warm_refuse(q, "keys",
					   "must be a list of texts, none of them empty");
	}
	return 0;
}

static int warm_hottest(const struct question *q, const struct tree *body, struct cache_bytes *keys,
			size_t *count)
{
	struct cache_bytes prefix;
	uint64_t top;

	if (entries_text(body, "prefix", &prefix, q->no) ||
	    warm_number(q, body, "top", HEAT_TOP, &top))
		return -EINVAL;
	*count = warmer_hottest(q->site->warmer, &prefix, keys, top ? (uint32_t)top : WARM_TOP);
	return 0;
}

static int warm_take(const struct question *q, const struct tree *body, struct cache_bytes *room)
{
	struct warmer_order order = { .who = q->request->who, .keys = room };
	const struct tree *keys = tree_member(body, "keys");
	bool lists = tree_kind(keys) != TREE_ABSENT;
	int ret = warm_number(q, body, "ttl", CACHE_TTL_MAX_S, &order.ttl_s);

	if (ret)
		return ret;
	if (lists == (tree_kind(tree_member(body, "prefix")) != TREE_ABSENT))
		return refuse(q->no, 400, "bad_member", "one of keys and prefix is needed");
	ret = lists ? warm_listed(q, keys, room, &order.count)
		    : warm_hottest(q, body, room, &order.count);
	return ret ? ret : warmer_take(q->site->warmer, &order);
}

static int warm_begin(const struct question *q)
{
	static const char *const names[] = { "keys", "ttl", "prefix", "top", NULL };
	struct cache_bytes *room;
	struct tree *body;
	int ret = entries_object(q->request, names, &body, q->no);

	if (ret)
		return ret;
	room = calloc(WARMER_KEYS, sizeof(*room));
	if (!q->site->warmer)
		ret = refuse(q->no, 422, "no_origin",
			     "no origin is configured (cache.origins): there is nothing to load "
			     "from; put values in by PUT /api/cache/entries/KEY");
	else
		ret = room ? warm_take(q, body, room) : -ENOMEM;
	free(room);
	tree_close(body);
	return ret;
}

static int warm_put_failure(const struct warmer_failure *f, struct json *j)
{
	char *key = malloc(f->length + 1);

	if (!key)
		return -ENOMEM;
	snprintf(key, f->length + 1, "%.*s", (int)f->length, f->key);
	json_object_begin(j, NULL);
	json_string(j, "key", key);
	json_string(j, "reason", f->reason);
	json_object_end(j);
	free(key);
	return 0;
}

static int warm_tell(const struct question *q, struct json *j)
{
	struct warmer_report report;
	int ret = warmer_told(q->site->warmer, q->request->who, &report);

	if (ret)
		return ret;
	json_object_begin(j, NULL);
	json_uint(j, "loaded", report.loaded);
	json_array_begin(j, "failed");
	for (const struct warmer_failure *f = report.failed; !ret && f; f = f->next)
		ret = warm_put_failure(f, j);
	json_array_end(j);
	json_object_end(j);
	warmer_report_fini(&report);
	return ret;
}

/* What was loaded, and what was not and why, once all of it is known. */
int document_cache_warm(const struct question *q, struct json *j)
{
	int ret = entries_check(q->site, q->no);

	if (ret)
		return ret;
	ret = q->site->warmer ? warm_tell(q, j) : -ENOENT;
	if (ret != -ENOENT)
		return ret;
	ret = warm_begin(q);
	return ret ? ret : warm_tell(q, j);
}
