/*
 * params - the target of a request taken apart: path, query parameters, and what they ask for.
 *
 * Threads:  a value of the web thread.
 * Memory:   everything is copied into the struct.
 * Errors:   -EINVAL with a refusal (400, 404, 414).
 */
#ifndef WEB_PARAMS_H
#define WEB_PARAMS_H

#include "metrics.h"
#include "request.h"

#define PARAMS_BYTES 8192u                 /* as sent: all tags of an entry, all bytes as %XX */
#define PARAMS_KEY 2048u                   /* bytes of a key in a path, decoded … */
#define PARAMS_KEYED "/api/cache/entries/" /* … which is all that follows this */
#define PARAMS_COUNT 16u
#define PARAMS_LIMIT 50u
#define PARAMS_LIMIT_MAX 1000u

struct param {
	const char *name, *value;
};

struct params {
	const char *path;         /* decoded, without the key */
	const unsigned char *key; /* of any bytes, NUL too; NULL: the path has none */
	size_t key_length;
	struct param items[PARAMS_COUNT];
	unsigned int count;
	char bytes[PARAMS_BYTES];
	unsigned char key_bytes[PARAMS_KEY + 1];
};

/* Which parameters an endpoint takes. */
enum params_take {
	PARAMS_SERVICE = 1 << 0,
	PARAMS_PID = 1 << 1,
	PARAMS_SCOPE = PARAMS_SERVICE | PARAMS_PID,
	PARAMS_ROUTE = 1 << 2,
	PARAMS_WINDOW = 1 << 3, /* window, or from and to */
	PARAMS_LIST = 1 << 4,   /* limit, cursor */
	PARAMS_SORT = 1 << 5,
	PARAMS_SERIES = 1 << 6, /* metric, step, p, format, compare: looked at by who takes them */
	PARAMS_STATE = 1 << 7,
	PARAMS_ID = 1 << 8,
	PARAMS_ENTRY = 1 << 9, /* ttl, tags: looked at by who takes them */
};

struct ask {
	struct metrics_scope scope;
	const char *window; /* NULL: from and to were given */
	int64_t from_ms, to_ms;
	uint64_t asked_s;       /* length of the window */
	const char *sort;       /* NULL: the endpoint's own */
	const char *state, *id; /* NULL: not given */
	unsigned int limit, offset;
	const char *metric, *step, *ranks, *format, *compare; /* as given; NULL: not */
};

/* Any byte may be percent-encoded but, outside a key, NUL; a + in the query is a blank. */
int params_split(const char *target, struct params *out, struct refusal *no);
const char *params_get(const struct params *p, const char *name); /* NULL: not given */

/* The times of r are those of the question. out borrows from p. */
int params_ask(const struct params *p, unsigned int take, const struct request *r, struct ask *out,
	       struct refusal *no);

#endif
