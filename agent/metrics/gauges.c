#include "gauges.h"

#include "means.h"

#define GAUGES_SECOND UINT64_C(1000000000)

void gauges_init(double values[METRICS_GAUGES])
{
	for (int i = 0; i < METRICS_GAUGES; i++)
		values[i] = METRICS_UNKNOWN;
}

static double gauges_rate(double first, double last, double seconds)
{
	return first < 0 || last < first ? METRICS_UNKNOWN : (last - first) / seconds;
}

static double gauges_cpu(const struct means_sample *first, const struct means_sample *last,
			 double seconds)
{
	double used = (double)(last->user_ns + last->system_ns) -
		      (double)(first->user_ns + first->system_ns);

	return last->cpus > 0 && used >= 0 ? used / 1e7 / seconds / last->cpus : METRICS_UNKNOWN;
}

bool gauges_of(const struct means *means, int64_t from_s, int64_t to_s, double out[METRICS_GAUGES])
{
	uint64_t from_ns = from_s > 0 ? (uint64_t)from_s * GAUGES_SECOND : 0;
	struct means_sample first, last;
	double seconds;

	gauges_init(out);
	if (to_s <= 0 ||
	    !means_window(means, from_ns, (uint64_t)to_s * GAUGES_SECOND - 1, &first, &last) ||
	    last.time_ns < from_ns)
		return false;
	if (!last.ended) { /* else it has none at the end, and those behind it have theirs */
		out[METRICS_GAUGE_IN_FLIGHT] = last.in_flight;
		out[METRICS_GAUGE_RSS] = last.rss;
		out[METRICS_GAUGE_HEAP] = last.heap_live;
		out[METRICS_GAUGE_MEMORY_PERCENT] = last.memory_percent;
	}
	if (last.time_ns <= first.time_ns)
		return true;
	seconds = (double)(last.time_ns - first.time_ns) / 1e9;
	out[METRICS_GAUGE_CPU_PERCENT] = gauges_cpu(&first, &last, seconds);
	if (last.heap_live >= 0)
		out[METRICS_GAUGE_ALLOCATED] =
			gauges_rate((double)first.allocated, (double)last.allocated, seconds);
	out[METRICS_GAUGE_READ] = gauges_rate(first.read_bytes, last.read_bytes, seconds);
	out[METRICS_GAUGE_WRITTEN] = gauges_rate(first.write_bytes, last.write_bytes, seconds);
	return true;
}

void gauges_add(enum metrics_gauge gauge, double value, double *sum)
{
	bool is_share = gauge == METRICS_GAUGE_CPU_PERCENT || gauge == METRICS_GAUGE_MEMORY_PERCENT;

	if (value < 0)
		return;
	if (*sum < 0)
		*sum = 0;
	if (is_share)
		*sum = value > *sum ? value : *sum;
	else
		*sum += value;
}

static bool gauges_is_level(enum metrics_gauge gauge)
{
	return gauge == METRICS_GAUGE_IN_FLIGHT || gauge == METRICS_GAUGE_RSS ||
	       gauge == METRICS_GAUGE_HEAP || gauge == METRICS_GAUGE_MEMORY_PERCENT;
}

void gauges_row_add(enum metrics_gauge gauge, double value, struct gauges_row *row)
{
	if (value < 0)
		return;
	if (gauges_is_level(gauge) || !row->spans)
		row->value = value;
	else
		row->value += (value - row->value) / (row->spans + 1);
	row->spans++;
}
