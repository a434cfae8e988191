/*
 * exporter_origin - what /metrics tells of the origins of the cache, each by its prefix.
 */
#include "exporter.h"

#include "warmer.h"

struct exporter_origin_row {
	const char *name, *help;
	size_t at; /* a uint64_t of struct origin_state */
};

#define ORIGIN_AT(field) offsetof(struct origin_state, field)

static const struct exporter_origin_row exporter_origin_rows[] = {
	{ "ringside_cache_origin_fetches", "Requests that were sent to the origin.",
	  ORIGIN_AT(fetches) },
	{ "ringside_cache_origin_answers", "Of those, the ones that it answered.",
	  ORIGIN_AT(answered) },
	{ "ringside_cache_origin_negative", "Answers that there is no such thing.",
	  ORIGIN_AT(negative) },
	{ "ringside_cache_origin_unkept", "Answers that may not be kept.", ORIGIN_AT(unkept) },
	{ "ringside_cache_origin_coalesced", "Look-ups that waited for the fetch of another.",
	  ORIGIN_AT(coalesced) },
	{ "ringside_cache_origin_refused",
	  "Fetches not begun: its circuit is open, or a secret "
	  "is missing.",
	  ORIGIN_AT(refused) },
	{ "ringside_cache_origin_crowded", "Fetches not begun: too many wait.",
	  ORIGIN_AT(crowded) },
	{ "ringside_cache_origin_stale", "Look-ups that were answered past the value's time.",
	  ORIGIN_AT(stale) },
	{ "ringside_cache_origin_absent", "Look-ups of what is known not to be there.",
	  ORIGIN_AT(absent) },
};

static uint64_t origin_number(const struct origin_state *s, size_t at)
{
	return *(const uint64_t *)(const void *)((const char *)s + at);
}

static void origin_labels(struct exposition_labels *l, const struct origin_state *s)
{
	exposition_labels_init(l);
	exposition_label(l, "prefix", s->prefix);
}

static void exporter_origin_faults(struct exposition *e, const struct origin_state *s,
				   uint32_t count)
{
	static const struct exposition_family family = { "ringside_cache_origin_faults",
							 "Fetches that ended in no answer, by why.",
							 EXPOSITION_COUNTER };
	struct exposition_labels l;

	exposition_head(e, &family);
	for (uint32_t i = 0; i < count; i++) {
		for (int fault = ORIGIN_FINE + 1; fault < ORIGIN_FAULTS; fault++) {
			origin_labels(&l, &s[i]);
			exposition_label(&l, "fault", origin_fault_name((enum origin_fault)fault));
			exposition_uint(e, &l, s[i].faults[fault]);
		}
	}
}

static void exporter_origin_now(struct exposition *e, const struct origin_state *s, uint32_t count)
{
	static const struct exposition_family open = {
		"ringside_cache_origin_circuit_open",
		"1: it does not answer, and is not asked but for a probe.", EXPOSITION_GAUGE
	};
	static const struct exposition_family busy = { "ringside_cache_origin_fetching",
						       "Fetches under way, and those that wait.",
						       EXPOSITION_GAUGE };
	static const struct exposition_family took = { "ringside_cache_origin_seconds",
						       "Time that its answers took, all together.",
						       EXPOSITION_COUNTER };
	struct exposition_labels l;

	exposition_head(e, &open);
	for (uint32_t i = 0; i < count; i++) {
		origin_labels(&l, &s[i]);
		exposition_uint(e, &l, s[i].circuit != BREAKER_CLOSED);
	}
	exposition_head(e, &busy);
	for (uint32_t i = 0; i < count; i++) {
		origin_labels(&l, &s[i]);
		exposition_uint(e, &l, s[i].under_way + s[i].queued);
	}
	exposition_head(e, &took);
	for (uint32_t i = 0; i < count; i++) {
		origin_labels(&l, &s[i]);
		exposition_value(e, &l, (double)s[i].took_ns / 1e9);
	}
}

/* Of all origins together. */
static void exporter_origin_warm(struct exposition *e, const struct site *site)
{
	static const struct exposition_family loaded = { "ringside_cache_warm_loaded",
							 "Keys loaded before they were asked for.",
							 EXPOSITION_COUNTER };
	static const struct exposition_family failed = { "ringside_cache_warm_failed",
							 "Keys that could not be.",
							 EXPOSITION_COUNTER };
	struct warmer_counts c;

	if (!site->warmer)
		return;
	warmer_counts_get(site->warmer, &c);
	exposition_head(e, &loaded);
	exposition_uint(e, NULL, c.loaded);
	exposition_head(e, &failed);
	exposition_uint(e, NULL, c.failed);
}

void exporter_put_origins(struct exposition *e, const struct site *site)
{
	const struct origin *o = site->through ? through_origin(site->through) : NULL;
	struct origin_state s[ORIGIN_MAX];
	struct exposition_labels l;
	uint32_t count = o ? origin_count(o) : 0;

	if (!count)
		return;
	for (uint32_t i = 0; i < count; i++)
		origin_state_get(o, i, &s[i]);
	for (size_t k = 0; k < sizeof(exporter_origin_rows) / sizeof(exporter_origin_rows[0]);
	     k++) {
		const struct exporter_origin_row *row = &exporter_origin_rows[k];
		const struct exposition_family family = { row->name, row->help,
							  EXPOSITION_COUNTER };

		exposition_head(e, &family);
		for (uint32_t i = 0; i < count; i++) {
			origin_labels(&l, &s[i]);
			exposition_uint(e, &l, origin_number(&s[i], row->at));
		}
	}
	exporter_origin_faults(e, s, count);
	exporter_origin_now(e, s, count);
	exporter_origin_warm(e, site);
}
