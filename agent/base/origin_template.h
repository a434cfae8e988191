/*
 * origin_template - the URL that a key's value is fetched from, and the key that a request is kept
 *                   under, from templates of the configuration.
 *
 * Threads:  any.
 * Memory:   none; everything goes to the caller's buffers.
 * Errors:   -EINVAL; -ENAMETOOLONG: it does not fit.
 * URLs:     "http://127.0.0.1:8080/users/{rest}?k={key}": {key} is the whole key, {rest} what
 *           stands behind its prefix. Scheme, host and port are fixed; a placeholder stands behind
 *           them. Of a key every byte but A-Z a-z 0-9 - . _ ~ becomes %XX, its slashes too.
 * Climbing: no part of the path may become "." or "..", however a server reads it: %2F and \ count
 *           as slashes, what stands behind a ; or a NUL as none of it. Such a key has no URL.
 * Keys:     "users:{rest}:{query.page}:{header.Accept-Language}": what a request has of these,
 *           nothing where it has none. The template begins with its origin's prefix, so that what
 *           it makes is of that origin. A part is escaped as above, so that no two requests that
 *           differ in them share a key; in a URL such an escape stays as it is.
 */
#ifndef BASE_ORIGIN_TEMPLATE_H
#define BASE_ORIGIN_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#define ORIGIN_TEMPLATE_URL 8192 /* of one that is made */

/* A key, of which this many bytes are its origin's prefix. */
struct origin_name {
	const void *key;
	size_t length, prefix;
	bool escaped; /* it was made by origin_key_make */
};

/* What a request has under a name; NULL: nothing. */
struct origin_parts {
	void *ctx;
	const char *(*query)(void *ctx, const char *name);
	const char *(*header)(void *ctx, const char *name);
};

int origin_url_check(const char *template, const char **reason);
int origin_url_make(const char *template, const struct origin_name *name, char *out, size_t size);

int origin_key_check(const char *template, const char *prefix, const char **reason);
/* name: the key that was asked for. Returns the length. */
int origin_key_make(const char *template, const struct origin_name *name,
		    const struct origin_parts *parts, char *out, size_t size);

#endif
