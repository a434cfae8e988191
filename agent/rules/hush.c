#include "hush.h"

#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int hush_fail(struct hush_error *error, const char *key, const char *reason)
{
	error->key = key;
	snprintf(error->reason, sizeof(error->reason), "%s", reason);
	return -EINVAL;
}

static int hush_duration(struct hush *h, const char *text, int64_t now_ns, int64_t wall_ms,
			 struct hush_error *error)
{
	uint64_t ns;

	if (!text || text_span_ns(text, &ns) || !ns || ns > HUSH_LONGEST_NS)
		return hush_fail(error, "duration",
				 "must be a duration up to 30d, as \"30m\" or \"2h\"");
	h->until_ns = now_ns + (int64_t)ns;
	h->since_ms = wall_ms;
	h->until_ms = wall_ms + (int64_t)(ns / 1000000);
	return 0;
}

/* The place of a member's text, NULL: it is none of these. */
static char *hush_place(struct hush *h, const char *name, size_t *size, const char **key)
{
	const struct {
		const char *name;
		char *at;
		size_t size;
	} places[] = {
		{ "rule", h->rule, SPEC_GLOB },
		{ "service", h->service, SPEC_GLOB },
		{ "environment", h->environment, SPEC_GLOB },
		{ "route", h->route, SPEC_GLOB },
		{ "comment", h->comment, HUSH_COMMENT },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (strcmp(places[i].name, name) != 0)
			continue;
		*size = places[i].size;
		*key = places[i].name;
		return places[i].at;
	}
	return NULL;
}

static int hush_members(struct hush *h, const struct tree *what, struct hush_error *error)
{
	const struct tree *member;
	const char *name = NULL, *key;
	size_t size = 0;

	while ((member = tree_next(what, &name))) {
		const char *text = tree_text(member);
		char *place = hush_place(h, name, &size, &key);

		if (!strcmp(name, "duration"))
			continue;
		if (!place)
			return hush_fail(error, "",
					 "takes rule, service, environment, route (globs), "
					 "duration and comment");
		if (!text || !*text || strlen(text) >= size)
			return hush_fail(error, key, "must be a text, and not so long");
		snprintf(place, size, "%s", text);
	}
	if (!*h->rule && !*h->service && !*h->environment && !*h->route)
		return hush_fail(error, "",
				 "needs a rule, service, environment or route; \"*\" is any");
	return 0;
}

int hush_add(struct hushes *all, const struct tree *what, int64_t now_ns, int64_t wall_ms,
	     struct hush_error *error)
{
	struct hush h = { .id = all->last + 1 };

	if (tree_kind(what) != TREE_OBJECT)
		return hush_fail(error, "", "must be an object");
	if (hush_members(&h, what, error) ||
	    hush_duration(&h, tree_text(tree_member(what, "duration")), now_ns, wall_ms, error))
		return -EINVAL;
	hush_expire(all, now_ns);
	if (all->count == HUSH_MAX)
		return -ENOSPC;
	all->rows[all->count++] = h;
	all->last = h.id;
	return 0;
}

static void hush_drop(struct hushes *all, size_t i)
{
	all->count--;
	memmove(&all->rows[i], &all->rows[i + 1], (all->count - i) * sizeof(all->rows[0]));
}

int hush_remove(struct hushes *all, uint64_t id)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->rows[i].id != id)
			continue;
		hush_drop(all, i);
		return 0;
	}
	return -ENOENT;
}

bool hush_expire(struct hushes *all, int64_t now_ns)
{
	bool ended = false;
	size_t i = 0;

	while (i < all->count) {
		if (all->rows[i].until_ns > now_ns) {
			i++;
			continue;
		}
		hush_drop(all, i);
		ended = true;
	}
	return ended;
}

static bool hush_glob(const char *pattern, const char *text)
{
	return !*pattern || text_glob(pattern, text);
}

uint64_t hush_find(const struct hushes *all, const char *rule, const struct notice_labels *labels)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct hush *h = &all->rows[i];

		if (hush_glob(h->rule, rule) && hush_glob(h->service, labels->service) &&
		    hush_glob(h->environment, labels->environment) &&
		    hush_glob(h->route, labels->route))
			return h->id;
	}
	return 0;
}
