#include "mend.h"

#include "timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One slot of them, of several finer ones. */
struct mend_gauges {
	struct gauges_row rows[METRICS_GAUGES];
};

/* The series that the finer step has in the time that is to be mended, and one of them. */
struct mend_work {
	const struct mend *m;
	const char *boot;
	uint32_t from_s, until_s;
	bool is_gauges; /* they alone */
	uint8_t (*keys)[BLOCK_KEY_MAX];
	size_t *sizes;
	uint32_t count, capacity;
	uint32_t at; /* the one being added up */
	struct timeline t;
	struct mend_gauges *gauges; /* by slot of the wider step */
	struct slot *scratch;
	struct block block;
	int error;
};

static bool mend_is_key(const struct mend_work *w, uint32_t i, const uint8_t *key, size_t size)
{
	return w->sizes[i] == size && !memcmp(w->keys[i], key, size);
}

static bool mend_grow(struct mend_work *w)
{
	uint32_t capacity = w->capacity ? w->capacity * 2 : 64;
	void *keys, *sizes;

	if (w->count < w->capacity)
		return true;
	keys = realloc(w->keys, capacity * sizeof(*w->keys));
	if (keys)
		w->keys = keys;
	sizes = keys ? realloc(w->sizes, capacity * sizeof(*w->sizes)) : NULL;
	if (!sizes)
		return false;
	w->sizes = sizes;
	w->capacity = capacity;
	return true;
}

static bool mend_note_key(void *ctx, const struct export_key *key)
{
	uint8_t bytes[BLOCK_KEY_MAX];
	size_t size = block_key_put(key, bytes);
	struct mend_work *w = ctx;

	if (w->is_gauges && !block_is_gauges(key->kind))
		return false;
	for (uint32_t i = 0; i < w->count; i++) {
		if (mend_is_key(w, i, bytes, size))
			return false;
	}
	if (!mend_grow(w)) {
		w->error = -ENOMEM;
		return false;
	}
	memcpy(w->keys[w->count], bytes, size);
	w->sizes[w->count++] = size;
	return false;
}

static bool mend_no_block(void *ctx, const struct block_head *head)
{
	(void)ctx;
	(void)head;
	return false;
}

static bool mend_want(void *ctx, const struct export_key *key)
{
	uint8_t bytes[BLOCK_KEY_MAX];
	const struct mend_work *w = ctx;

	return mend_is_key(w, w->at, bytes, block_key_put(key, bytes));
}

static bool mend_block(void *ctx, const struct block_head *head)
{
	const struct mend_work *w = ctx;

	return head->until_s > w->from_s && head->from_s < w->until_s;
}

static bool mend_slot(void *ctx, uint32_t second, const struct slot *slot)
{
	struct mend_work *w = ctx;

	if (second >= w->from_s && second < w->until_s)
		timeline_add_slot(&w->t, second, slot);
	return true;
}

static bool mend_gauges(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	struct mend_work *w = ctx;
	uint32_t at = (uint32_t)(second - w->t.from_s) / w->t.step_s;

	if (second < w->from_s || second >= w->until_s)
		return true;
	for (int i = 0; i < METRICS_GAUGES; i++)
		gauges_row_add((enum metrics_gauge)i, values[i], &w->gauges[at].rows[i]);
	return true;
}

static bool mend_run(void *ctx, const struct block_head *head, const uint8_t *bytes, size_t size)
{
	struct mend_work *w = ctx;
	const struct run_span span = { head->from_s, series_step_s[w->m->from->step], false,
				       head->until_s };
	const struct run_reader reader = { w->scratch, mend_slot, w };
	const struct levels_reader levels = { mend_gauges, w };

	if (w->gauges)
		levels_unpack(bytes, size, &span, &levels);
	else
		run_unpack(bytes, size, &span, &reader);
	return true;
}

static void mend_read(struct mend_work *w, const struct archive_walk *walk)
{
	const struct archive *from = w->m->from;

	for (uint32_t i = 0; i < from->count; i++) {
		const struct archive_file *file = &from->files[i];

		if (memcmp(file->boot, w->boot, sizeof(file->boot)) == 0 &&
		    file->until_s > w->from_s && file->from_s < w->until_s)
			archive_read(from->folder, from->step, file, walk);
	}
}

static void mend_put(struct mend_work *w, const struct export_key *key)
{
	uint8_t bytes[SLOT_PACKED_MAX];
	bool is_told = false;

	for (uint32_t i = 0; i < w->t.count; i++) {
		struct slot *slot = &w->t.slots[i];

		if (!slot->blocks && !slot->sums.count)
			continue;
		if (!is_told)
			block_series(&w->block, key);
		is_told = true;
		block_slot(&w->block, (uint32_t)(w->t.from_s + i * w->t.step_s), bytes,
			   (uint32_t)slot_pack(slot, bytes));
	}
}

static void mend_put_gauges(struct mend_work *w, const struct export_key *key)
{
	block_series(&w->block, key);
	for (uint32_t i = 0; i < w->t.count; i++) {
		double values[METRICS_GAUGES];
		bool is_known = false;

		for (int gauge = 0; gauge < METRICS_GAUGES; gauge++) {
			const struct gauges_row *row = &w->gauges[i].rows[gauge];

			values[gauge] = row->spans ? row->value : METRICS_UNKNOWN;
			is_known = is_known || row->spans;
		}
		if (is_known)
			block_gauges(&w->block, (uint32_t)(w->t.from_s + i * w->t.step_s), values);
	}
}

static int mend_series(struct mend_work *w)
{
	const struct archive_walk walk = { w, mend_want, mend_block, mend_run, NULL };
	const struct timeline_span span = { w->from_s, w->until_s, series_step_s[w->m->to->step] };
	struct export_key key;
	int ret = block_key_get(w->keys[w->at], w->sizes[w->at], &key);

	if (ret == 0)
		ret = timeline_open(&w->t, &span, TIMELINE_HISTOGRAMS);
	if (ret == 0 && block_is_gauges(key.kind)) {
		w->gauges = calloc((size_t)w->t.count + 1, sizeof(*w->gauges));
		ret = w->gauges ? 0 : -ENOMEM;
	}
	if (ret == 0)
		mend_read(w, &walk);
	if (ret == 0 && w->gauges)
		mend_put_gauges(w, &key);
	else if (ret == 0)
		mend_put(w, &key);
	free(w->gauges);
	w->gauges = NULL;
	timeline_fini(&w->t);
	return ret;
}

static bool mend_is_ours(const struct mend *m, const char *boot)
{
	return !memcmp(boot, m->to->boot, ARCHIVE_BOOT_BYTES);
}

static int64_t mend_offset(const struct mend_work *w)
{
	const struct archive *from = w->m->from;

	for (uint32_t i = from->count; i > 0; i--) {
		if (!memcmp(from->files[i - 1].boot, w->boot, ARCHIVE_BOOT_BYTES))
			return from->files[i - 1].wall_offset_ms;
	}
	return 0;
}

static int mend_write(struct mend_work *w)
{
	const struct archive_walk note = { w, mend_note_key, mend_no_block, NULL, NULL };
	struct export_span span = { .step = w->m->to->step, .until_s = w->until_s };
	struct block_names *names = archive_names(w->m->to);

	span.from_s = w->from_s - w->from_s % series_step_s[span.step];
	span.wall_offset_ms = mend_offset(w);
	mend_read(w, &note);
	w->scratch = calloc(1, sizeof(*w->scratch));
	if (!names || !w->scratch || w->error)
		return -ENOMEM;
	block_begin(&w->block, names, &span);
	w->block.head.flags |= BLOCK_MENDED | (w->is_gauges ? BLOCK_GAUGES : 0);
	for (w->at = 0; w->at < w->count && !w->error; w->at++)
		w->error = mend_series(w);
	if (!w->error)
		w->error = block_end(&w->block);
	if (!w->error && w->block.head.series)
		return archive_append_alone(w->m->to, &w->block, w->boot);
	archive_give_up(w->m->to);
	return w->error;
}

static int mend_range(const struct mend *m, const char *boot, uint32_t from_s, uint32_t until_s)
{
	uint32_t step_s = series_step_s[m->to->step], most_s = RUN_SLOTS * step_s;
	struct mend_work w = { .m = m, .boot = boot, .from_s = from_s, .until_s = until_s };
	int ret = 0;

	if (until_s > most_s && from_s < until_s - most_s + step_s)
		w.from_s = until_s - most_s + step_s;
	/* memory has all but gauges of what it has */
	w.is_gauges = mend_is_ours(m, boot) && until_s > m->memory_from_s;
	if (w.from_s < until_s)
		ret = mend_write(&w);
	block_fini(&w.block);
	free(w.keys);
	free(w.sizes);
	free(w.scratch);
	return ret;
}

int mend_step(const struct mend *m)
{
	const struct archive_file *last = NULL;
	uint32_t from_s, until_s;
	int ret;

	for (uint32_t i = 0; i < m->from->count; i++)
		last = m->from->files[i].until_s ? &m->from->files[i] : last;
	if (!last)
		return 0;
	from_s = archive_until_of(m->to, last->boot);
	until_s = last->until_s;
	if (mend_is_ours(m, last->boot) && m->memory_from_s < until_s)
		until_s = m->memory_from_s;
	ret = mend_range(m, last->boot, from_s, until_s);
	if (ret == 0)
		ret = mend_range(m, last->boot, from_s > until_s ? from_s : until_s, last->until_s);
	return ret;
}
