#include "proxying.h"

#include "channel.h"
#include "listen.h"
#include "log.h"
#include "moment.h"
#include "stored.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROXYING_S_NS UINT64_C(1000000000)
#define PROXYING_TRIES 20 /* … 10 ms apart: an agent that was killed leaves its port as it goes */

static int proxying_site(const struct config *c, size_t index, struct proxy_site **out)
{
	struct channel_error error; /* it was checked when it was put */

	return proxy_site_open(out, config_item(c, CONFIG_CACHE_PROXY, index), &error);
}

static int proxying_listen_one(const char *address)
{
	int fd = -EADDRINUSE;

	for (int i = 0; i < PROXYING_TRIES && fd == -EADDRINUSE; i++) {
		if (i)
			usleep(10000);
		fd = listen_tcp(address);
	}
	return fd;
}

int proxying_listen(const struct config *c, struct proxying_sockets *out, const char **address)
{
	out->count = 0;
	for (size_t i = 0; i < config_count(c, CONFIG_CACHE_PROXY); i++) {
		struct proxy_site *site;
		int fd = out->count < PROXY_SITES ? proxying_site(c, i, &site) : -E2BIG;

		*address = config_item(c, CONFIG_CACHE_PROXY, i);
		if (!fd) {
			fd = proxying_listen_one(site->listen);
			proxy_site_close(site);
		}
		if (fd < 0)
			return fd;
		out->at[out->count++] = fd;
	}
	return 0;
}

void proxying_sockets_close(const struct proxying_sockets *s)
{
	for (unsigned int i = 0; i < s->count; i++)
		close(s->at[i]);
}

/* Of its own: what is in it is never compressed, so that it can be sent as it lies there. */
static void proxying_cache(const struct config *c, struct cache_config *out)
{
	*out = (struct cache_config){
		.cleanup_ns = config_span_ns(c, CONFIG_CACHE_CLEANUP_INTERVAL),
		.ttl_s = config_span_ns(c, CONFIG_CACHE_DEFAULT_TTL) / PROXYING_S_NS,
		.max_bytes = config_bytes(c, CONFIG_CACHE_MAX_MEMORY_BYTES)
	};
	out->max_value = config_bytes(c, CONFIG_CACHE_MAX_VALUE) + 2 * STORED_HEAD;
	if (config_switch(c, CONFIG_CACHE_ENABLED))
		out->max_items = (uint32_t)config_number(c, CONFIG_CACHE_MAX_MEMORY_ITEMS);
}

static int proxying_start(struct proxying *p, const struct proxying_config *config)
{
	struct proxy_config proxy = { .sites = (const struct proxy_site *const *)p->sites,
				      .sockets = config->sockets->at,
				      .own = { &p->api },
				      .now_ns = moment_monotonic_ns,
				      .wall_ms = moment_wall_ms };
	int ret = 0;

	proxying_cache(config->config, &proxy.cache);
	for (unsigned int i = 0; i < config->api_count; i++)
		own_add(&p->api, config->api[i]);
	for (; !ret && p->count < config->sockets->count; p->count++)
		ret = proxying_site(config->config, p->count, &p->sites[p->count]);
	proxy.count = p->count;
	if (!ret)
		ret = proxy_open(&p->proxy, &proxy);
	if (ret) {
		proxying_sockets_close(config->sockets);
		return ret;
	}
	return proxy_run(p->proxy);
}

void proxying_open(struct proxying *p, const struct proxying_config *config, int64_t wall_ms)
{
	const char *reason;
	int ret;

	*p = (struct proxying){ .health = config->health };
	if (!config->sockets->count)
		return;
	ret = proxying_start(p, config);
	if (!ret) {
		proxying_second(p, wall_ms);
		return;
	}
	reason = ret == -ELOOP ? "an upstream is a listener of this agent" : strerrordesc_np(-ret);
	log_error("no proxy: %s", reason);
	health_put(p->health, "proxy", HEALTH_DEGRADED, reason, wall_ms);
	proxy_close(p->proxy);
	p->proxy = NULL;
}

void proxying_close(struct proxying *p)
{
	proxy_close(p->proxy);
	p->proxy = NULL;
	for (unsigned int i = 0; i < p->count; i++)
		proxy_site_close(p->sites[i]);
	p->count = 0;
}

static uint64_t proxying_failures(const struct proxy_counts *c)
{
	return c->upstream_failed + c->upstream_slow + c->upstream_odd;
}

void proxying_second(struct proxying *p, int64_t wall_ms)
{
	enum health_status status = HEALTH_HEALTHY;
	char reason[HEALTH_REASON];
	struct proxy_counts c;

	if (!p->proxy)
		return;
	proxy_counts_get(p->proxy, &c);
	if (proxying_failures(&c) > proxying_failures(&p->before))
		status = HEALTH_DEGRADED;
	snprintf(reason, sizeof(reason),
		 "%s%u listeners, %llu clients; %llu requests, %llu from the cache, %llu stale; "
		 "%llu refused, %llu upstream failures",
		 status == HEALTH_HEALTHY ? "" : "the upstream fails: ", proxy_places(p->proxy),
		 (unsigned long long)c.open, (unsigned long long)c.requests,
		 (unsigned long long)c.hits, (unsigned long long)c.stale,
		 (unsigned long long)(c.refused + c.large_heads),
		 (unsigned long long)proxying_failures(&c));
	health_put(p->health, "proxy", status, reason, wall_ms);
	p->before = c;
}
