#include "recall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool recall_is_kind(const struct recall *r, enum export_kind kind)
{
	const struct metrics_scope *scope = r->scope;

	if (scope->statements)
		return kind == EXPORT_STATEMENT;
	if (scope->route)
		return kind == EXPORT_ROUTE || kind == EXPORT_STATEMENT;
	if (r->cells)
		return kind == (scope->pid ? EXPORT_PROCESS_GAUGES : EXPORT_SERVICE_GAUGES);
	return kind == (scope->pid ? EXPORT_PROCESS : EXPORT_SERVICE);
}

static bool recall_want(void *ctx, const struct export_key *key)
{
	const struct recall *r = ctx;
	const struct metrics_scope *scope = r->scope;

	if (!recall_is_kind(r, key->kind) ||
	    (scope->service && strcmp(scope->service, key->service) != 0))
		return false;
	if ((scope->pid && scope->pid != key->pid) ||
	    (scope->route && strcmp(scope->route, key->route) != 0))
		return false;
	r->t->is_found = true;
	return true;
}

/* Looking at its table is work too. */
static bool recall_block(void *ctx, const struct block_head *head)
{
	struct recall *r = ctx;
	struct timeline *t = r->t;
	int64_t end_s = t->from_s + (int64_t)t->count * t->step_s;

	/* No memory has what was mended, so that it is added to that of the same second. */
	r->is_mended = head->flags & BLOCK_MENDED;
	r->block++;
	if (head->from_s >= r->before_s && !r->is_mended)
		return false;
	return timeline_work(t) && head->until_s + r->shift_s > t->from_s &&
	       head->from_s + r->shift_s < end_s;
}

static bool recall_slot(void *ctx, uint32_t second, const struct slot *slot)
{
	struct recall *r = ctx;

	if (second >= r->before_s && !r->is_mended)
		return true;
	if (r->step == SERIES_WIDE)
		r->t->schema = TIMELINE_SCHEMA_WIDE;
	return timeline_add_slot(r->t, second + r->shift_s, slot);
}

static bool recall_gauges(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	struct recall *r = ctx;

	if (second >= r->before_s && !r->is_mended)
		return true;
	return cells_add(r->cells, r->t, r->block, second + r->shift_s, values[r->cells->gauge]);
}

static bool recall_run(void *ctx, const struct block_head *head, const uint8_t *bytes, size_t size)
{
	struct recall *r = ctx;
	const struct run_span span = { head->from_s, series_step_s[r->step],
				       (head->flags & BLOCK_WIDE) != 0, head->until_s };
	const struct run_reader reader = { r->scratch, recall_slot, r };
	const struct levels_reader levels = { recall_gauges, r };

	if (r->cells)
		levels_unpack(bytes, size, &span, &levels);
	else
		run_unpack(bytes, size, &span, &reader);
	return !r->t->is_cut;
}

/* Down to a whole second, so that each slot is in one point. */
static int64_t recall_shift(const struct recall *r, const struct archive_file *file)
{
	int64_t ms = file->wall_offset_ms - r->t->wall_offset_ms;

	if (!memcmp(file->boot, r->boot, sizeof(file->boot)))
		return 0;
	return ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
}

int recall_files(struct recall *r, const struct archive_file *files, uint32_t count)
{
	const struct archive_walk walk = { r, recall_want, recall_block, recall_run, NULL };
	int64_t memory_s = r->t->memory_from_s;
	int ret = 0;

	r->scratch = calloc(1, sizeof(*r->scratch));
	if (!r->scratch)
		return -ENOMEM;
	for (uint32_t i = 0; i < count && !r->t->is_cut; i++) {
		int64_t end_s = r->t->from_s + (int64_t)r->t->count * r->t->step_s;
		int one = 0;

		if (!files[i].until_s)
			continue;
		r->shift_s = recall_shift(r, &files[i]);
		r->before_s = memcmp(files[i].boot, r->boot, sizeof(files[i].boot)) ? INT64_MAX
										    : memory_s;
		if (files[i].from_s + r->shift_s < r->t->kept_from_s)
			r->t->kept_from_s = files[i].from_s + r->shift_s;
		if (files[i].until_s + r->shift_s > r->t->from_s &&
		    files[i].from_s + r->shift_s < end_s)
			one = archive_read(r->folder, r->step, &files[i], &walk);
		if (one < 0 && one != -ENOENT)
			ret = one;
	}
	free(r->scratch);
	return ret;
}
