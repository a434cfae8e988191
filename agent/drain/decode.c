#include "decode.h"

#include <string.h>

#define DECODE_SECTION_HEAD 4u

static int decode_section(uint8_t type, const uint8_t *bytes, uint32_t length,
			  struct drain_request *out, struct decode_raw *raw)
{
	if (type == RS_SECTION_PATH) {
		if (!length || length > RS_PATH_BYTES)
			return -EBADMSG;
		raw->path = bytes;
		raw->path_bytes = length;
	} else if (type == RS_SECTION_MEMORY) {
		if (length != sizeof(out->memory_delta))
			return -EBADMSG;
		memcpy(&out->memory_delta, bytes, sizeof(out->memory_delta));
		out->has_memory = true;
	} else if (type == RS_SECTION_STREAM) {
		if (length != sizeof(raw->stream))
			return -EBADMSG;
		memcpy(&raw->stream, bytes, sizeof(raw->stream));
	}
	return 0;
}

int decode_sections(const struct lane_record *record, struct drain_request *out,
		    struct decode_raw *raw)
{
	uint32_t at = 0;

	while (at + DECODE_SECTION_HEAD <= record->detail_bytes) {
		const uint8_t *head = record->detail + at;
		uint32_t length = head[2] | (uint32_t)head[3] << 8;
		int result;

		if (head[0] == RS_SECTION_END)
			return 0;
		at += DECODE_SECTION_HEAD;
		if (length > record->detail_bytes - at)
			return -EBADMSG;
		result = decode_section(head[0], record->detail + at, length, out, raw);
		if (result)
			return result;
		at += (length + 3) & ~3u;
	}
	return 0;
}

int decode_open(const struct segment_open_request *from, const struct calibrate *clock,
		uint64_t now_ns, struct drain_open *out)
{
	uint64_t t0_ns = calibrate_ns(clock, from->t0);

	if (from->method >= RS_METHODS || from->state > RS_OPEN_ANSWERING || !from->t0 ||
	    t0_ns > now_ns)
		return -EBADMSG;
	*out = (struct drain_open){
		.t0_ns = t0_ns,
		.bytes_out = from->bytes_out,
		.connection = from->connection,
		.queued = from->queued,
		.thread = from->thread,
		.method = from->method,
		.state = from->state,
	};
	return 0;
}

/* One method for all that were ever folded here, or none can be said. */
static uint8_t decode_only_method(uint32_t methods)
{
	uint32_t first = (uint32_t)__builtin_ctz(methods | 1u << RS_METHODS);

	return methods == 1u << first && first < RS_METHODS ? (uint8_t)first : RS_METHOD_OTHER;
}

void decode_fold(const struct segment_cell *from, const struct calibrate *clock,
		 struct drain_fold *out)
{
	*out = (struct drain_fold){
		.count = from->count,
		.aborted = from->aborted,
		.cut_by_server = from->cut_by_server,
		.cut_by_client = from->cut_by_client,
		.bytes_in = from->bytes_in,
		.bytes_out = from->bytes_out,
		.span_ns = calibrate_span_ns(clock, from->span),
		/* None: the one that made it was taken ahead of the number it belongs to. */
		.min_ns = from->span_min ? calibrate_span_ns(clock, from->span_min) : UINT64_MAX,
		.max_ns = calibrate_span_ns(clock, from->span_max),
		.slow_warning = from->slow_warning,
		.slow_critical = from->slow_critical,
		.buckets = from->buckets,
		.method = decode_only_method(from->methods),
	};
	memcpy(out->status, from->status, sizeof(out->status));
}

void decode_ledger(const struct segment_state *from, bool overflow, struct drain_ledger *out)
{
	out->overflow_lane = overflow;
	out->state = (uint8_t)(from->state <= RS_STATE_COUNT ? from->state : RS_STATE_OFF);
	out->why = (uint8_t)(from->why <= RS_WHY_DOUBT ? from->why : RS_WHY_NONE);
	out->clock = (uint8_t)(from->clock <= RS_CLOCK_MONOTONIC ? from->clock : RS_CLOCK_NONE);
	out->unseen = (uint8_t)(from->unseen & (RS_UNSEEN_IO_URING | RS_UNSEEN_STDIO |
						RS_UNSEEN_CHILDREN | RS_UNSEEN_SYSTEM_CALLS));
}
