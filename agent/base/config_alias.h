/*
 * config_alias - names of keys as the users' guide writes them: camelCase, with bare numbers.
 *
 * Threads:  constants.
 * Memory:   none.
 * Errors:   NULL: it is none.
 */
#ifndef BASE_CONFIG_ALIAS_H
#define BASE_CONFIG_ALIAS_H

struct config_alias {
	const char *alias, *path; /* of the key that it stands for */
	const char *unit;         /* of a bare number; NULL: it has none */
};

const struct config_alias *config_alias_find(const char *path);

/* The key that a name of the guide's environment stands for ("CACHE_ENABLED"), or -ENOENT. */
int config_alias_environment(const char *name);

#endif
