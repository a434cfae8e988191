#include "levels.h"

#include "column.h"

#include <errno.h>
#include <math.h>

_Static_assert(METRICS_GAUGES <= 64, "the mask of gauges is a number");

#define LEVELS_MOST 1e18 /* more is no measure of anything */

static const double levels_units[METRICS_GAUGES] = {
	[METRICS_GAUGE_IN_FLIGHT] = 1, [METRICS_GAUGE_CPU_PERCENT] = 0.01,
	[METRICS_GAUGE_RSS] = 1024,    [METRICS_GAUGE_HEAP] = 1024,
	[METRICS_GAUGE_ALLOCATED] = 1, [METRICS_GAUGE_MEMORY_PERCENT] = 0.01,
	[METRICS_GAUGE_READ] = 1,      [METRICS_GAUGE_WRITTEN] = 1,
};

void levels_begin(struct levels *levels, const struct run_span *span)
{
	levels->span = *span;
	levels->count = 0;
}

static uint64_t levels_whole(enum metrics_gauge gauge, double value)
{
	double whole = value / levels_units[gauge];

	return whole >= 0 && whole < LEVELS_MOST ? (uint64_t)llround(whole) + 1 : 0;
}

int levels_add(struct levels *levels, uint32_t second, const double values[METRICS_GAUGES])
{
	uint32_t at = levels->count;

	if (at == RUN_SLOTS)
		return -E2BIG;
	for (int i = 0; i < METRICS_GAUGES; i++)
		levels->columns[i][at] = levels_whole((enum metrics_gauge)i, values[i]);
	levels->places[at] = (second - levels->span.from_s) / levels->span.step_s - at;
	levels->count++;
	return 0;
}

size_t levels_size_max(const struct levels *levels)
{
	return 20 + (METRICS_GAUGES + 1) * COLUMN_MAX(levels->count);
}

static bool levels_is_known(const struct levels *levels, int gauge)
{
	for (uint32_t i = 0; i < levels->count; i++) {
		if (levels->columns[gauge][i])
			return true;
	}
	return false;
}

size_t levels_pack(const struct levels *levels, uint8_t *out)
{
	uint64_t mask = 0;
	uint8_t *at = out;

	for (int i = 0; i < METRICS_GAUGES; i++)
		mask |= (uint64_t)levels_is_known(levels, i) << i;
	at += column_number_put(at, levels->count);
	at += column_put(at, levels->places, levels->count);
	at += column_number_put(at, mask);
	for (int i = 0; i < METRICS_GAUGES; i++) {
		if (mask >> i & 1)
			at += column_put_patched(at, levels->columns[i], levels->count);
	}
	return (size_t)(at - out);
}

static int levels_get(struct column_reader *reader, struct levels *out)
{
	uint64_t count = column_number_get(reader), mask;

	if (reader->is_bad || !count || count > RUN_SLOTS)
		return -EBADMSG;
	out->count = (uint32_t)count;
	column_get(reader, out->places, out->count);
	mask = column_number_get(reader);
	if (mask >> METRICS_GAUGES)
		return -EBADMSG;
	for (int i = 0; i < METRICS_GAUGES; i++) {
		if (mask >> i & 1)
			column_get(reader, out->columns[i], out->count);
	}
	return reader->is_bad ? -EBADMSG : 0;
}

int levels_unpack(const uint8_t *bytes, size_t size, const struct run_span *span,
		  const struct levels_reader *to)
{
	struct column_reader reader = { .at = bytes, .end = bytes + size };
	struct levels levels = { .span = *span };
	int ret = levels_get(&reader, &levels);

	for (uint32_t i = 0; ret == 0 && i < levels.count; i++) {
		uint32_t place = (uint32_t)(levels.places[i] + i);
		uint32_t second = span->from_s + place * span->step_s;
		double values[METRICS_GAUGES];

		if (span->until_s && second >= span->until_s)
			break;
		for (int gauge = 0; gauge < METRICS_GAUGES; gauge++) {
			uint64_t whole = levels.columns[gauge][i];

			values[gauge] =
				whole ? (double)(whole - 1) * levels_units[gauge] : METRICS_UNKNOWN;
		}
		if (!to->fn(to->ctx, second, values))
			break;
	}
	return ret;
}
