/*
 * parcel_fixture - parcels of a service, as an agent would put them, and their sums put right.
 */
#ifndef PARCEL_FIXTURE_H
#define PARCEL_FIXTURE_H

#include "parcel.h"
#include "store_fixture.h"

static uint8_t parcel_bytes[PARCEL_MOST];

static inline struct parcel_label parcel_label(enum series_step step, uint32_t second)
{
	struct parcel_label label = { .step = step,
				      .second = second,
				      .wall_offset_ms = INT64_C(1700000000000),
				      .host = "web-1",
				      .service = "shop",
				      .environment = "live" };

	memcpy(label.boot, store_boot, sizeof(label.boot));
	return label;
}

/* requests of 10 ms each, in the label's second. */
static inline uint32_t parcel_packed(uint32_t second, uint32_t requests,
				     uint8_t out[SLOT_PACKED_MAX])
{
	static struct slot slot;

	slot_init(&slot, second);
	slot.sums.count = slot.sums.recorded = slot.sums.status[1] = requests;
	slot.sums.span_ns = requests * 10 * MILLISECOND;
	slot.sums.min_ns = slot.sums.max_ns = 10 * MILLISECOND;
	slot_bucket_add(&slot, rs_hist_slot(10 * MILLISECOND), requests);
	return (uint32_t)slot_pack(&slot, out);
}

static inline void parcel_add(struct parcel *p, enum export_kind kind, const char *route,
			      uint32_t requests)
{
	const struct export_key key = { .kind = kind,
					.method = *route ? RS_METHOD_GET : 0,
					.service = p->label.service,
					.environment = p->label.environment,
					.route = route };
	uint8_t packed[SLOT_PACKED_MAX];

	parcel_slot(p, &key, packed, parcel_packed(p->label.second, requests, packed));
}

static inline void parcel_add_gauges(struct parcel *p, enum export_kind kind, double rss)
{
	const struct export_key key = { .kind = kind,
					.service = p->label.service,
					.environment = p->label.environment,
					.route = "" };
	double values[METRICS_GAUGES];

	gauges_init(values);
	values[METRICS_GAUGE_RSS] = rss;
	parcel_gauges(p, &key, values);
}

/* A service, two of its routes, one of them of `requests`, a statement and gauges. */
static inline struct parcel parcel_of(const struct parcel_label *label, uint32_t requests)
{
	struct parcel p = { .bytes = parcel_bytes };

	parcel_begin(&p, label);
	parcel_add(&p, EXPORT_SERVICE, "", requests + 1);
	parcel_add(&p, EXPORT_ROUTE, "/a", requests);
	parcel_add(&p, EXPORT_ROUTE, "/b/{id}", 1);
	parcel_add(&p, EXPORT_STATEMENT, "SELECT * FROM t", 3);
	parcel_add_gauges(&p, EXPORT_SERVICE_GAUGES, 4096.0 * 1024);
	parcel_end(&p);
	return p;
}

static inline void parcel_sum_right(uint8_t *bytes, size_t size)
{
	uint64_t sum = block_sum(size, bytes + 12, size - 12);

	memcpy(bytes + 4, &sum, sizeof(sum));
}

#endif
