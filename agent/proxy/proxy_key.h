/*
 * proxy_key - which rule a request fits, and the key that its reply is cached under.
 *
 * Threads:  any; pure.
 * Memory:   a key is written to the caller's bytes.
 * Errors:   -EFBIG: it has no room.
 * A key:    "name:host/path?query", then a line for each header of the rule, for each header that
 *           is known to change what applications answer (HTTP_KEYED_FIRST and on), and for each
 *           that the reply varies by. All byte by byte as they came: two spellings of one address
 *           are two keys, never one key for two addresses.
 */
#ifndef PROXY_KEY_H
#define PROXY_KEY_H

#include "http_head.h"
#include "proxy_site.h"

#define PROXY_KEY_SIZE 65536u
#define PROXY_KEY_TAG 18u /* "@", 16 digits, NUL */

struct proxy_key {
	char *at;
	size_t length, size;
};

struct http_text proxy_key_path(const struct http_head *h); /* without the query */

/* Does all of text fit the glob? As text_glob, for texts without an end. */
bool proxy_key_fits(const char *pattern, const struct http_text *text);
const struct proxy_rule *proxy_key_rule(const struct proxy_site *s, const struct http_head *h);

/* By what the rule says of parameters, headers and cookies. */
bool proxy_key_is_excluded(const struct proxy_rule *r, const struct http_head *h);

int proxy_key_make(struct proxy_key *k, const struct proxy_rule *r, const struct http_head *h);
/* Adds what a reply with this Vary depends on. */
int proxy_key_vary(struct proxy_key *k, const struct http_text *vary, const struct http_head *h);

/* A tag that all replies of this host and path have. */
void proxy_key_tag(const struct http_head *h, char out[PROXY_KEY_TAG]);

#endif
