#include "config_alias.h"

#include "config_key.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct config_alias config_aliases[] = {
	{ "alerts.checkInterval", "alerts.check_interval", "ms" },
	{ "alerts.cooldownPeriod", "alerts.cooldown", "ms" },
	{ "alerts.notificationChannels", "alerts.notify", NULL },
	{ "alerts.escalationThreshold", "alerts.escalation_threshold", NULL },
	{ "cache.defaultTTL", "cache.default_ttl", "s" },
	{ "cache.maxMemoryItems", "cache.max_memory_items", NULL },
	{ "cache.compressionThreshold", "cache.compression_threshold", NULL },
	{ "cache.cleanupInterval", "cache.cleanup_interval", "ms" },
};

const struct config_alias *config_alias_find(const char *path)
{
	for (size_t i = 0; i < sizeof(config_aliases) / sizeof(config_aliases[0]); i++)
		if (!strcmp(config_aliases[i].alias, path))
			return &config_aliases[i];
	return NULL;
}

int config_alias_environment(const char *name)
{
	static const struct {
		const char *name;
		enum config_key key;
	} names[] = {
		{ "CACHE_ENABLED", CONFIG_CACHE_ENABLED },
		{ "COMPRESSION_ENABLED", CONFIG_CACHE_COMPRESSION },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, name))
			return (int)names[i].key;
	return -ENOENT;
}
