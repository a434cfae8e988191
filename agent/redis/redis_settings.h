/*
 * redis_settings - what the configuration says of the Redis: where it is, and as whom we come.
 *
 * Threads:  one.
 * Memory:   a value; it carries a password, so that it is wiped by who is through with it.
 * Errors:   -ENOENT: no Redis is configured; -EACCES: its password could not be had; a sentence.
 */
#ifndef REDIS_SETTINGS_H
#define REDIS_SETTINGS_H

#include "config.h"
#include "redis_client.h"
#include "secret.h"

#define REDIS_SETTINGS_FAULT SECRET_FAULT

struct redis_settings {
	struct redis_url url;
	char fault[REDIS_SETTINGS_FAULT];
};

/* The configuration was checked; password: of redis.password_file, over one in a URL. */
int redis_settings_read(struct redis_settings *out, const struct config *c,
			const struct secret *password);

/* A client's configuration of it, with our limits; clock, chance and channel are the caller's. */
void redis_settings_put(const struct redis_settings *s, const struct config *c,
			struct redis_config *out);

#endif
