/*
 * config_nested - the keys of the configuration that hold objects of several members, as the texts
 *                 that flags and the environment would give them.
 *
 * Threads:  any.
 * Memory:   texts go to the caller's buffers.
 * Errors:   -EINVAL with the member at fault and the reason.
 */
#ifndef BASE_CONFIG_NESTED_H
#define BASE_CONFIG_NESTED_H

#include "channel.h"
#include "tree.h"

/* A channel of this name as in channel.h; text: CHANNEL_TEXT bytes. */
int config_nested_channel(const char *name, const struct tree *keys, char *text,
			  struct channel_error *error);

/* An origin as in origin_rule.h; text: ORIGIN_TEXT bytes. */
int config_nested_origin(const struct tree *keys, char *text, struct channel_error *error);

/* A level as in escalation.h; text: CHANNEL_TEXT bytes. */
int config_nested_level(const struct tree *keys, char *text, struct channel_error *error);

/* A listener as in proxy_site.h; the caller frees *text. */
int config_nested_proxy(const struct tree *keys, char **text, struct channel_error *error);

#endif
