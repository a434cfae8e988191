/*
 * exporter_cache - what /metrics tells of the cache.
 */
#include "exporter.h"

#include "cache.h"

struct exporter_cache_row {
	const char *name, *help;
	size_t at; /* a uint64_t of struct cache_counts */
	enum exposition_type type;
};

#define EXPORTER_AT(field) offsetof(struct cache_counts, field)

static const struct exporter_cache_row exporter_cache_rows[] = {
	{ "ringside_cache_hits", "Look-ups that the cache answered.", EXPORTER_AT(hits),
	  EXPOSITION_COUNTER },
	{ "ringside_cache_misses", "Look-ups that it did not.", EXPORTER_AT(misses),
	  EXPOSITION_COUNTER },
	{ "ringside_cache_sets", "Values that were kept.", EXPORTER_AT(sets), EXPOSITION_COUNTER },
	{ "ringside_cache_deletes", "Entries deleted by their key.", EXPORTER_AT(deletes),
	  EXPOSITION_COUNTER },
	{ "ringside_cache_errors", "Values that could not be kept or expanded.",
	  EXPORTER_AT(errors), EXPOSITION_COUNTER },
	{ "ringside_cache_evictions", "Entries that made room before their time.",
	  EXPORTER_AT(evictions), EXPOSITION_COUNTER },
	{ "ringside_cache_expired", "Entries whose time was over.", EXPORTER_AT(expired),
	  EXPOSITION_COUNTER },
	{ "ringside_cache_invalidations", "Entries that were cleared or invalidated.",
	  EXPORTER_AT(invalidations), EXPOSITION_COUNTER },
	{ "ringside_cache_items", "Entries in memory.", EXPORTER_AT(items), EXPOSITION_GAUGE },
	{ "ringside_cache_limit_items", "Entries that memory may hold.", EXPORTER_AT(max_items),
	  EXPOSITION_GAUGE },
	{ "ringside_cache_bytes", "Memory of the entries.", EXPORTER_AT(bytes), EXPOSITION_GAUGE },
	{ "ringside_cache_limit_bytes", "Memory that they may take.", EXPORTER_AT(max_bytes),
	  EXPOSITION_GAUGE },
	{ "ringside_cache_compressed_items", "Entries kept compressed.", EXPORTER_AT(packed),
	  EXPOSITION_GAUGE },
	{ "ringside_cache_compressed_raw_bytes", "Bytes of those as they came.",
	  EXPORTER_AT(packed_raw), EXPOSITION_GAUGE },
	{ "ringside_cache_compressed_bytes", "Bytes of those as they are kept.",
	  EXPORTER_AT(packed_stored), EXPOSITION_GAUGE },
};

void exporter_put_cache(struct exposition *e, const struct site *site)
{
	struct cache_counts counts;

	if (!site->cache)
		return;
	cache_counts_get(site->cache, &counts);
	for (size_t i = 0; i < sizeof(exporter_cache_rows) / sizeof(exporter_cache_rows[0]); i++) {
		const struct exporter_cache_row *row = &exporter_cache_rows[i];
		const struct exposition_family family = { row->name, row->help, row->type };

		exposition_head(e, &family);
		exposition_uint(e, NULL,
				*(const uint64_t *)(const void *)((const char *)&counts + row->at));
	}
}
