/*
 * decode - a record, copied from a lane, becomes a request: every field checked.
 *
 * Threads:  any; pure.
 * Memory:   out->path is ""; raw points into the record.
 * Errors:   -EBADMSG: a field out of its range, a section beyond its record, a time to come.
 */
#ifndef DRAIN_DECODE_H
#define DRAIN_DECODE_H

#include "calibrate.h"
#include "event.h"
#include "lane.h"

struct decode_raw {
	const uint8_t *path; /* as the client sent it, NULL: the record has none */
	uint32_t path_bytes; /* 1 … RS_PATH_BYTES */
};

int decode_request(const struct lane_record *record, const struct calibrate *clock, uint64_t now_ns,
		   struct drain_request *out, struct decode_raw *raw);

#endif
