/*
 * config_alerts - who is told of alerts: the channels of a configuration and their levels, checked
 *                 against each other.
 *
 * Threads:  a value; read by any once it is made.
 * Memory:   config_alerts_open allocates, config_alerts_close frees.
 * Errors:   -EINVAL with "where: key: reason"; -ENOMEM.
 */
#ifndef BASE_CONFIG_ALERTS_H
#define BASE_CONFIG_ALERTS_H

#include "channel.h"
#include "config.h"

#define CONFIG_ALERTS_LEVELS 3
#define CONFIG_ALERTS_LOG 0   /* the channels that are always there: the log … */
#define CONFIG_ALERTS_EMAIL 1 /* … and mail, which may not be configured: not in use then */

struct config_alerts {
	struct channel channels[CHANNEL_MAX];
	uint32_t count;
	uint32_t levels[CONFIG_ALERTS_LEVELS]; /* the channels that each level adds, a bit each */
	uint32_t in_use;                       /* those that are configured, a bit each */
	uint32_t second, third; /* the notices in a row that are the first of a level */
};

int config_alerts_open(struct config_alerts **out, const struct config *c,
		       struct config_error *error);
void config_alerts_close(struct config_alerts *a); /* NULL is allowed */

#endif
