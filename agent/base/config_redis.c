#include "config_redis.h"

#include "redis_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_REDIS_MS_NS 1e6
#define CONFIG_REDIS_S_NS 1e9
#define CONFIG_REDIS_HOST 64 /* bytes of a host's name */

static const char config_redis_plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789.-_";

static int config_redis_refuse(const struct config *c, enum config_key key, const char *reason,
			       struct config_error *error)
{
	snprintf(error->text, sizeof(error->text), "%s: %s: %s", config_where(c, key),
		 config_info(key)->path, reason);
	return -EINVAL;
}

/* Each URL by itself was checked when it was put. */
static int config_redis_urls(const struct config *c, struct config_error *error)
{
	struct redis_url url = { .count = 0 };
	const char *reason = "";
	int ret = 0;

	for (size_t i = 0; !ret && i < config_count(c, CONFIG_REDIS_URL); i++)
		ret = redis_url_add(&url, config_item(c, CONFIG_REDIS_URL, i), &reason);
	explicit_bzero(&url, sizeof(url));
	return ret ? config_redis_refuse(c, CONFIG_REDIS_URL, reason, error) : 0;
}

/* One number of a key and what it may be. */
struct config_redis_range {
	enum config_key key;
	double value, least, most;
	const char *reason;
};

int config_redis_check(const struct config *c, struct config_error *error)
{
	const struct config_redis_range ranges[] = {
		{ CONFIG_REDIS_TIMEOUT, (double)config_span_ns(c, CONFIG_REDIS_TIMEOUT),
		  10 * CONFIG_REDIS_MS_NS, 60 * CONFIG_REDIS_S_NS, "must be from 10ms to 1m" },
		{ CONFIG_REDIS_AGGREGATES_BUDGET,
		  (double)config_bytes(c, CONFIG_REDIS_AGGREGATES_BUDGET), 1 << 10, 1 << 20,
		  "must be from 1KiB to 1MiB" },
		{ CONFIG_REDIS_AGGREGATES_TTL,
		  (double)config_span_ns(c, CONFIG_REDIS_AGGREGATES_TTL), 3600 * CONFIG_REDIS_S_NS,
		  30 * 86400 * CONFIG_REDIS_S_NS, "must be from 1h to 30d" },
		{ CONFIG_FLEET_GONE_AFTER, (double)config_span_ns(c, CONFIG_FLEET_GONE_AFTER),
		  3 * CONFIG_REDIS_S_NS, 3600 * CONFIG_REDIS_S_NS, "must be from 3s to 1h" },
		{ CONFIG_FLEET_FORGET_AFTER, (double)config_span_ns(c, CONFIG_FLEET_FORGET_AFTER),
		  60 * CONFIG_REDIS_S_NS, 30 * 86400 * CONFIG_REDIS_S_NS,
		  "must be from 1m to 30d" },
	};
	const char *host = config_text(c, CONFIG_FLEET_HOST);
	int ret = config_redis_urls(c, error);

	for (size_t i = 0; !ret && i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most)
			ret = config_redis_refuse(c, ranges[i].key, ranges[i].reason, error);
	if (!ret && config_switch(c, CONFIG_REDIS_AGGREGATES) && !config_count(c, CONFIG_REDIS_URL))
		ret = config_redis_refuse(c, CONFIG_REDIS_AGGREGATES, "needs redis.url", error);
	if (!ret &&
	    (strlen(host) > CONFIG_REDIS_HOST || strspn(host, config_redis_plain) != strlen(host)))
		ret = config_redis_refuse(c, CONFIG_FLEET_HOST,
					  "has at most 64 letters, digits, dots, dashes and "
					  "underscores",
					  error);
	if (!ret && config_span_ns(c, CONFIG_FLEET_FORGET_AFTER) <=
			    config_span_ns(c, CONFIG_FLEET_GONE_AFTER))
		ret = config_redis_refuse(c, CONFIG_FLEET_FORGET_AFTER,
					  "must be longer than fleet.gone_after", error);
	return ret;
}
