/*
 * remote_write - one key's newest write, on its way to Redis: into the sets of its tags, under its
 *                key, into the sets once more, and then told to the others.
 *
 * Threads:  as remote.
 * Memory:   a write is of `pending` until it is done.
 * Errors:   what fails for now is tried again after a pause, from the start; what Redis refuses
 *           becomes a removal, so that nothing older is found there.
 */
#include "remote_own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REMOTE_MS_NS UINT64_C(1000000)
#define REMOTE_WINDOW 64u                       /* writes under way: reading goes on beside them */
#define REMOTE_WINDOW_BYTES (UINT64_C(4) << 20) /* … within the time that one question has */

static void remote_write_end(struct remote *r, const struct pending_write *w)
{
	r->writing--;
	r->writing_bytes -= w->length;
}

static void remote_write_fail(struct remote *r, struct pending_write *w, enum redis_fault fault)
{
	remote_write_end(r, w);
	if (remote_is_refused(fault)) {
		pending_refused(r->pending, w);
	} else {
		pending_again(r->pending, w, remote_pause(r, fault));
	}
	remote_pump(r);
}

static void remote_write_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct pending_write *w = ctx;
	struct remote *r = w->ctx;

	(void)v;
	if (fault != REDIS_FINE) {
		remote_write_fail(r, w, fault);
		return;
	}
	*(w->capsule ? &r->written : &r->removed) += 1;
	remote_write_end(r, w);
	pending_done(r->pending, w);
	remote_pump(r);
}

static int remote_write_tell(struct remote *r, struct pending_write *w)
{
	const struct redis_then then = { remote_write_told, w };
	struct drop *d;
	int ret = drop_open(&d, DROP_KEY, &(struct cache_bytes){ w->key, w->key_length });

	if (!ret)
		ret = remote_announce(r, d, &then);
	drop_close(d);
	return ret;
}

static void remote_write_tags(struct remote *r, struct pending_write *w);

/* It is in Redis, or gone from there. */
static void remote_write_done(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct pending_write *w = ctx;
	struct remote *r = w->ctx;
	int ret;

	(void)v;
	if (fault != REDIS_FINE) {
		remote_write_fail(r, w, fault);
		return;
	}
	w->placed = true;
	if (w->tags && !w->overtaken) {
		remote_write_tags(r, w);
		return;
	}
	ret = remote_write_tell(r, w);
	if (ret)
		remote_write_fail(r, w, remote_fault(ret));
}

/* A value whose time is over while it waited is gone like one that was taken out. */
static int remote_write_key(struct remote *r, struct pending_write *w)
{
	const struct redis_text value = { w->capsule, w->length };
	const struct redis_then then = { remote_write_done, w };
	const struct cache_bytes name = { w->key, w->key_length };
	uint64_t now_ns = r->config.now_ns();
	struct redis_text key;
	char *bytes = remote_key('v', &name, &key);
	int ret = bytes ? 0 : -ENOMEM;

	if (!ret && w->capsule && !w->overtaken && w->expires_ns >= now_ns + REMOTE_MS_NS)
		ret = redis_set(r->redis, &key, &value, (w->expires_ns - now_ns) / REMOTE_MS_NS,
				&then);
	else if (!ret)
		ret = redis_unlink(r->redis, &key, &then);
	free(bytes);
	return ret;
}

/* All sets have it, or not: w->fault says. */
static void remote_write_tagged(struct remote *r, struct pending_write *w)
{
	int ret = 0;

	if (!w->fault)
		ret = w->placed ? remote_write_tell(r, w) : remote_write_key(r, w);
	if (ret)
		w->fault = remote_fault(ret);
	if (w->fault)
		remote_write_fail(r, w, (enum redis_fault)w->fault);
}

static void remote_write_tag_told(void *ctx, enum redis_fault fault, const struct redis_value *v)
{
	struct pending_write *w = ctx;

	(void)v;
	if (fault != REDIS_FINE)
		w->fault = fault;
	if (!--w->steps)
		remote_write_tagged(w->ctx, w);
}

static int remote_write_tag(struct remote *r, struct pending_write *w,
			    const struct cache_bytes *tag)
{
	const struct redis_text member = { w->key, w->key_length };
	const struct redis_then then = { remote_write_tag_told, w };
	uint64_t now_ns = r->config.now_ns(), left_ms = 1;
	struct redis_text key;
	char *bytes = remote_key('t', tag, &key);
	int ret;

	if (w->expires_ns > now_ns)
		left_ms += (w->expires_ns - now_ns) / REMOTE_MS_NS;
	ret = bytes ? redis_member_add(r->redis, &key, &member, left_ms, &then) : -ENOMEM;
	free(bytes);
	return ret;
}

/* The last of the steps, which may be over before the others were asked, is this one's own. */
static void remote_write_tags(struct remote *r, struct pending_write *w)
{
	const char *at = w->overtaken || !w->tags ? "" : w->tags;

	w->steps = 1;
	w->fault = REDIS_FINE;
	while (*at && w->fault == REDIS_FINE) {
		const struct cache_bytes tag = { at, strcspn(at, " ") };

		int ret = remote_write_tag(r, w, &tag);

		if (ret)
			w->fault = remote_fault(ret);
		else
			w->steps++;
		at += tag.length + (at[tag.length] == ' ');
	}
	if (!--w->steps)
		remote_write_tagged(r, w);
}

static bool remote_may_write(const struct remote *r, uint64_t now_ns)
{
	return now_ns >= r->pause_ns &&
	       !atomic_load_explicit(&r->config.bridge->away, memory_order_relaxed);
}

/* What fails at once fails while this goes through the others: it is not begun anew for that. */
void remote_pump(struct remote *r)
{
	uint64_t now_ns = r->config.now_ns();
	struct pending_write *w;

	if (r->pumping)
		return;
	r->pumping = true;
	/* a sweep begins with nothing under way: what it takes might come after it */
	while (remote_may_write(r, now_ns) &&
	       (r->sweep.active || !pending_first_drop(r->pending)) && r->writing < REMOTE_WINDOW &&
	       r->writing_bytes < REMOTE_WINDOW_BYTES && (w = pending_next(r->pending, now_ns))) {
		r->writing++;
		r->writing_bytes += w->length;
		w->placed = false;
		remote_write_tags(r, w);
	}
	if (pending_first_drop(r->pending) && !r->writing && !r->sweep.active &&
	    remote_may_write(r, now_ns))
		remote_sweep_begin(r);
	r->pumping = false;
}
