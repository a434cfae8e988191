/*
 * exporter_cache - what /metrics tells of the cache.
 */
#include "exporter.h"

#include "behind.h"

struct exporter_cache_row {
	const char *name, *help;
	size_t at; /* a uint64_t of the struct that the table is of */
	enum exposition_type type;
};

#define EXPORTER_AT(field) offsetof(struct cache_counts, field)
#define EXPORTER_BEHIND(field) offsetof(struct behind_counts, field)
#define EXPORTER_BRIDGE(field) offsetof(struct bridge_state, field)

static const struct exporter_cache_row exporter_cache_rows[] = {
	{ "ringside_cache_hits", "Look-ups that memory answered.", EXPORTER_AT(hits),
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

static const struct exporter_cache_row exporter_behind_rows[] = {
	{ "ringside_cache_redis_hits", "Look-ups that Redis answered.", EXPORTER_BEHIND(hits),
	  EXPOSITION_COUNTER },
	{ "ringside_cache_redis_misses", "Look-ups that Redis was asked for in vain.",
	  EXPORTER_BEHIND(misses), EXPOSITION_COUNTER },
	{ "ringside_cache_redis_unasked", "Misses of memory that Redis was not asked for.",
	  EXPORTER_BEHIND(unasked), EXPOSITION_COUNTER },
	{ "ringside_cache_redis_late", "Misses for want of an answer of Redis in time.",
	  EXPORTER_BEHIND(late), EXPOSITION_COUNTER },
	{ "ringside_cache_redis_coalesced", "Look-ups that waited for the answer to another.",
	  EXPORTER_BEHIND(coalesced), EXPOSITION_COUNTER },
	{ "ringside_cache_redis_unsent_writes", "Values that never went on their way to Redis.",
	  EXPORTER_BEHIND(lost_sets), EXPOSITION_COUNTER },
	{ "ringside_cache_redis_unsent_removals", "Removals that never went on their way.",
	  EXPORTER_BEHIND(lost_drops), EXPOSITION_COUNTER },
};

static const struct exporter_cache_row exporter_bridge_rows[] = {
	{ "ringside_cache_redis_pending_writes", "Writes that Redis does not have yet.",
	  EXPORTER_BRIDGE(progress.pending), EXPOSITION_GAUGE },
	{ "ringside_cache_redis_pending_bytes", "Memory of those.", EXPORTER_BRIDGE(progress.bytes),
	  EXPOSITION_GAUGE },
	{ "ringside_cache_redis_written", "Values that Redis took.", EXPORTER_BRIDGE(written),
	  EXPOSITION_COUNTER },
	{ "ringside_cache_redis_removed", "Keys taken out of Redis.", EXPORTER_BRIDGE(removed),
	  EXPOSITION_COUNTER },
	{ "ringside_cache_redis_lost_writes", "Values lost beyond the write buffer, or refused.",
	  EXPORTER_BRIDGE(lost_sets), EXPOSITION_COUNTER },
	{ "ringside_cache_redis_lost_removals",
	  "Removals lost beyond the write buffer, or refused.", EXPORTER_BRIDGE(lost_drops),
	  EXPOSITION_COUNTER },
	{ "ringside_cache_redis_corrupted", "Values and messages in Redis that are none of ours.",
	  EXPORTER_BRIDGE(corrupted), EXPOSITION_COUNTER },
	{ "ringside_cache_redis_foreign", "Values that were another key's.",
	  EXPORTER_BRIDGE(foreign), EXPOSITION_COUNTER },
	{ "ringside_cache_redis_invalidations_sent", "Changes told to other agents.",
	  EXPORTER_BRIDGE(published), EXPOSITION_COUNTER },
	{ "ringside_cache_redis_invalidations_heard", "Changes that other agents told.",
	  EXPORTER_BRIDGE(heard), EXPOSITION_COUNTER },
	{ "ringside_cache_redis_gaps", "Times that some may have been missed.",
	  EXPORTER_BRIDGE(gaps), EXPOSITION_COUNTER },
};

static void exporter_put_rows(struct exposition *e, const struct exporter_cache_row *rows,
			      size_t count, const void *of)
{
	for (size_t i = 0; i < count; i++) {
		const struct exposition_family family = { rows[i].name, rows[i].help,
							  rows[i].type };

		exposition_head(e, &family);
		exposition_uint(e, NULL,
				*(const uint64_t *)(const void *)((const char *)of + rows[i].at));
	}
}

#define EXPORTER_ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])

void exporter_put_cache(struct exposition *e, const struct site *site)
{
	struct cache_counts counts;
	struct behind_counts behind;
	struct bridge_state state;

	if (!site->cache)
		return;
	cache_counts_get(site->cache, &counts);
	exporter_put_rows(e, EXPORTER_ROWS(exporter_cache_rows), &counts);
	if (!site->behind)
		return;
	behind_counts_get(site->behind, &behind);
	behind_state_get(site->behind, &state);
	exporter_put_rows(e, EXPORTER_ROWS(exporter_behind_rows), &behind);
	exporter_put_rows(e, EXPORTER_ROWS(exporter_bridge_rows), &state);
}
