#include "load.h"

void load_init(struct metrics_row *row)
{
	row->cpu_percent = row->core_percent = METRICS_UNKNOWN;
	row->rss = row->memory_percent = METRICS_UNKNOWN;
	row->throttled_percent = row->throttled_ms = METRICS_UNKNOWN;
	metrics_strain_init(&row->strain);
}

void load_add(struct metrics_row *row, const struct metrics_process *means)
{
	if (means->core_percent >= 0)
		row->core_percent =
			means->core_percent + (row->core_percent > 0 ? row->core_percent : 0);
	if (means->rss >= 0)
		row->rss = means->rss + (row->rss > 0 ? row->rss : 0);
	if (means->cpu_percent > row->cpu_percent)
		row->cpu_percent = means->cpu_percent;
	if (means->throttled_percent > row->throttled_percent)
		row->throttled_percent = means->throttled_percent;
	if (means->throttled_ms > row->throttled_ms)
		row->throttled_ms = means->throttled_ms;
	if (means->memory_percent > row->memory_percent)
		row->memory_percent = means->memory_percent;
}
