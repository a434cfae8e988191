/*
 * fleet_driver - what so many agents would have put into a Redis, as questions of its protocol, for
 *                redis-cli --pipe: their names, their cards, their services and their parcels.
 *
 * usage: fleet_driver FIRST HOSTS SERVICES ROUTES SLOTS NOW_MS PREFIX
 *
 * Hosts are numbered from FIRST on. Each has so many slots of ten seconds, the last of which ended
 * before NOW_MS; of each of its services 100 requests in each, of times that differ.
 */
#include "card.h"
#include "redis_wire.h"
#include "slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER_REQUESTS 100u
#define DRIVER_TTL "7200000"
#define DRIVER_BASE_MS INT64_C(1000000000000) /* of the wall clock to CLOCK_MONOTONIC */

struct driver {
	uint32_t services, routes, slots;
	int64_t now_ms;
	const char *prefix;
	uint64_t bytes; /* of the newest slot of the first host, its card too */
	struct card card;
};

static uint64_t driver_say(const struct driver *d, struct redis_text *words, size_t count)
{
	char key[PARCEL_KEY + 64];
	size_t length, n = (size_t)snprintf(key, sizeof(key), "%s%.*s", d->prefix,
					    (int)words[1].length, (const char *)words[1].bytes);
	char *question;

	words[1] = (struct redis_text){ key, n };
	question = redis_wire_question(words, count, &length);
	if (!question || fwrite(question, 1, length, stdout) != length)
		exit(1);
	free(question);
	return length;
}

static uint64_t driver_set(const struct driver *d, const char *key, const void *bytes, size_t size)
{
	struct redis_text words[] = { REDIS_TEXT("SET"),
				      { key, strlen(key) },
				      { bytes, size },
				      REDIS_TEXT("PX"),
				      REDIS_TEXT(DRIVER_TTL) };

	return driver_say(d, words, 5);
}

/* Requests spread over three powers of ten, differently in each host and slot. */
static void driver_slot(struct slot *slot, uint32_t requests, uint64_t seed)
{
	slot_init(slot, 0);
	for (uint32_t i = 0; i < requests; i++) {
		uint64_t ns = 100000;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		ns += (seed >> 33) % 1000 * ((seed >> 50) % 10 ? 1000 : 100000);
		slot->sums.count++;
		slot->sums.recorded++;
		slot->sums.status[1]++;
		slot->sums.bytes_in += 200;
		slot->sums.bytes_out += 4000;
		slot->sums.span_ns += ns;
		slot->sums.min_ns = ns < slot->sums.min_ns ? ns : slot->sums.min_ns;
		slot->sums.max_ns = ns > slot->sums.max_ns ? ns : slot->sums.max_ns;
		slot_bucket_add(slot, rs_hist_slot(ns), 1);
	}
}

static void driver_series(struct parcel *p, enum export_kind kind, const char *route,
			  uint32_t requests, uint64_t seed)
{
	const struct export_key key = { .kind = kind, .method = RS_METHOD_GET, .route = route };
	uint8_t packed[SLOT_PACKED_MAX];
	static struct slot slot;

	driver_slot(&slot, requests, seed);
	parcel_slot(p, &key, packed, (uint32_t)slot_pack(&slot, packed));
}

static uint64_t driver_parcel(const struct driver *d, uint32_t service, int64_t number)
{
	static uint8_t bytes[PARCEL_MOST];
	const struct export_key gauges = { .kind = EXPORT_SERVICE_GAUGES, .route = "" };
	struct parcel p = { .bytes = bytes };
	struct parcel_label label = { .step = SERIES_COARSE, .boot = "b" };
	double values[METRICS_GAUGES] = { 1, 20, 5e7, 3e7, 10, 1e6, 0, 4e5 };
	uint64_t seed = block_sum((uint64_t)number, d->card.host, strlen(d->card.host)) + service;
	char key[PARCEL_KEY], route[64];

	label.second =
		(uint32_t)((parcel_number_ms(SERIES_COARSE, number) - DRIVER_BASE_MS) / 1000);
	label.wall_offset_ms = DRIVER_BASE_MS;
	snprintf(label.host, sizeof(label.host), "%s", d->card.host);
	snprintf(label.service, sizeof(label.service), "service-%u", service);
	parcel_begin(&p, &label);
	driver_series(&p, EXPORT_SERVICE, "", DRIVER_REQUESTS, seed);
	parcel_gauges(&p, &gauges, values);
	for (uint32_t i = 0; i < d->routes; i++) {
		snprintf(route, sizeof(route), "/api/v1/things-%u/{id}", i);
		driver_series(&p, EXPORT_ROUTE, route, DRIVER_REQUESTS / d->routes, seed + i);
	}
	parcel_end(&p);
	parcel_key_put(&label, number, key);
	return driver_set(d, key, p.bytes, p.size);
}

static uint64_t driver_names(const struct driver *d)
{
	char index[PARCEL_KEY], member[PARCEL_MEMBER], score[24], service[32];
	struct redis_text rank[] = { REDIS_TEXT("ZADD"),
				     REDIS_TEXT(CARD_INDEX),
				     { score, 0 },
				     { d->card.host, strlen(d->card.host) } };

	parcel_index_put(d->card.host, index);
	for (uint32_t i = 0; i < d->services; i++) {
		struct redis_text add[] = { REDIS_TEXT("SADD"),
					    { index, strlen(index) },
					    { member, 0 } };

		snprintf(service, sizeof(service), "service-%u", i);
		add[2].length = parcel_member_put(service, "", member);
		driver_say(d, add, 3); /* each quarter of an hour: it does not count */
	}
	rank[2].length = (size_t)snprintf(score, sizeof(score), "%lld", (long long)d->now_ms);
	return driver_say(d, rank, 4);
}

static uint64_t driver_card(const struct driver *d)
{
	char key[PARCEL_KEY];
	uint64_t length;
	struct json j;

	json_init(&j);
	card_put(&d->card, &j);
	if (json_finish(&j))
		exit(1);
	card_key_put(d->card.host, key);
	length = driver_set(d, key, j.bytes, j.length);
	json_fini(&j);
	return length;
}

static void driver_host(struct driver *d, uint32_t host)
{
	int64_t until = parcel_number_at(SERIES_COARSE, d->now_ms) - 1;
	uint64_t newest = 0;

	d->card = (struct card){ .schema = CARD_SCHEMA,
				 .version = "0.1.0",
				 .at_ms = d->now_ms,
				 .started_ms = d->now_ms - 86400000,
				 .base_ms = DRIVER_BASE_MS,
				 .gone_after_ms = 300000,
				 .services = d->services,
				 .slots = { { until - d->slots, until, until, until } } };
	snprintf(d->card.host, sizeof(d->card.host), "sim-%04u", host);
	snprintf(d->card.agent, sizeof(d->card.agent), "%016x", host + 1);
	for (uint32_t i = 0; i < d->slots; i++) {
		newest = 0;
		for (uint32_t service = 0; service < d->services; service++)
			newest += driver_parcel(d, service, until - d->slots + i);
	}
	newest += driver_names(d) + driver_card(d);
	d->bytes = newest;
}

int main(int argc, char **argv)
{
	struct driver d = { .prefix = argc == 8 ? argv[7] : "" };
	uint32_t first, hosts;

	if (argc != 8) {
		fprintf(stderr, "usage: fleet_driver FIRST HOSTS SERVICES ROUTES SLOTS NOW_MS "
				"PREFIX\n");
		return 2;
	}
	first = (uint32_t)strtoul(argv[1], NULL, 10);
	hosts = (uint32_t)strtoul(argv[2], NULL, 10);
	d.services = (uint32_t)strtoul(argv[3], NULL, 10);
	d.routes = (uint32_t)strtoul(argv[4], NULL, 10);
	d.slots = (uint32_t)strtoul(argv[5], NULL, 10);
	d.now_ms = strtoll(argv[6], NULL, 10);
	for (uint32_t i = 0; i < hosts; i++)
		driver_host(&d, first + i);
	fprintf(stderr, "%.1f\n", (double)d.bytes / 10); /* bytes a second of one agent */
	return 0;
}
