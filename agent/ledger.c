#include "ledger.h"

#include "drain.h"
#include "moment.h"
#include "turn.h"

#include <stddef.h>
#include <string.h>

struct ledger_row {
	const char *name, *help;
	size_t at; /* a uint64_t of struct drain_counts */
};

#define LEDGER_AT(field) offsetof(struct drain_counts, field)

static const struct ledger_row ledger_rows[] = {
	{ "ringside_segments_added", "Segments taken into watch.", LEDGER_AT(added) },
	{ "ringside_segments_refused", "Segments not mapped, or for want of memory.",
	  LEDGER_AT(refused) },
	{ "ringside_segments_broken", "Segments dropped: their memory was taken away.",
	  LEDGER_AT(broken) },
	{ "ringside_segments_unequal", "Ended processes whose events do not add up.",
	  LEDGER_AT(unequal) },
	{ "ringside_records_unknown", "Records of a kind that nobody asks for yet.",
	  LEDGER_AT(unknown) },
	{ "ringside_shapes_lost", "Times that a path found no room.", LEDGER_AT(shapes_lost) },
	{ "ringside_clock_changes", "Changes of the kernel's clock source.",
	  LEDGER_AT(clock_changes) },
	{ "ringside_connections_refused",
	  "Connections of processes without the library that found no room.",
	  LEDGER_AT(wire.refused) },
	{ "ringside_requests_nobodys",
	  "Requests of processes without the library that were let go meanwhile.",
	  LEDGER_AT(wire.nobodys) },
	{ "ringside_checkpoints_saved", "Checkpoints written.", LEDGER_AT(saved) },
};

static size_t ledger_late(const struct ledger *l, uint64_t drain_ns, struct web_counter *out,
			  size_t room)
{
	const uint64_t late_ns[] = { turn_late_ns(l->turn, moment_monotonic_ns()), drain_ns };
	static const char *const loops[] = { "worker", "drain" };
	size_t count = 0;

	for (; count < 2 && count < room; count++)
		out[count] = (struct web_counter){ .name = "ringside_loop_lag_seconds",
						   .help = "How late a loop of the agent came, the "
							   "most of the last 10 to 20 s.",
						   .label = "loop",
						   .value = loops[count],
						   .number = (double)late_ns[count] / 1e9,
						   .level = true };
	return count;
}

size_t ledger_counters(void *ledger, struct web_counter *out, size_t room)
{
	const struct ledger *l = ledger;
	struct drain_counts counts;
	size_t count = 0;

	drain_counts_get(l->drain, &counts);
	for (; count < sizeof(ledger_rows) / sizeof(ledger_rows[0]) && count < room; count++) {
		uint64_t value;

		memcpy(&value, (const uint8_t *)&counts + ledger_rows[count].at, sizeof(value));
		out[count] = (struct web_counter){ .name = ledger_rows[count].name,
						   .help = ledger_rows[count].help,
						   .number = (double)value };
	}
	count += ledger_late(l, counts.late_ns, out + count, room - count);
	count += depot_counters(l->depot, out + count, room - count);
	return count + fleeting_counters(l->fleeting, out + count, room - count);
}
