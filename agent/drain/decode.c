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
