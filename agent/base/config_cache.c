#include "config_cache.h"

#include "origin_rule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_CACHE_S_NS 1e9

static int config_cache_refuse(const struct config *c, enum config_key key, const char *reason,
			       struct config_error *error)
{
	snprintf(error->text, sizeof(error->text), "%s: %s: %s", config_where(c, key),
		 config_info(key)->path, reason);
	return -EINVAL;
}

/* One number of a key and what it may be. */
struct config_cache_range {
	enum config_key key;
	double value, least, most;
	const char *reason;
};

/* Each by itself was checked when it was put. */
static int config_cache_check_origins(const struct config *c, struct config_error *error)
{
	size_t count = config_count(c, CONFIG_CACHE_ORIGINS);
	char prefixes[ORIGIN_MAX][ORIGIN_PREFIX];
	struct channel_error why;
	struct origin_rule rule;

	if (count > ORIGIN_MAX)
		return config_cache_refuse(c, CONFIG_CACHE_ORIGINS, "must be 16 at most", error);
	for (size_t i = 0; i < count; i++) {
		if (origin_rule_parse(config_item(c, CONFIG_CACHE_ORIGINS, i), &rule, &why))
			return config_cache_refuse(c, CONFIG_CACHE_ORIGINS, why.reason, error);
		memcpy(prefixes[i], rule.prefix, ORIGIN_PREFIX);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(prefixes[k], prefixes[i]))
				return config_cache_refuse(c, CONFIG_CACHE_ORIGINS,
							   "two have the same prefix", error);
	}
	return 0;
}

int config_cache_check(const struct config *c, struct config_error *error)
{
	double value = (double)config_bytes(c, CONFIG_CACHE_MAX_VALUE);
	const struct config_cache_range ranges[] = {
		{ CONFIG_CACHE_DEFAULT_TTL, (double)config_span_ns(c, CONFIG_CACHE_DEFAULT_TTL),
		  CONFIG_CACHE_S_NS, 365 * 86400 * CONFIG_CACHE_S_NS, "must be from 1s to 365d" },
		{ CONFIG_CACHE_CLEANUP_INTERVAL,
		  (double)config_span_ns(c, CONFIG_CACHE_CLEANUP_INTERVAL), CONFIG_CACHE_S_NS,
		  3600 * CONFIG_CACHE_S_NS, "must be from 1s to 1h" },
		{ CONFIG_CACHE_COMPRESSION_LEVEL, config_number(c, CONFIG_CACHE_COMPRESSION_LEVEL),
		  1, 19, "must be from 1 to 19" },
		{ CONFIG_CACHE_MAX_VALUE, value, 1, (double)CONFIG_CACHE_VALUE_MAX,
		  "must be from 1 to 16MiB" },
		{ CONFIG_CACHE_WRITE_BUFFER_BYTES,
		  (double)config_bytes(c, CONFIG_CACHE_WRITE_BUFFER_BYTES), 65536, 1e12,
		  "must be from 64KiB to 1e12" },
		{ CONFIG_CACHE_MAX_MEMORY_BYTES,
		  (double)config_bytes(c, CONFIG_CACHE_MAX_MEMORY_BYTES),
		  value + (double)CONFIG_CACHE_ENTRY, 1e15,
		  "must be 128KiB above cache.max_value, and at most 1e15" },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most)
			return config_cache_refuse(c, ranges[i].key, ranges[i].reason, error);
	return config_cache_check_origins(c, error);
}
