/*
 * exporter_proxy - what /metrics tells of the caching proxy.
 */
#include "exporter.h"

#include "proxy.h"

struct exporter_proxy_row {
	const char *name, *help;
	size_t at; /* a uint64_t of struct proxy_counts */
	bool level;
};

#define PROXY_AT(field) offsetof(struct proxy_counts, field)
#define PROXY_WHY(why) (PROXY_AT(unkept) + (why) * sizeof(uint64_t))

static const struct exporter_proxy_row exporter_proxy_rows[] = {
	{ "ringside_proxy_connections", "Clients that connected.", PROXY_AT(connections), false },
	{ "ringside_proxy_connections_open", "Clients that are connected.", PROXY_AT(open), true },
	{ "ringside_proxy_pauses", "Times that no more clients were taken for a while.",
	  PROXY_AT(paused), false },
	{ "ringside_proxy_requests", "Requests of clients.", PROXY_AT(requests), false },
	{ "ringside_proxy_hits", "Requests that the cache answered.", PROXY_AT(hits), false },
	{ "ringside_proxy_misses", "Requests that it could have and did not.", PROXY_AT(misses),
	  false },
	{ "ringside_proxy_bypasses", "Requests that the cache has no part in.", PROXY_AT(bypassed),
	  false },
	{ "ringside_proxy_stale", "Requests that it answered past its time.", PROXY_AT(stale),
	  false },
	{ "ringside_proxy_stored", "Replies that were kept.", PROXY_AT(stored), false },
	{ "ringside_proxy_waits", "Requests that waited for what another one fetched.",
	  PROXY_AT(waited), false },
	{ "ringside_proxy_unkept_status", "Replies not kept because of their status.", PROXY_WHY(1),
	  false },
	{ "ringside_proxy_unkept_forbidden", "Replies that must not be kept.", PROXY_WHY(2),
	  false },
	{ "ringside_proxy_unkept_cookie", "Replies not kept because they set a cookie.",
	  PROXY_WHY(3), false },
	{ "ringside_proxy_unkept_no_time", "Replies that were not fresh as they came.",
	  PROXY_WHY(4), false },
	{ "ringside_proxy_too_large", "Replies larger than what is kept, or of unknown length.",
	  PROXY_AT(too_large), false },
	{ "ringside_proxy_refused", "Requests that are malformed or could be read in two ways.",
	  PROXY_AT(refused), false },
	{ "ringside_proxy_large_heads", "Requests with too large a head.", PROXY_AT(large_heads),
	  false },
	{ "ringside_proxy_slow_clients", "Clients that took too long to send or to take.",
	  PROXY_AT(slow_clients), false },
	{ "ringside_proxy_upstream_opened", "Connections made to upstreams.",
	  PROXY_AT(upstream_opened), false },
	{ "ringside_proxy_upstream_reused", "Requests on connections that were there.",
	  PROXY_AT(upstream_reused), false },
	{ "ringside_proxy_upstream_open", "Connections to upstreams.", PROXY_AT(upstream_open),
	  true },
	{ "ringside_proxy_upstream_failed", "Connections to upstreams that failed.",
	  PROXY_AT(upstream_failed), false },
	{ "ringside_proxy_upstream_slow", "Requests that the upstream took too long for.",
	  PROXY_AT(upstream_slow), false },
	{ "ringside_proxy_upstream_odd", "Replies that are no HTTP/1.x, or cut short.",
	  PROXY_AT(upstream_odd), false },
	{ "ringside_proxy_tunnels", "Connections that became tunnels.", PROXY_AT(tunnels), false },
	{ "ringside_proxy_purged", "Replies that were purged.", PROXY_AT(purged), false },
	{ "ringside_proxy_no_memory", "Times that there was no memory.", PROXY_AT(no_memory),
	  false },
};

static void exporter_proxy_put(struct exposition *e, const struct exporter_proxy_row *row,
			       const void *counts)
{
	const struct exposition_family family = { row->name, row->help,
						  row->level ? EXPOSITION_GAUGE
							     : EXPOSITION_COUNTER };

	exposition_head(e, &family);
	exposition_uint(e, NULL, *(const uint64_t *)(const void *)((const char *)counts + row->at));
}

void exporter_put_proxy(struct exposition *e, const struct site *site)
{
	static const struct exporter_proxy_row held[] = {
		{ "ringside_proxy_items", "Replies that are kept.",
		  offsetof(struct cache_counts, items), true },
		{ "ringside_proxy_bytes", "Memory that they take.",
		  offsetof(struct cache_counts, bytes), true },
		{ "ringside_proxy_invalidated", "Replies that were purged, or written to.",
		  offsetof(struct cache_counts, invalidations), false },
		{ "ringside_proxy_evictions", "Replies that made room before their time.",
		  offsetof(struct cache_counts, evictions), false },
	};
	struct proxy_counts counts;
	struct cache_counts cache;

	if (!site->proxy)
		return;
	proxy_counts_get(site->proxy, &counts);
	proxy_cache_counts_get(site->proxy, &cache);
	for (size_t i = 0; i < sizeof(exporter_proxy_rows) / sizeof(exporter_proxy_rows[0]); i++)
		exporter_proxy_put(e, &exporter_proxy_rows[i], &counts);
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		exporter_proxy_put(e, &held[i], &cache);
}
