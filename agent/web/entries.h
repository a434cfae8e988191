/*
 * entries - a cached value as a reply: by the key in the path, or by one in a body.
 *
 * Threads:  the web thread, which the cache belongs to.
 * Memory:   a reply holds a reference to the value, not a copy of it, unless that is packed.
 * Errors:   -EINVAL with a refusal: 404 there is none, 400, 412, 414, 502 and 503 of an origin;
 *           -ENOMEM; -EBADMSG.
 * Behind:   what memory does not have may be in the tier behind it, or where its origin has it: the
 *           reply is later then.
 */
#ifndef WEB_ENTRIES_H
#define WEB_ENTRIES_H

#include "reply.h"
#include "site.h"

struct entries_ask {
	struct site *site;
	const struct request *request;
	const struct cache_bytes *key;
	struct refusal *no;
};

int entries_get(const struct entries_ask *a, struct reply *out);

/*
 * The key of the path; where its origin has a template for keys, the one that this makes of the
 * request.
 */
struct params;
int entries_get_path(struct site *site, const struct request *r, const struct params *params,
		     struct reply *out, struct refusal *no);

/*
 * Before an entry is changed: is it, or is it not there, as If-Match and If-None-Match have it (RFC
 * 9110, 13.1)? A refusal with 412 where it is otherwise.
 */
int entries_conditions(const struct entries_ask *a);

/* The key of {"key": …}. */
int entries_get_posted(struct site *site, const struct request *r, struct reply *out,
		       struct refusal *no);

/* The body of a request as an object with no members but these; names end with NULL. */
struct tree;
int entries_object(const struct request *r, const char *const *names, struct tree **out,
		   struct refusal *no);

/* Is there a cache? A refusal where it is turned off. */
int entries_check(const struct site *site, struct refusal *no);

/* A text of the object, of any bytes; a refusal where it is none or empty. */
int entries_text(const struct tree *object, const char *name, struct cache_bytes *out,
		 struct refusal *no);

#endif
