/*
 * parcel - all series of one service in one slot, for a Redis: by itself, from whatever agent.
 *
 * Threads:  a value; its owner's.
 * Memory:   the writer's bytes are PARCEL_MOST of its owner's; what is read points into the bytes.
 * Errors:   a series that finds no room is left out, and counted; of bytes that are no parcel the
 *           reason, a constant.
 * Format:   "RSP1"; block_sum of all behind it; then numbers as LEB128, texts as a byte, so many
 *           bytes and a NUL: step, second, offset of the wall clock to second * 1000 in ms, host,
 *           boot, service, environment; up to the end series: kind, method, route, size and a
 *           packed slot (slot.h), or gauges (levels.h, one slot).
 * A service's processes are in it as what they are together: a pid says nothing to others.
 */
#ifndef STORE_PARCEL_H
#define STORE_PARCEL_H

#include "archive.h"

#define PARCEL_MOST (256u << 10)
#define PARCEL_HOST 65
#define PARCEL_SERVICE 72
#define PARCEL_ENVIRONMENT 40
#define PARCEL_SERIES 4096u

/* Texts have bytes from 0x20 to 0x7e alone; the environment may be "". */
struct parcel_label {
	enum series_step step; /* coarse or wide */
	uint32_t second;       /* of CLOCK_MONOTONIC, in … */
	char boot[ARCHIVE_BOOT_BYTES];
	int64_t wall_offset_ms;
	char host[PARCEL_HOST];
	char service[PARCEL_SERVICE], environment[PARCEL_ENVIRONMENT];
};

struct parcel {
	struct parcel_label label;
	uint8_t *bytes;
	size_t size;
	uint32_t series, left_out;
};

void parcel_begin(struct parcel *p, const struct parcel_label *label);
/* key: of the label's service; one of processes alone is passed over. */
void parcel_slot(struct parcel *p, const struct export_key *key, const uint8_t *packed,
		 uint32_t size);
void parcel_gauges(struct parcel *p, const struct export_key *key,
		   const double values[METRICS_GAUGES]);
bool parcel_has(enum export_kind kind);
void parcel_end(struct parcel *p); /* then bytes and size are it */

/* Why it is none, or NULL: then all of it can be read. series: how many, where it is not NULL. */
const char *parcel_check(const uint8_t *bytes, size_t size, struct parcel_label *label,
			 uint32_t *series);

struct parcel_series {
	struct export_key key; /* its service and environment are the label's */
	const uint8_t *bytes;
	uint32_t size;
};

/* Of one that was checked. label: borrowed by the series. */
struct column_reader parcel_read(const uint8_t *bytes, size_t size, struct parcel_label *label);
bool parcel_next(struct column_reader *at, const struct parcel_label *label,
		 struct parcel_series *out);

#endif
