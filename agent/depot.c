#include "depot.h"

#include "deposit.h"
#include "log.h"
#include "regain.h"

#include <stdio.h>
#include <string.h>

#define DEPOT_PART "redis.aggregates"
#define DEPOT_BEHIND_S 120u /* more is no moment any more */
#define DEPOT_MS_NS 1000000u

static uint64_t depot_read(const _Atomic uint64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static void depot_refuse(struct depot *d, const char *reason, int64_t wall_ms)
{
	log_error("aggregates are not put into a Redis: %s", reason);
	health_put(d->health, DEPOT_PART, HEALTH_DEGRADED, reason, wall_ms);
}

void depot_open(struct depot *d, const struct depot_config *config, int64_t wall_ms)
{
	const struct config *c = config->config;
	struct deposit_config deposit = { .metrics = config->metrics,
					  .redis = config->redis,
					  .host = config->host,
					  .boot = config->boot,
					  .budget =
						  config_bytes(c, CONFIG_REDIS_AGGREGATES_BUDGET) };
	struct regain_config regain = { .redis = config->redis,
					.store = config->store,
					.host = config->host,
					.boot = config->boot };

	*d = (struct depot){ .health = config->health };
	if (!config_switch(c, CONFIG_REDIS_AGGREGATES))
		return;
	if (!config->redis) {
		depot_refuse(d, "there is no Redis", wall_ms);
		return;
	}
	deposit.ttl_ms = config_span_ns(c, CONFIG_REDIS_AGGREGATES_TTL) / DEPOT_MS_NS;
	regain.ttl_ms = deposit.ttl_ms;
	if (deposit_open(&d->deposit, &deposit) || regain_open(&d->regain, &regain)) {
		depot_close(d);
		depot_refuse(d, "no memory", wall_ms);
	}
}

void depot_close(struct depot *d)
{
	deposit_close(d->deposit);
	regain_close(d->regain);
	d->deposit = NULL;
	d->regain = NULL;
}

static void depot_tell(const struct depot *d, int64_t wall_ms)
{
	const struct deposit_counts *c = deposit_counts(d->deposit);
	uint64_t refused = depot_read(&c->refused), over = depot_read(&c->over_budget);
	uint64_t left_out = depot_read(&c->left_out), missed = depot_read(&c->missed);
	uint64_t behind_s = depot_read(&c->behind_s);
	uint64_t not_taken = depot_read(&regain_counts(d->regain)->refused);
	bool is_lossy = refused || over || left_out || missed || not_taken;
	char reason[HEALTH_REASON], fetched[REGAIN_TEXT];

	regain_show(d->regain, fetched);
	snprintf(reason, sizeof(reason),
		 "%llu parcels, %.1f MiB; %llu s to go; refused %llu, over budget %llu, left out "
		 "%llu, missed %llu; %.40s, %llu bad",
		 (unsigned long long)depot_read(&c->parcels),
		 (double)depot_read(&c->bytes) / 1048576, (unsigned long long)behind_s,
		 (unsigned long long)refused, (unsigned long long)over,
		 (unsigned long long)left_out, (unsigned long long)missed, fetched,
		 (unsigned long long)not_taken);
	health_put(d->health, DEPOT_PART,
		   is_lossy || behind_s > DEPOT_BEHIND_S ? HEALTH_DEGRADED : HEALTH_HEALTHY, reason,
		   wall_ms);
}

void depot_second(struct depot *d, uint64_t now_ns, int64_t wall_ms)
{
	if (!d->deposit)
		return;
	deposit_second(d->deposit, now_ns);
	regain_second(d->regain, wall_ms);
	depot_tell(d, wall_ms);
}

/* One row of /metrics: of what is put, or of what is fetched. */
struct depot_row {
	const char *name, *help;
	bool is_fetched;
	size_t at;
	bool level;
};

#define DEPOT_PUT(field) false, offsetof(struct deposit_counts, field)
#define DEPOT_FETCHED(field) true, offsetof(struct regain_counts, field)

static const struct depot_row depot_rows[] = {
	{ "ringside_redis_parcels", "Parcels of aggregates put into the Redis.", DEPOT_PUT(parcels),
	  false },
	{ "ringside_redis_parcel_bytes", "Bytes of these, with their keys.", DEPOT_PUT(bytes),
	  false },
	{ "ringside_redis_parcels_again", "Parcels of which nothing is known: they are put again.",
	  DEPOT_PUT(again), false },
	{ "ringside_redis_parcels_refused", "Parcels that the Redis refused, and that are left.",
	  DEPOT_PUT(refused), false },
	{ "ringside_redis_parcels_over_budget", "Parcels left for redis.aggregates_budget.",
	  DEPOT_PUT(over_budget), false },
	{ "ringside_redis_series_left_out", "Series that found no room in their parcel.",
	  DEPOT_PUT(left_out), false },
	{ "ringside_redis_slots_missed",
	  "Slots that were gone from memory before a Redis was there.", DEPOT_PUT(missed), false },
	{ "ringside_redis_behind_seconds", "Seconds of ten-second slots that are yet to be put.",
	  DEPOT_PUT(behind_s), true },
	{ "ringside_redis_parcels_fetched",
	  "Parcels fetched for what the history lacked at the start.", DEPOT_FETCHED(fetched),
	  false },
	{ "ringside_redis_parcels_not_taken",
	  "Values in the place of a parcel that were none, or found no room.",
	  DEPOT_FETCHED(refused), false },
};

size_t depot_counters(const struct depot *d, struct web_counter *out, size_t room)
{
	const size_t most = d->deposit ? sizeof(depot_rows) / sizeof(depot_rows[0]) : 0;
	size_t count = 0;

	for (; count < most && count < room; count++) {
		const struct depot_row *row = &depot_rows[count];
		const void *counts = row->is_fetched ? (const void *)regain_counts(d->regain)
						     : deposit_counts(d->deposit);

		out[count] = (struct web_counter){
			.name = row->name,
			.help = row->help,
			.number =
				(double)depot_read((const void *)((const char *)counts + row->at)),
			.level = row->level
		};
	}
	return count;
}
