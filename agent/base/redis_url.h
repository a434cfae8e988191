/*
 * redis_url - where a Redis is, or the nodes of a cluster, and as whom we come.
 *
 * Threads:  a value.
 * Memory:   none; it carries a password, so that it is wiped by who is through with it.
 * Errors:   -EINVAL with the reason, a constant.
 * Forms: redis://[user:password@]host[:port][/db], unix://path[?db=n], a user and password escaped
 * as in any URL. Several are nodes of one cluster: what one says of user, password and database
 * holds for all, and they must not contradict each other.
 */
#ifndef BASE_REDIS_URL_H
#define BASE_REDIS_URL_H

#include <stddef.h>
#include <stdint.h>

#define REDIS_URL_NODES 16
#define REDIS_URL_HOST 256
#define REDIS_URL_PATH 108 /* as the kernel takes it, with its NUL */
#define REDIS_URL_SECRET 256
#define REDIS_URL_PORT 6379

struct redis_place {
	char host[REDIS_URL_HOST]; /* a name or a number, without brackets; "": it is a path */
	char path[REDIS_URL_PATH];
	uint16_t port;
};

struct redis_url {
	struct redis_place places[REDIS_URL_NODES];
	uint32_t count;
	uint32_t db;
	char user[REDIS_URL_SECRET]; /* "": the default one */
	char password[REDIS_URL_SECRET];
};

/* out begins zeroed; each text adds a place. */
int redis_url_add(struct redis_url *out, const char *text, const char **reason);

/* For people: "redis://127.0.0.1:6379", neither user nor password in it. */
void redis_place_show(const struct redis_place *place, char *out, size_t size);

/* May this be the beginning of all our keys? Letters, digits, ". _ - :", the last one a colon. */
int redis_prefix_check(const char *text, const char **reason);

#endif
