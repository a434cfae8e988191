#include "others.h"

#include <string.h>

#define OTHERS_SECTION_HEAD 4u

static const char others_sni[] = "sni=";

#define OTHERS_SNI (sizeof(others_sni) - 1)

/* One section: the host that a client of TLS asked for. false: it is something else. */
static bool others_name(struct watched_shared *shared, const struct capture_target *about,
			const struct lane_record *record)
{
	const uint8_t *detail = record->detail;
	uint32_t length = detail[2] | (uint32_t)detail[3] << 8;

	if (record->head.kind != RS_KIND_NOTE ||
	    record->detail_bytes < OTHERS_SECTION_HEAD + OTHERS_SNI ||
	    detail[0] != RS_SECTION_LABEL || length < OTHERS_SNI ||
	    length > record->detail_bytes - OTHERS_SECTION_HEAD ||
	    memcmp(detail + OTHERS_SECTION_HEAD, others_sni, OTHERS_SNI) != 0)
		return false;
	shared->told++;
	shared->sink.named(shared->sink.ctx, about, detail + OTHERS_SECTION_HEAD + OTHERS_SNI,
			   length - (uint32_t)OTHERS_SNI);
	return true;
}

void others_take(struct watched_shared *shared, const struct capture_target *about,
		 struct streams **streams, const struct lane_record *record)
{
	shared->unknown += !streams_record(streams, &shared->streams, record) &&
			   !others_name(shared, about, record);
}
