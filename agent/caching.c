#include "caching.h"

#include "config.h"
#include "health.h"

#include <stdio.h>

#define CACHING_S_NS UINT64_C(1000000000)

int caching_open(struct cache **out, const struct config *config)
{
	const struct cache_config cache = {
		.max_items = (uint32_t)config_number(config, CONFIG_CACHE_MAX_MEMORY_ITEMS),
		.max_bytes = config_bytes(config, CONFIG_CACHE_MAX_MEMORY_BYTES),
		.max_value = config_bytes(config, CONFIG_CACHE_MAX_VALUE),
		.ttl_s = config_span_ns(config, CONFIG_CACHE_DEFAULT_TTL) / CACHING_S_NS,
		.cleanup_ns = config_span_ns(config, CONFIG_CACHE_CLEANUP_INTERVAL),
		.compression = config_switch(config, CONFIG_CACHE_COMPRESSION),
		.compression_from = config_bytes(config, CONFIG_CACHE_COMPRESSION_THRESHOLD) + 1,
		.compression_level = (int)config_number(config, CONFIG_CACHE_COMPRESSION_LEVEL),
	};

	*out = NULL;
	return config_switch(config, CONFIG_CACHE_ENABLED) ? cache_open(out, &cache) : 0;
}

void caching_second(struct cache *cache, struct health *health, uint64_t now_ns, int64_t wall_ms)
{
	struct cache_counts counts;
	char reason[HEALTH_REASON];

	if (!cache) {
		health_put(health, "cache", HEALTH_INFO, "turned off by cache.enabled", wall_ms);
		return;
	}
	cache_second(cache, now_ns);
	cache_counts_get(cache, &counts);
	snprintf(reason, sizeof(reason), "%llu of %llu entries, %.1f of %.1f MiB in memory",
		 (unsigned long long)counts.items, (unsigned long long)counts.max_items,
		 (double)counts.bytes / 1048576, (double)counts.max_bytes / 1048576);
	health_put(health, "cache", HEALTH_HEALTHY, reason, wall_ms);
}

void caching_told(void *cache, uint64_t from_ns, struct source_cache *out)
{
	struct cache_counts counts;
	struct rates_counts window;

	cache_counts_get(cache, &counts);
	cache_window(cache, from_ns, UINT64_MAX, &window);
	*out = (struct source_cache){ .looks = (double)(window.hits + window.misses),
				      .hits = (double)window.hits,
				      .evictions = (double)window.evictions,
				      .memory_percent = 100 * (double)counts.bytes /
							(double)counts.max_bytes };
}
