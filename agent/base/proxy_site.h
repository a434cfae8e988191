/*
 * proxy_site - one listener of the caching proxy, the upstream behind it and what of that is
 *              cached, as the configuration describes it.
 *
 * Threads:  a value, only read once it is open.
 * Memory:   proxy_site_open allocates, proxy_site_close frees; all texts live as long.
 * Errors:   -EINVAL, with the key at fault and the reason; -ENOMEM.
 * As text: "key=value" each, parted by blanks; the word "rule" begins a rule, whose members follow;
 * several names in one value are parted by bars:
 * "listen=127.0.0.1:8080 upstream=127.0.0.1:3000 rule match=/api* ttl=30s headers=X-Tenant|X-User"
 */
#ifndef BASE_PROXY_SITE_H
#define BASE_PROXY_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_SITES 8u  /* of a configuration */
#define PROXY_RULES 32u /* of a listener */
#define PROXY_NAMES 8u  /* in one list of a rule */
#define PROXY_TEXT 16384u
#define PROXY_PARTING '|'

struct channel_error;

struct proxy_names {
	const char *at[PROXY_NAMES];
	uint32_t count;
};

/* The first whose pattern fits the path says how a request is cached; where none does it is not. */
struct proxy_rule {
	const char *name;  /* what its keys begin with: "leads" of "leads:…" */
	const char *match; /* a glob as of text_glob over the path as it came, without the query */
	uint32_t ttl_s;    /* of a reply that does not say how long it is fresh; 0: it is not */
	uint32_t stale_s;  /* longer, while one request fetches it anew */
	uint32_t fallback_s; /* … or the upstream fails */
	bool every_query;    /* all of the query is in the key, or these parameters alone */
	struct proxy_names query, headers; /* of the key, beside host and path */
	struct proxy_names unless_query, unless_headers, unless_cookies; /* with one: not cached */
	bool without_cookies; /* what is fetched is asked for without them; else they bypass */
};

enum proxy_forwarded { PROXY_FORWARDED_NONE, PROXY_FORWARDED_X, PROXY_FORWARDED_RFC };

struct proxy_site {
	const char *listen, *upstream; /* as text_address takes them */
	enum proxy_forwarded forwarded;
	const char *via; /* a name for Via; NULL: none is added */
	uint32_t connections;
	uint64_t connect_ns, timeout_ns, idle_ns;
	uint32_t rule_count;
	struct proxy_rule rules[PROXY_RULES];
	char *text;
};

int proxy_site_open(struct proxy_site **out, const char *text, struct channel_error *error);
void proxy_site_close(struct proxy_site *s); /* NULL is allowed */

#endif
