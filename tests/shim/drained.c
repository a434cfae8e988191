#include "drained.h"

#include "streams.h"

#include <string.h>

static struct lane lane;
static struct lane_record record;
static struct streams *streams;
static struct streams_budget budget;

void drained_open(struct rs_head *slots, uint32_t count)
{
	lane = (struct lane){ .slots = slots, .count = count };
}

void drained_close(void)
{
	streams_close(streams, &budget);
	streams = NULL;
}

uint64_t drained_tail(void)
{
	return lane.tail;
}

static int drained_request(char path[RS_PATH_BYTES + 1])
{
	struct drain_request request = { .connection = record.head.connection };
	struct decode_raw raw = { .block = rs_block_of(&record.head) };

	if (record.detail_bytes && record.detail[0] == RS_SECTION_STREAM)
		memcpy(&raw.stream, record.detail + 4, sizeof(raw.stream));
	streams_fill(streams, &request, &raw);
	if (raw.path)
		memcpy(path, raw.path, raw.path_bytes);
	path[raw.path ? raw.path_bytes : 0] = '\0';
	return record.head.served.status;
}

int drained_next(char path[RS_PATH_BYTES + 1])
{
	while (lane_take(&lane, &record) == LANE_RECORD) {
		if (record.head.kind == RS_KIND_REQUEST)
			return drained_request(path);
		streams_record(&streams, &budget, &record);
	}
	return -1;
}
