/*
 * remote_sweep - takes out of Redis what a prefix, a pattern or a tag means: by SCAN or by the set
 *                of the tag, and by UNLINK.
 *
 * Threads:  as remote.
 * Memory:   one at a time, in struct remote.
 * Errors:   what fails for now begins again after a pause; what Redis refuses is given up, counted.
 *           A key that may be out of the set of the tag, and its value there still, is to go alone.
 */
#include "remote_own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REMOTE_MEMBERS 1000u /* of a tag at a time */

/* One of a tag's, with its value's key in Redis. */
struct remote_member {
	struct remote *remote;
	size_t length;
	char key[];
};

static void remote_sweep_check(struct remote *r);

void remote_sweep_one(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct remote *r = ctx;

	(void)v;
	if (fault != REDIS_FINE)
		r->sweep.fault = fault;
	r->sweep.under_way--;
	remote_sweep_check(r);
}

static void remote_sweep_gone(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct remote *r = ctx;

	if (fault == REDIS_FINE)
		r->removed += (uint64_t)v->number;
	remote_sweep_one(ctx, fault, v);
}

void remote_sweep_count(struct remote *r, int ret)
{
	if (ret)
		r->sweep.fault = remote_fault(ret);
	else
		r->sweep.under_way++;
}

static void remote_sweep_announce(struct remote *r)
{
	const struct redis_then then = { remote_sweep_one, r };

	remote_sweep_count(r, remote_announce(r, pending_first_drop(r->pending), &then));
}

void remote_sweep_unlink(struct remote *r, const struct redis_text *key)
{
	const struct redis_then then = { remote_sweep_gone, r };

	remote_sweep_count(r, redis_unlink(r->redis, key, &then));
}

/* Whatever the server finds: what is not meant stays. */
static void remote_sweep_found(void *ctx, const void *key, size_t length)
{
	struct remote *r = ctx;
	struct cache_bytes name;

	if (length <= 2 || memcmp(key, "v:", 2) != 0)
		return;
	name = (struct cache_bytes){ (const char *)key + 2, length - 2 };
	if (drop_takes(pending_first_drop(r->pending), &name, ""))
		remote_sweep_unlink(r, &(struct redis_text){ key, length });
}

void remote_sweep_listed(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct remote *r = ctx;

	(void)v;
	r->sweep.listed = true;
	if (fault != REDIS_FINE)
		r->sweep.fault = fault;
	remote_sweep_check(r);
}

/* Nobody may find it by its tag any more: it is to go by its key, unless it is written anew. */
static void remote_sweep_alone(struct remote *r, const struct remote_member *m)
{
	const struct cache_bytes key = { m->key + 2, m->length - 2 };
	struct pending_write *w = NULL;

	if (pending_find(r->pending, &key))
		return;
	w = pending_write_open(&key);
	if (!w) {
		r->lost++;
		return;
	}
	w->ctx = r;
	pending_put(r->pending, w);
}

static void remote_sweep_member_gone(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct remote_member *m = ctx;
	struct remote *r = m->remote;

	if (fault != REDIS_FINE)
		remote_sweep_alone(r, m);
	free(m);
	remote_sweep_gone(r, fault, v);
}

/* It is out of the set. */
static void remote_sweep_member_out(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct remote_member *m = ctx;
	struct remote *r = m->remote;
	const struct redis_then then = { remote_sweep_member_gone, m };
	int ret = fault == REDIS_FINE
			  ? redis_unlink(r->redis, &(struct redis_text){ m->key, m->length }, &then)
			  : 0;

	if (fault != REDIS_FINE || ret) {
		remote_sweep_alone(r, m);
		free(m);
	}
	if (fault == REDIS_FINE)
		remote_sweep_count(r, ret);
	remote_sweep_one(r, fault, v);
}

/* Out of the set first: a key that is written anew meanwhile is in it again, or goes with it. */
static void remote_sweep_member(struct remote *r, const struct redis_text *tag,
				const struct redis_value *member)
{
	struct remote_member *m = malloc(sizeof(*m) + member->length + 2);
	const struct redis_then then = { remote_sweep_member_out, m };
	int ret;

	if (!m) {
		r->sweep.fault = REDIS_AWAY;
		return;
	}
	*m = (struct remote_member){ .remote = r, .length = member->length + 2 };
	memcpy(m->key, "v:", 2);
	memcpy(m->key + 2, member->text, member->length);
	ret = redis_member_drop(r->redis, tag, &(struct redis_text){ m->key + 2, member->length },
				&then);
	remote_sweep_count(r, ret);
	if (ret)
		free(m);
}

static void remote_sweep_members(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct remote *r = ctx;
	const struct drop *d = pending_first_drop(r->pending);
	const struct cache_bytes name = { d->text, d->length };
	struct redis_text tag;
	char *bytes = remote_key('t', &name, &tag);
	size_t count = fault == REDIS_FINE ? v->count : 0;

	if (!bytes)
		fault = REDIS_AWAY;
	r->sweep.more = count > REMOTE_MEMBERS;
	for (size_t i = 0; bytes && i < count && i < REMOTE_MEMBERS; i++)
		if (v->items[i]->type == REDIS_STRING)
			remote_sweep_member(r, &tag, v->items[i]);
	free(bytes);
	remote_sweep_listed(r, fault, NULL);
}

/* A pattern of Redis's kind for the keys of values, of malloc; NULL: no memory. */
static char *remote_sweep_pattern(const struct drop *d, struct redis_text *out)
{
	char *pattern = malloc(2 * d->length + 3), *at = pattern;
	bool quoted = d->kind == DROP_PREFIX;

	if (!pattern)
		return NULL;
	*at++ = 'v';
	*at++ = ':';
	for (size_t i = 0; i < d->length; i++) {
		if (quoted && strchr("*?\\", d->text[i]) && d->text[i])
			*at++ = '\\';
		*at++ = (char)d->text[i];
	}
	if (quoted)
		*at++ = '*';
	*out = (struct redis_text){ pattern, (size_t)(at - pattern) };
	return pattern;
}

/* Which keys are they? */
static int remote_sweep_list(struct remote *r)
{
	const struct redis_then listed = { remote_sweep_listed, r },
				members = { remote_sweep_members, r };
	const struct drop *d = pending_first_drop(r->pending);
	const struct cache_bytes name = { d->text, d->length };
	struct redis_text text;
	char *bytes;
	int ret = -ENOMEM;

	r->sweep.listed = r->sweep.more = false;
	bytes = d->kind == DROP_TAG ? remote_key('t', &name, &text)
				    : remote_sweep_pattern(d, &text);
	if (bytes && d->kind == DROP_TAG)
		ret = redis_members(r->redis, &text, &members);
	else if (bytes)
		ret = redis_scan(r->redis, &text, remote_sweep_found, &listed);
	free(bytes);
	return ret;
}

static void remote_sweep_end(struct remote *r)
{
	r->sweep.active = false;
	if (r->sweep.fault == REDIS_FINE) {
		pending_drop_done(r->pending);
	} else if (remote_is_refused(r->sweep.fault)) {
		r->lost++;
		pending_drop_done(r->pending);
	} else {
		remote_pause(r, REDIS_TIMEOUT); /* whatever it was: nothing goes before it */
	}
	remote_pump(r);
}

/* There is more to be listed, which is under way now, or whose fault is known. */
static bool remote_sweep_goes_on(struct remote *r)
{
	struct remote_sweep *s = &r->sweep;
	bool comb = !s->more && !s->combed && pending_first_drop(r->pending)->kind == DROP_TAG;

	if (!s->more && !comb)
		return false;
	s->combed = comb;
	s->listed = false;
	if (!(comb ? remote_comb(r) : remote_sweep_list(r)))
		return true;
	s->fault = REDIS_AWAY;
	s->listed = true;
	return false;
}

static void remote_sweep_check(struct remote *r)
{
	struct remote_sweep *s = &r->sweep;

	if (!s->listed || s->under_way)
		return;
	if (s->fault == REDIS_FINE && remote_sweep_goes_on(r))
		return;
	if (s->fault == REDIS_FINE && !s->announced) {
		s->announced = true;
		remote_sweep_announce(r);
		if (s->under_way)
			return;
	}
	remote_sweep_end(r);
}

/* Told before and after: the others need not wait for it, nor keep what they find meanwhile. */
void remote_sweep_begin(struct remote *r)
{
	r->sweep = (struct remote_sweep){ .active = true };
	remote_sweep_announce(r);
	if (!remote_sweep_list(r))
		return;
	r->sweep.fault = REDIS_AWAY;
	r->sweep.listed = true;
	remote_sweep_check(r);
}
