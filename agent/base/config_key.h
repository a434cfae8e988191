/*
 * config_key - every key of the configuration: type, unit, default, range, flag and help.
 *
 * Threads:  constants.
 * Memory:   none.
 * Errors:   -ENOENT, -EINVAL, -ERANGE, with the reason.
 */
#ifndef BASE_CONFIG_KEY_H
#define BASE_CONFIG_KEY_H

#include <stddef.h>
#include <stdint.h>

enum config_key {
	CONFIG_RUN_DIR,
	CONFIG_STATE_DIR,
	CONFIG_USER,
	CONFIG_LABELS, /* items "name=value" */
	CONFIG_LOG_LEVEL,
	CONFIG_HTTP_LISTEN, /* items; none: no TCP */
	CONFIG_HTTP_SOCKET, /* "": api.sock in the run directory; "none" */
	CONFIG_HTTP_ALLOWED_HOSTS,
	CONFIG_HTTP_READ_TOKEN,
	CONFIG_MEMORY_WARNING,
	CONFIG_MEMORY_CRITICAL,
	CONFIG_MEMORY_DUMP,
	CONFIG_CPU_WARNING,
	CONFIG_CPU_CRITICAL,
	CONFIG_REQUESTS_SLOW_WARNING,
	CONFIG_REQUESTS_SLOW_CRITICAL,
	CONFIG_CAPTURE_BUDGET,
	CONFIG_CAPTURE_HTTP,
	CONFIG_TARGETS_INCLUDE, /* items as in rule.h; none: every process that carries the shim */
	CONFIG_TARGETS_EXCLUDE,
	CONFIG_TARGETS_NAMES,
	CONFIG_TARGETS_ATTACH,
	CONFIG_ROUTES_PATTERNS,
	CONFIG_ALERTS_ENABLED,
	CONFIG_ALERTS_RULES_DIR,
	CONFIG_ALERTS_CHECK_INTERVAL,
	CONFIG_ALERTS_COOLDOWN,
	CONFIG_ALERTS_ESCALATION_THRESHOLD,
	CONFIG_ALERTS_ESCALATION_FURTHER,
	CONFIG_ALERTS_CHANNELS, /* items as in channel.h */
	CONFIG_ALERTS_NOTIFY,
	CONFIG_ALERTS_ESCALATION, /* items as in escalation.h: level 2, level 3 */
	CONFIG_CACHE_ENABLED,
	CONFIG_CACHE_DEFAULT_TTL,
	CONFIG_CACHE_MAX_MEMORY_ITEMS,
	CONFIG_CACHE_MAX_MEMORY_BYTES,
	CONFIG_CACHE_MAX_VALUE,
	CONFIG_CACHE_CLEANUP_INTERVAL,
	CONFIG_CACHE_COMPRESSION,
	CONFIG_CACHE_COMPRESSION_THRESHOLD,
	CONFIG_CACHE_COMPRESSION_LEVEL,
	CONFIG_CACHE_ORIGINS, /* items as in origin_rule.h */
	CONFIG_CACHE_PROXY,   /* items as in proxy_site.h; none: no proxy */
	CONFIG_CACHE_WRITE_BUFFER_ITEMS,
	CONFIG_CACHE_WRITE_BUFFER_BYTES,
	CONFIG_REDIS_URL, /* items as in redis_url.h; none: no Redis */
	CONFIG_REDIS_PASSWORD_FILE,
	CONFIG_REDIS_PREFIX,
	CONFIG_REDIS_TIMEOUT,
	CONFIG_REDIS_AGGREGATES,
	CONFIG_REDIS_AGGREGATES_BUDGET,
	CONFIG_REDIS_AGGREGATES_TTL,
	CONFIG_FLEET_ENABLED,
	CONFIG_FLEET_HOST, /* "": the machine's own name */
	CONFIG_FLEET_GONE_AFTER,
	CONFIG_FLEET_FORGET_AFTER,
	CONFIG_KEYS,
};

enum config_type {
	CONFIG_TYPE_TEXT,
	CONFIG_TYPE_PATH,       /* absolute */
	CONFIG_TYPE_LEVEL,      /* a log level's name */
	CONFIG_TYPE_SOURCE,     /* "auto", "sockets", "syscalls" */
	CONFIG_TYPE_SECRET,     /* text, never shown */
	CONFIG_TYPE_PERCENT,    /* 0–100 */
	CONFIG_TYPE_SPAN,       /* "250ms" */
	CONFIG_TYPE_LIST,       /* one text or a list of texts */
	CONFIG_TYPE_ADDRESS,    /* a list of host:port; "none" */
	CONFIG_TYPE_MAP,        /* an object of texts */
	CONFIG_TYPE_RULES,      /* a list of objects that say which processes: rule.h */
	CONFIG_TYPE_NAMES,      /* … and how they are called */
	CONFIG_TYPE_ROUTES,     /* a list of routes: pattern.h */
	CONFIG_TYPE_SWITCH,     /* true or false */
	CONFIG_TYPE_COUNT,      /* 1–1000 */
	CONFIG_TYPE_ITEMS,      /* 1–1,000,000 */
	CONFIG_TYPE_SIZE,       /* "64MiB", or bytes */
	CONFIG_TYPE_CHANNELS,   /* an object of objects: channel.h */
	CONFIG_TYPE_ESCALATION, /* a list of objects: escalation.h */
	CONFIG_TYPE_REDIS,   /* one URL or a list of them: redis_url.h; its secrets are not shown */
	CONFIG_TYPE_PREFIX,  /* of keys: redis_url.h */
	CONFIG_TYPE_ORIGINS, /* a list of objects: origin_rule.h; no secrets are shown */
	CONFIG_TYPE_PROXY,   /* a list of objects: proxy_site.h */
};

struct config_info {
	const char *path;
	const char *flag;    /* without its dashes, NULL: none */
	const char *initial; /* "": empty */
	const char *unit;    /* "" where there is none */
	const char *help;
	enum config_type type;
};

struct config_error {
	char text[512];
};

const struct config_info *config_info(enum config_key key);
const char *config_type_name(enum config_type type);

int config_key_find(const char *path); /* an enum config_key, or -ENOENT */
int config_key_find_flag(const char *flag);
const char *config_key_nearest(const char *path);                         /* NULL: none is near */
void config_key_environment(enum config_key key, char *out, size_t size); /* RINGSIDE_HTTP_LISTEN */

/* Is text a value, or an item, of this type? reason gets why not. */
int config_value_check(enum config_type type, const char *text, const char **reason);

#endif
