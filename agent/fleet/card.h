/*
 * card - what an agent says of itself to those that share its Redis, under a key of its host.
 *
 * Threads:  a value; its owner's.
 * Memory:   card_fini frees the alerts.
 * Errors:   of bytes that are no card of ours the reason, a constant.
 * Format:   a JSON object; members of another schema mean something else, so that nothing but
 *           `schema` is read of it. Parcels (parcel.h) carry all that is measured.
 * Keys:     fleet:{host} is a card, in the same slot of a cluster as the host's parcels;
 *           fleet:hosts is a sorted set of all hosts by the time at which each was last heard of.
 *
 * Times are of the Redis's clock, which all share: wall clock of the host less offset_ms.
 */
#ifndef FLEET_CARD_H
#define FLEET_CARD_H

#include "json.h"
#include "parcel_key.h"

#define CARD_SCHEMA 1u
#define CARD_MOST (64u << 10) /* bytes */
#define CARD_ALERTS 32u       /* of one host */
#define CARD_AGENT 17
#define CARD_VERSION 24
#define CARD_INDEX "fleet:hosts"
#define CARD_STEPS 2u /* coarse, wide */

/* Which slots of a step are in the Redis, by the numbers of parcel_key.h. */
struct card_slots {
	int64_t from, until;             /* [from, until) */
	int64_t lacks_from, lacks_until; /* but for these, which are yet to be put */
};

struct card_alert {
	char id[24], rule[64], state[16], severity[12], unit[16], since[32], summary[400];
	char service[PARCEL_SERVICE], environment[PARCEL_ENVIRONMENT], route[160], method[16];
	double value, threshold;
	uint32_t level, notices;
};

struct card {
	uint32_t schema; /* 0: there is none */
	char host[PARCEL_HOST];
	char agent[CARD_AGENT]; /* one number for each start of it */
	char version[CARD_VERSION];
	int64_t at_ms, started_ms;
	int64_t offset_ms;      /* of the host's wall clock to that of the Redis */
	int64_t base_ms;        /* of the wall clock: what numbers of slots are reckoned with */
	uint64_t gone_after_ms; /* not heard of for so long: it is gone */
	uint64_t services;
	uint64_t lost; /* parcels, and series of parcels, that it gave up since it began */
	struct card_slots slots[CARD_STEPS];
	uint32_t alert_count, alerts_left; /* left: that found no room in it */
	struct card_alert *alerts;
};

size_t card_key_put(const char *host, char out[PARCEL_KEY]);

/* A whole card; json_finish tells what went wrong. */
void card_put(const struct card *c, struct json *j);

/* Why it is none that can be read, or NULL. schema is set as far as it is known. */
const char *card_read(const char *bytes, size_t length, struct card *out);
void card_alerts_drop(struct card *c); /* how many there are stays known, as left */
void card_fini(struct card *c);

/* An alert's members, into an object that is open. */
void card_alert_members(const struct card_alert *a, struct json *j);

#endif
