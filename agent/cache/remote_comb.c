/*
 * remote_comb - takes out what carries a tag by looking into every value: a Redis that gives up
 *               keys may have given up the set of the tag, and others began a new one.
 *
 * Threads:  as remote.
 * Memory:   one of each value that is being looked at, freed when it was.
 * Errors:   those of the sweep that it is part of. What is no value of ours stays: it is a miss.
 */
#include "remote_own.h"

#include "capsule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct remote_look {
	struct remote *remote;
	size_t length;
	char key[]; /* with its "v:" */
};

/* Written anew since it was looked at, it goes all the same: that is a miss. */
static void remote_comb_look(const struct remote_look *l, const struct redis_value *v)
{
	const struct cache_bytes name = { l->key + 2, l->length - 2 };
	const char *tags;

	if (!capsule_tags(v->text, v->length, &tags) &&
	    drop_takes(pending_first_drop(l->remote->pending), &name, tags))
		remote_sweep_unlink(l->remote, &(struct redis_text){ l->key, l->length });
}

static void remote_comb_seen(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct remote_look *l = ctx;
	struct remote *r = l->remote;

	if (fault == REDIS_FINE)
		remote_comb_look(l, v);
	free(l);
	remote_sweep_one(r, fault == REDIS_WRONGTYPE ? REDIS_FINE : fault, v);
}

static void remote_comb_found(void *ctx, const void *key, size_t length)
{
	struct remote *r = ctx;
	struct remote_look *l;
	int ret = -ENOMEM;

	if (length <= 2 || memcmp(key, "v:", 2) != 0)
		return;
	l = malloc(sizeof(*l) + length);
	if (l) {
		*l = (struct remote_look){ .remote = r, .length = length };
		memcpy(l->key, key, length);
		ret = redis_begin_get(r->redis, &(struct redis_text){ key, length },
				      CAPSULE_TAGS(length - 2),
				      &(struct redis_then){ remote_comb_seen, l });
	}
	if (ret)
		free(l);
	remote_sweep_count(r, ret);
}

/* Which of them do? Nobody knows but they themselves. */
static void remote_comb_list(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct remote *r = ctx;
	const struct redis_then listed = { remote_sweep_listed, r };

	if (fault == REDIS_FINE && v->number &&
	    !redis_scan(r->redis, &REDIS_TEXT("v:*"), remote_comb_found, &listed))
		return;
	remote_sweep_listed(r, fault == REDIS_FINE && v->number ? REDIS_AWAY : fault, NULL);
}

int remote_comb(struct remote *r)
{
	return redis_evicts(r->redis, &(struct redis_then){ remote_comb_list, r });
}
