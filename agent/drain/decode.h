/*
 * decode - a record, copied from a lane, becomes a request: every field checked. So does an entry
 *          of the open table, and a cell.
 *
 * Threads:  any; pure.
 * Memory:   path, known and shape of out are left to the caller; raw points into the record.
 * Errors:   -EBADMSG: a field out of its range, a section beyond its record, a time to come.
 */
#ifndef DRAIN_DECODE_H
#define DRAIN_DECODE_H

#include "calibrate.h"
#include "event.h"
#include "lane.h"
#include "segment.h"

#include <errno.h>

#define DECODE_STATUS_MAX 999u
#define DECODE_AHEAD_NS UINT64_C(1000000000) /* now is the beginning of a round, and a rate errs */

struct decode_raw {
	const uint8_t *path; /* as the client sent it, NULL: the record has none */
	uint32_t path_bytes; /* 1 … RS_PATH_BYTES */
	uint32_t stream;     /* of its connection; 0: it was none */
	uint32_t block;      /* rs_block_of; 0: none */
	uint16_t shape;
};

/* The sections behind the head. */
int decode_sections(const struct lane_record *record, struct drain_request *out,
		    struct decode_raw *raw);

/* What the shim says of itself, in the ranges that it may. */
void decode_ledger(const struct segment_state *from, bool overflow, struct drain_ledger *out);

/* path is left to the caller. */
int decode_open(const struct segment_open_request *from, const struct calibrate *clock,
		uint64_t now_ns, struct drain_open *out);

/* As above; what a cell holds may be anything, and out is good until it changes. */
void decode_fold(const struct segment_cell *from, const struct calibrate *clock,
		 struct drain_fold *out);

static inline int decode_times(const struct rs_head *head, const struct calibrate *clock,
			       uint64_t now_ns, struct drain_request *out)
{
	uint64_t first = head->served.first_byte;

	if (!head->t0 || head->span > UINT64_MAX - head->t0)
		return -EBADMSG;
	out->end_ns = calibrate_ns(clock, head->t0 + head->span);
	out->span_ns = calibrate_span_ns(clock, head->span);
	if (out->end_ns > now_ns + DECODE_AHEAD_NS || out->span_ns > out->end_ns)
		return -EBADMSG;
	/* The number of 256 ticks begun: 1 is "in the first", 0 is "never". */
	out->first_byte_ns = first ? calibrate_span_ns(clock, (first - 1) << 8) + 1 : 0;
	return 0;
}

/* In line, since each request passes. */
static inline int decode_request(const struct lane_record *record, const struct calibrate *clock,
				 uint64_t now_ns, struct drain_request *out, struct decode_raw *raw)
{
	const struct rs_head *head = &record->head;
	bool blocks = head->served.protocol == RS_PROTOCOL_HTTP2;

	if (head->served.status > DECODE_STATUS_MAX || head->served.protocol > RS_PROTOCOL_TLS ||
	    (!blocks && head->served.method >= RS_METHODS))
		return -EBADMSG;
	if (decode_times(head, clock, now_ns, out))
		return -EBADMSG;
	out->id = head->request;
	out->bytes_in = head->served.bytes_in;
	out->bytes_out = head->served.bytes_out;
	out->memory_delta = 0;
	out->has_memory = false;
	out->connection = head->connection;
	out->thread = head->served.thread;
	out->status = head->served.status;
	out->method = blocks ? RS_METHOD_OTHER : head->served.method;
	out->protocol = head->served.protocol;
	out->flags = head->flags;
	raw->path = NULL;
	raw->stream = 0;
	raw->block = blocks ? rs_block_of(head) : 0;
	raw->shape = blocks ? 0 : head->shape;
	return record->detail_bytes ? decode_sections(record, out, raw) : 0;
}

#endif
