/*
 * document_origins - what the documents of the cache tell of the origins behind it.
 */
#include "document_origins.h"

#include "json.h"
#include "origin_health.h"
#include "warmer.h"

static const struct origin *origins_of(const struct site *site)
{
	return site->through ? through_origin(site->through) : NULL;
}

static uint32_t origins_count(const struct origin *o)
{
	return o ? origin_count(o) : 0;
}

void document_origins_sum(const struct site *site, struct document_origins *out)
{
	const struct origin *o = origins_of(site);
	struct origin_state s;

	*out = (struct document_origins){ .well = true };
	for (uint32_t i = 0; i < origins_count(o); i++) {
		origin_state_get(o, i, &s);
		out->fetches += s.fetches;
		out->errors += origin_errors(&s);
		out->coalesced += s.coalesced;
		out->stale += s.stale;
		out->absent += s.absent;
		out->refused += s.refused + s.crowded;
		out->well = out->well && origin_is_well(&s);
	}
}

static void origins_faults(const struct origin_state *s, struct json *j)
{
	json_array_begin(j, "faults");
	for (int i = ORIGIN_FINE + 1; i < ORIGIN_FAULTS; i++) {
		if (!s->faults[i])
			continue;
		json_object_begin(j, NULL);
		json_string(j, "name", origin_fault_name((enum origin_fault)i));
		json_uint(j, "count", s->faults[i]);
		json_object_end(j);
	}
	json_array_end(j);
}

static void origins_latency(const struct origin_state *s, struct json *j)
{
	bool some = s->answered > 0;

	json_object_begin(j, "latencyMs");
	json_measure(j, "avg", some ? DOCUMENT_MS(s->took_ns) / (double)s->answered : -1);
	json_measure(j, "p99", some ? DOCUMENT_MS(s->took_p99_ns) : -1);
	json_object_end(j);
}

/* How it is. */
static void origins_condition(const struct origin_state *s, struct json *j)
{
	json_string(j, "prefix", s->prefix);
	json_string(j, "status", origin_is_well(s) ? "healthy" : "degraded");
	json_string(j, "circuit", breaker_state_name(s->circuit));
	json_string(j, "fault", s->fault == ORIGIN_FINE ? NULL : origin_fault_name(s->fault));
	json_string(j, "reason", s->fault == ORIGIN_FINE ? NULL : s->text);
}

static void origins_row(const struct origin_state *s, struct json *j)
{
	json_object_begin(j, NULL);
	origins_condition(s, j);
	json_uint(j, "fetches", s->fetches);
	json_uint(j, "errors", origin_errors(s));
	origins_faults(s, j);
	json_uint(j, "coalesced", s->coalesced);
	json_uint(j, "negative", s->negative);
	json_uint(j, "unkept", s->unkept);
	json_uint(j, "absentServed", s->absent);
	json_uint(j, "staleServed", s->stale);
	json_uint(j, "refused", s->refused);
	json_uint(j, "crowded", s->crowded);
	json_uint(j, "underWay", s->under_way);
	json_uint(j, "queued", s->queued);
	origins_latency(s, j);
	json_object_end(j);
}

static void origins_warm(const struct site *site, struct json *j)
{
	struct warmer_counts c = { .ordered = 0 };

	if (site->warmer)
		warmer_counts_get(site->warmer, &c);
	json_object_begin(j, "warm");
	json_uint(j, "ordered", c.ordered);
	json_uint(j, "scheduled", c.scheduled);
	json_uint(j, "loaded", c.loaded);
	json_uint(j, "failed", c.failed);
	json_object_end(j);
}

void document_origins_stats(const struct site *site, const struct document_origins *sum,
			    struct json *j)
{
	const struct origin *o = origins_of(site);
	struct origin_state s;

	json_object_begin(j, "origin");
	json_uint(j, "fetches", sum->fetches);
	json_uint(j, "errors", sum->errors);
	json_uint(j, "coalesced", sum->coalesced);
	json_uint(j, "absentServed", sum->absent);
	json_uint(j, "refused", sum->refused);
	origins_warm(site, j);
	json_array_begin(j, "origins");
	for (uint32_t i = 0; i < origins_count(o); i++) {
		origin_state_get(o, i, &s);
		origins_row(&s, j);
	}
	json_array_end(j);
	json_object_end(j);
}

void document_origins_health(const struct site *site, struct json *j)
{
	const struct origin *o = origins_of(site);
	struct document_origins sum;
	struct origin_state s;

	document_origins_sum(site, &sum);
	json_object_begin(j, "origin");
	json_string(j, "status", !o ? "info" : sum.well ? "healthy" : "degraded");
	json_array_begin(j, "origins");
	for (uint32_t i = 0; i < origins_count(o); i++) {
		origin_state_get(o, i, &s);
		json_object_begin(j, NULL);
		origins_condition(&s, j);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}
