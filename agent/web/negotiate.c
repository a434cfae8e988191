#include "negotiate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One element of a list header: its name and its weight. */
struct negotiate_item {
	const char *name;
	size_t length;
	double weight;
};

/* q=0.5 among the parameters that begin at text and end before end; 1 where there is none. */
static double negotiate_weight(const char *text, const char *end)
{
	while (text < end) {
		double weight;

		text += strspn(text, "; \t");
		if (text + 2 < end && strncasecmp(text, "q=", 2) == 0) {
			weight = strtod(text + 2, NULL);
			return weight >= 0 && weight <= 1 ? weight : 0;
		}
		text += strcspn(text, ";,");
		if (*text != ';')
			break;
	}
	return 1;
}

/* The next element; NULL: none is left. Returns where to go on. */
static const char *negotiate_next(const char *text, struct negotiate_item *out)
{
	const char *end;

	text += strspn(text, ", \t");
	if (!*text)
		return NULL;
	end = text + strcspn(text, ",");
	out->name = text;
	out->length = strcspn(text, ";, \t");
	out->weight = negotiate_weight(text + out->length, end);
	return end;
}

static bool negotiate_is(const struct negotiate_item *item, const char *name)
{
	return item->length == strlen(name) && !strncasecmp(item->name, name, item->length);
}

bool negotiate_gzip(const char *accept_encoding)
{
	struct negotiate_item item;
	double gzip = -1, any = -1;

	while (accept_encoding && (accept_encoding = negotiate_next(accept_encoding, &item))) {
		if (negotiate_is(&item, "gzip") || negotiate_is(&item, "x-gzip"))
			gzip = item.weight;
		else if (negotiate_is(&item, "*"))
			any = item.weight;
	}
	return gzip >= 0 ? gzip > 0 : any > 0;
}

/* How well each form is liked; -1: not named. */
struct negotiate_likes {
	double named[3], any, group; /* any: of all types; group: of all texts */
};

static void negotiate_like(struct negotiate_likes *likes, const struct negotiate_item *item)
{
	static const char *const types[] = {
		[NEGOTIATE_TEXT] = "text/plain",
		[NEGOTIATE_OPENMETRICS] = "application/openmetrics-text",
		[NEGOTIATE_HTML] = "text/html",
	};

	if (negotiate_is(item, "*/*"))
		likes->any = item->weight;
	if (negotiate_is(item, "text/*"))
		likes->group = item->weight;
	for (int i = 0; i < 3; i++) {
		if (negotiate_is(item, types[i]) && item->weight > likes->named[i])
			likes->named[i] = item->weight;
	}
}

enum negotiate_metrics negotiate_metrics(const char *accept)
{
	struct negotiate_likes likes = { { -1, -1, -1 }, 0, -1 };
	enum negotiate_metrics chosen = NEGOTIATE_TEXT;

	for (struct negotiate_item item; accept && (accept = negotiate_next(accept, &item));)
		negotiate_like(&likes, &item);
	/* A wildcard asks for nothing in particular: it gets the text. */
	if (likes.named[NEGOTIATE_TEXT] < 0)
		likes.named[NEGOTIATE_TEXT] = likes.group < 0 ? likes.any : likes.group;
	for (int i = 1; i < 3; i++) {
		if (likes.named[i] > likes.named[chosen])
			chosen = (enum negotiate_metrics)i;
	}
	return chosen;
}

/* A weak tag is never the same as another where it matters (RFC 9110, 8.8.3.2). */
static bool negotiate_lists(const char *list, const char *etag, bool weak)
{
	struct negotiate_item item;

	while (list && (list = negotiate_next(list, &item))) {
		if (negotiate_is(&item, "*"))
			return true;
		if (weak && item.length > 2 && !strncmp(item.name, "W/", 2)) {
			item.name += 2;
			item.length -= 2;
		}
		if (item.length == strlen(etag) && !memcmp(item.name, etag, item.length))
			return true;
	}
	return false;
}

bool negotiate_has(const char *if_none_match, const char *etag)
{
	return negotiate_lists(if_none_match, etag, true);
}

bool negotiate_matches(const char *if_match, const char *etag)
{
	return negotiate_lists(if_match, etag, false);
}
