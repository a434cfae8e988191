#include "clears.h"

#include "glob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool clear_is_over(const struct clear *c)
{
	return !c->chains && !c->tags;
}

static void clears_drop(struct clears *c, struct clear *clear)
{
	size_t behind = (size_t)(c->items + c->count - clear) - 1;

	glob_close(clear->pattern);
	free(clear->prefix);
	tags_rest(&clear->tags); /* none is left, but for names to be freed */
	memmove(clear, clear + 1, behind * sizeof(*clear));
	c->count--;
}

/* Those that are over and that nobody waits for. */
static void clears_reap(struct clears *c)
{
	for (size_t i = c->count; i--;)
		if (!c->items[i].who && clear_is_over(&c->items[i]))
			clears_drop(c, &c->items[i]);
}

static int clears_check(const struct clears *c, const void *who)
{
	size_t waited = 0;

	for (size_t i = 0; i < c->count; i++)
		waited += c->items[i].who != NULL;
	return clears_is_full(c) || (who && waited == CLEARS_WAITED) ? -EBUSY : 0;
}

bool clears_is_full(const struct clears *c)
{
	return c->count == CLEARS_MOST;
}

int clears_begin(struct clears *c, const struct cache_clear *what, const struct clears_from *from)
{
	struct clear clear = { .id = c->id + 1,
			       .version = from->version,
			       .now_ns = what->now_ns,
			       .who = what->who,
			       .pattern = what->pattern,
			       .prefix_length = what->prefix.length,
			       .chains = what->pattern || what->prefix.at ? from->chains : 0 };
	int ret = clears_check(c, what->who);

	if (!ret && what->prefix.at) {
		clear.prefix = malloc(what->prefix.length + 1);
		ret = clear.prefix ? 0 : -ENOMEM;
	}
	if (ret) {
		glob_close(what->pattern);
		return ret;
	}
	if (what->prefix.at)
		memcpy(clear.prefix, what->prefix.at, what->prefix.length);
	for (size_t i = 0; i < what->tag_count; i++)
		tags_take(from->tags, what->tags[i].at, what->tags[i].length, clear.id,
			  &clear.tags);
	c->id = clear.id;
	c->items[c->count++] = clear;
	return 0;
}

void clears_fini(struct clears *c)
{
	while (c->count)
		clears_drop(c, &c->items[c->count - 1]);
}

static bool clear_takes(const struct clear *c, const struct cache_entry *e)
{
	for (size_t i = 0; c->tags && i < e->tag_count; i++)
		if (tags_taker(&e->tags[i]) == c->id)
			return true;
	if (!c->chains || e->value->version > c->version)
		return false;
	if (c->pattern)
		return glob_matches(c->pattern, e->key, e->key_length);
	return e->key_length >= c->prefix_length && !memcmp(e->key, c->prefix, c->prefix_length);
}

struct clear *clears_claim(struct clears *c, const struct cache_entry *e)
{
	for (size_t i = 0; i < c->count; i++)
		if (clear_takes(&c->items[i], e))
			return &c->items[i];
	return NULL;
}

struct tag_link *clears_link(struct clears *c)
{
	struct tag_link *link = NULL;

	for (size_t i = 0; !link && i < c->count; i++)
		link = tags_rest(&c->items[i].tags);
	clears_reap(c);
	return link;
}

bool clears_want_chains(const struct clears *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].chains)
			return true;
	return false;
}

void clears_chain_done(struct clears *c)
{
	for (size_t i = 0; i < c->count; i++)
		c->items[i].chains -= c->items[i].chains > 0;
	clears_reap(c);
}

static struct clear *clears_of(struct clears *c, const void *who)
{
	for (size_t i = 0; i < c->count; i++)
		if (who && c->items[i].who == who)
			return &c->items[i];
	return NULL;
}

int clears_tell(struct clears *c, const void *who, uint64_t *count)
{
	struct clear *clear = clears_of(c, who);

	if (!clear)
		return -ENOENT;
	if (!clear_is_over(clear))
		return -EAGAIN;
	*count = clear->count;
	clears_drop(c, clear);
	return 0;
}

void clears_leave(struct clears *c, const void *who)
{
	struct clear *clear = clears_of(c, who);

	if (clear)
		clear->who = NULL;
	clears_reap(c);
}
