#include "counters.h"

#include <string.h>

struct counters_field {
	uint16_t word; /* of a block */
	uint16_t at;   /* byte of struct drain_counters */
	uint16_t count;
	bool ticks;   /* a time, not a number */
	bool request; /* belongs to ended requests, so that records and folds tell it too */
};

#define COUNTERS_AT(field) offsetof(struct drain_counters, field)
#define COUNTERS_PLAIN(field, count)                                                               \
	{                                                                                          \
		SEGMENT_WORD(field), COUNTERS_AT(field), count, false, false                       \
	}
#define COUNTERS_REQUEST(field, count)                                                             \
	{                                                                                          \
		SEGMENT_WORD(field), COUNTERS_AT(field), count, false, true                        \
	}

static const struct counters_field counters_fields[] = {
	COUNTERS_PLAIN(begun, 1),
	COUNTERS_REQUEST(requests, 1),
	COUNTERS_REQUEST(status, RS_STATUS_CLASSES),
	COUNTERS_REQUEST(aborted, 1),
	COUNTERS_REQUEST(cut_by_server, 1),
	COUNTERS_REQUEST(cut_by_client, 1),
	COUNTERS_REQUEST(bytes_in, 1),
	COUNTERS_REQUEST(bytes_out, 1),
	{ SEGMENT_WORD(span), COUNTERS_AT(span_ns), 1, true, true },
	COUNTERS_REQUEST(slow_warning, 1),
	COUNTERS_REQUEST(slow_critical, 1),
	COUNTERS_PLAIN(opened, 1),
	COUNTERS_PLAIN(closed, 1),
	COUNTERS_PLAIN(allocations, 1),
	COUNTERS_PLAIN(frees, 1),
	COUNTERS_PLAIN(allocated_bytes, 1),
	COUNTERS_PLAIN(freed_bytes, 1),
	{ SEGMENT_WORD(cost_ticks), COUNTERS_AT(cost_ns), 1, true, false },
	COUNTERS_PLAIN(cost_samples, 1),
	COUNTERS_PLAIN(refused, 1),
	COUNTERS_PLAIN(handshakes, RS_TLS_VERSIONS),
	COUNTERS_PLAIN(handshakes_failed, 1),
	{ SEGMENT_WORD(handshake), COUNTERS_AT(handshake_ns), 1, true, false },
	COUNTERS_PLAIN(counted, RS_KINDS),
	COUNTERS_PLAIN(pushed, RS_KINDS),
	COUNTERS_PLAIN(folded, RS_KINDS),
	COUNTERS_PLAIN(dropped, RS_KINDS),
	COUNTERS_PLAIN(unparsed, RS_UNPARSED_REASONS),
	COUNTERS_PLAIN(lost, RS_LOST_REASONS),
};

#define COUNTERS_FIELDS (sizeof(counters_fields) / sizeof(counters_fields[0]))

/* struct drain_counters is words only, so that a table can tell them apart. */
_Static_assert(sizeof(struct drain_counters) ==
		       sizeof(uint64_t) * (21 + RS_STATUS_CLASSES + RS_TLS_VERSIONS + 4 * RS_KINDS +
					   RS_UNPARSED_REASONS + RS_LOST_REASONS),
	       "each word of the counters is in the table");

static uint64_t counters_get(const struct drain_counters *from, uint32_t at)
{
	uint64_t value;

	memcpy(&value, (const uint8_t *)from + at, sizeof(value));
	return value;
}

static void counters_put(struct drain_counters *to, uint32_t at, uint64_t value)
{
	memcpy((uint8_t *)to + at, &value, sizeof(value));
}

uint32_t counters_difference(const struct counters_words *now, struct counters_words *booked,
			     const struct calibrate *clock, struct drain_counters *out)
{
	uint32_t back = 0;

	for (size_t i = 0; i < COUNTERS_FIELDS; i++) {
		const struct counters_field *field = &counters_fields[i];

		for (uint32_t k = 0; k < field->count; k++) {
			uint64_t to = now->word[field->word + k];
			uint64_t from = booked->word[field->word + k];
			uint64_t more = to > from ? to - from : 0;

			back += to < from;
			counters_put(out, field->at + k * (uint32_t)sizeof(more),
				     field->ticks ? calibrate_span_ns(clock, more) : more);
		}
	}
	*booked = *now;
	return back;
}

void counters_add_request(struct drain_counters *to, const struct drain_request *request,
			  uint64_t slow_warning_ns, uint64_t slow_critical_ns)
{
	uint32_t class = request->status / 100u - 1;

	to->requests++;
	if (request->flags & RS_FLAG_ABORTED)
		to->aborted++;
	else if (class < RS_STATUS_CLASSES)
		to->status[class]++;
	to->cut_by_server += (request->flags & RS_FLAG_CUT_BY_SERVER) != 0;
	to->cut_by_client += (request->flags & RS_FLAG_CUT_BY_CLIENT) != 0;
	to->bytes_in += request->bytes_in;
	to->bytes_out += request->bytes_out;
	to->span_ns += request->span_ns;
	if (request->span_ns > slow_critical_ns)
		to->slow_critical++;
	else if (request->span_ns > slow_warning_ns)
		to->slow_warning++;
}

void counters_add_fold(struct drain_counters *to, const struct drain_fold *fold)
{
	to->requests += fold->count;
	for (uint32_t i = 0; i < RS_STATUS_CLASSES; i++)
		to->status[i] += fold->status[i];
	to->aborted += fold->aborted;
	to->cut_by_server += fold->cut_by_server;
	to->cut_by_client += fold->cut_by_client;
	to->bytes_in += fold->bytes_in;
	to->bytes_out += fold->bytes_out;
	to->span_ns += fold->span_ns;
	to->slow_warning += fold->slow_warning;
	to->slow_critical += fold->slow_critical;
}

void counters_split(struct drain_counters *all, const struct drain_counters *known,
		    struct drain_counters *gap)
{
	memset(gap, 0, sizeof(*gap));
	for (size_t i = 0; i < COUNTERS_FIELDS; i++) {
		const struct counters_field *field = &counters_fields[i];

		for (uint32_t k = 0; field->request && k < field->count; k++) {
			uint32_t at = field->at + k * (uint32_t)sizeof(uint64_t);
			uint64_t whole = counters_get(all, at);
			uint64_t part = counters_get(known, at);

			part = part < whole ? part : whole;
			counters_put(gap, at, whole - part);
			counters_put(all, at, part);
		}
	}
}

static uint64_t counters_since(const struct counters_words *first,
			       const struct counters_words *last, uint32_t word)
{
	return last->word[word] - first->word[word];
}

bool counters_account(const struct counters_words *first, const struct counters_words *last,
		      const struct drain_ledger *ledger)
{
	uint64_t missing = 0;

	for (uint32_t kind = 0; kind < RS_KINDS; kind++) {
		uint64_t delivered = ledger->delivered[kind];
		uint64_t pushed = counters_since(first, last, SEGMENT_WORD(pushed) + kind);
		uint64_t unfinished = counters_since(first, last, SEGMENT_WORD(counted) + kind) -
				      pushed -
				      counters_since(first, last, SEGMENT_WORD(folded) + kind) -
				      counters_since(first, last, SEGMENT_WORD(dropped) + kind);

		if (delivered > pushed + unfinished)
			return false;
		if (delivered < pushed)
			missing += pushed - delivered;
	}
	return missing <= ledger->torn + ledger->bad;
}

bool counters_ledger_same(const struct drain_ledger *a, const struct drain_ledger *b)
{
	return !memcmp(a->delivered, b->delivered, sizeof(a->delivered)) && a->torn == b->torn &&
	       a->bad == b->bad && a->overflow_lane == b->overflow_lane && a->state == b->state &&
	       a->why == b->why && a->clock == b->clock && a->unseen == b->unseen &&
	       a->detail.since_ns == b->detail.since_ns;
}
