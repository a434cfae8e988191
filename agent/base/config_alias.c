#include "config_alias.h"

#include <stddef.h>
#include <string.h>

static const struct config_alias config_aliases[] = {
	{ "alerts.checkInterval", "alerts.check_interval", "ms" },
	{ "alerts.cooldownPeriod", "alerts.cooldown", "ms" },
	{ "alerts.notificationChannels", "alerts.notify", NULL },
	{ "alerts.escalationThreshold", "alerts.escalation_threshold", NULL },
};

const struct config_alias *config_alias_find(const char *path)
{
	for (size_t i = 0; i < sizeof(config_aliases) / sizeof(config_aliases[0]); i++)
		if (!strcmp(config_aliases[i].alias, path))
			return &config_aliases[i];
	return NULL;
}
