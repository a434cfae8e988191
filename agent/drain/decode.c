#include "decode.h"

#include <errno.h>
#include <string.h>

#define DECODE_STATUS_MAX 999u
#define DECODE_AHEAD_NS UINT64_C(1000000000) /* now is the beginning of a round, and a rate errs */
#define DECODE_SECTION_HEAD 4u
#define DECODE_FLAGS                                                                               \
	(RS_FLAG_ABORTED | RS_FLAG_CUT_BY_SERVER | RS_FLAG_CUT_BY_CLIENT | RS_FLAG_SHARED |        \
	 RS_FLAG_PIPELINED | RS_FLAG_UPGRADED | RS_FLAG_DETAIL_CUT)

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
	}
	return 0;
}

static int decode_sections(const struct lane_record *record, struct drain_request *out,
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

static int decode_times(const struct rs_head *head, const struct calibrate *clock, uint64_t now_ns,
			struct drain_request *out)
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

int decode_request(const struct lane_record *record, const struct calibrate *clock, uint64_t now_ns,
		   struct drain_request *out, struct decode_raw *raw)
{
	const struct rs_head *head = &record->head;

	if (head->served.status > DECODE_STATUS_MAX || head->served.method >= RS_METHODS ||
	    head->served.protocol > RS_PROTOCOL_TLS || head->flags & ~DECODE_FLAGS)
		return -EBADMSG;
	if (decode_times(head, clock, now_ns, out))
		return -EBADMSG;
	out->id = head->request;
	out->bytes_in = head->served.bytes_in;
	out->bytes_out = head->served.bytes_out;
	out->memory_delta = 0;
	out->has_memory = false;
	out->path = "";
	out->shape = false;
	out->known = 0;
	out->connection = head->connection;
	out->thread = head->served.thread;
	out->status = head->served.status;
	out->method = head->served.method;
	out->protocol = head->served.protocol;
	out->flags = head->flags;
	raw->path = NULL;
	return record->detail_bytes ? decode_sections(record, out, raw) : 0;
}
