/*
 * merge - parcels of many hosts added up: by service, by host and all together.
 *
 * Threads:  a value; its owner's.
 * Memory:   merge_fini frees; parcels are read, and not kept.
 * Errors:   -ENOSPC: MERGE_SERVICES, or MERGE_PAIRS, are known; -ENOMEM.
 *
 * Sums are added, and so are histograms, bucket by bucket: percentiles are of the merged ones.
 * Gauges of one host are as they were last, or their mean; those of several hosts add up, but for
 * shares, of which the worst counts (gauges.h).
 */
#ifndef FLEET_MERGE_H
#define FLEET_MERGE_H

#include "parcel.h"
#include "spread.h"

#define MERGE_SERVICES 1024u
#define MERGE_PAIRS 65536u

/* NULL: any. With a route, it is this route of each service. */
struct merge_scope {
	const char *service, *route;
};

/* One service, or all of them. Percentiles and apdex of merge_row alone. */
struct merge_row {
	char service[PARCEL_SERVICE], environment[PARCEL_ENVIRONMENT];
	uint32_t hosts; /* that told something of it */
	struct metrics_sums sums;
	double percentile_ns[METRICS_RANKS];
	double apdex;
	double gauges[METRICS_GAUGES];
};

struct merge_service {
	struct merge_row row;
	struct slot_pile pile;
	struct slot_window *window;
};

/* One service of one host. */
struct merge_pair {
	uint16_t host, service;
	bool is_told;
	struct gauges_row gauges[METRICS_GAUGES];
};

struct merge {
	struct merge_scope scope; /* its texts are borrowed */
	struct merge_service *services;
	struct merge_pair *pairs;
	uint32_t service_count, service_capacity, pair_count, pair_capacity;
};

void merge_init(struct merge *m, const struct merge_scope *scope);
void merge_fini(struct merge *m);

/* A service of a host, in the order of hosts. label: of which the names are said. */
int merge_pair_add(struct merge *m, uint32_t host, const struct parcel_label *label);

/* A sound parcel of this pair; its sums go to those of the host, too. */
void merge_parcel(struct merge *m, struct merge_pair *pair, const uint8_t *bytes, size_t size,
		  struct metrics_sums *host);

/* Nothing more comes: the gauges of pairs go to their services. */
void merge_end(struct merge *m);
/* Then each is a row, and all of them are one. -ENOMEM. */
void merge_row(const struct merge_service *s, struct merge_row *out);
int merge_total(const struct merge *m, struct merge_row *out);

#endif
