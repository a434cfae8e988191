#include "past.h"

#include "archive.h"
#include "refill.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAST_SLACK_MS INT64_C(60000) /* of the youngest that is asked for: files are written late */

struct past_series {
	uint8_t key[BLOCK_KEY_MAX];
	size_t size;
};

struct past_slot {
	int64_t wall_s;
	uint32_t series, size;
	size_t at; /* of its bytes */
};

struct past {
	struct past_ask ask;
	enum series_step step;
	struct past_series *series;
	size_t series_count, series_room;
	struct past_slot *slots;
	size_t slot_count, slot_room, next;
	uint8_t *bytes;
	size_t used, room;
	/* of the file being read */
	int64_t offset_s;
	uint32_t numbers[BLOCK_SERIES], number_count, number;
	struct slot *scratch;
	int error;
};

/* Room for so many more; false: no memory. */
static bool past_grow(void **at, size_t *room, size_t count, size_t more, size_t size)
{
	size_t next = *room ? 2 * *room : 1024;
	void *bytes;

	if (count + more <= *room)
		return true;
	next = next < count + more ? count + more : next;
	bytes = realloc(*at, next * size);
	if (!bytes)
		return false;
	*at = bytes;
	*room = next;
	return true;
}

static uint32_t past_series_of(struct past *p, const uint8_t *key, size_t size)
{
	struct past_series *s;

	for (size_t i = 0; i < p->series_count; i++)
		if (p->series[i].size == size && !memcmp(p->series[i].key, key, size))
			return (uint32_t)i;
	if (!past_grow((void **)&p->series, &p->series_room, p->series_count, 1,
		       sizeof(*p->series))) {
		p->error = -ENOMEM;
		return 0;
	}
	s = &p->series[p->series_count];
	memcpy(s->key, key, size);
	s->size = size;
	return (uint32_t)p->series_count++;
}

/* Asked in the order of the numbers that a file gives its series. */
static bool past_want(void *ctx, const struct export_key *key)
{
	uint8_t bytes[BLOCK_KEY_MAX];
	struct past *p = ctx;
	bool is_wanted = key->kind == EXPORT_SERVICE || key->kind == EXPORT_ROUTE ||
			 key->kind == EXPORT_STATEMENT;

	p->numbers[p->number_count++] =
		is_wanted ? past_series_of(p, bytes, block_key_put(key, bytes)) : 0;
	return is_wanted;
}

static bool past_block(void *ctx, const struct block_head *head)
{
	const struct past *p = ctx;

	return (head->until_s + p->offset_s) * 1000 > p->ask.from_ms &&
	       (head->from_s + p->offset_s) * 1000 < p->ask.to_ms;
}

static void past_number(void *ctx, uint32_t number)
{
	((struct past *)ctx)->number = number;
}

static bool past_slot(void *ctx, uint32_t second, const struct slot *slot)
{
	struct past *p = ctx;
	struct past_slot *row;
	int64_t wall_s = second + p->offset_s;

	if (wall_s * 1000 < p->ask.from_ms || wall_s * 1000 >= p->ask.to_ms)
		return true;
	if (!past_grow((void **)&p->slots, &p->slot_room, p->slot_count, 1, sizeof(*p->slots)) ||
	    !past_grow((void **)&p->bytes, &p->room, p->used, SLOT_PACKED_MAX, 1)) {
		p->error = -ENOMEM;
		return false;
	}
	row = &p->slots[p->slot_count++];
	*row = (struct past_slot){ wall_s, p->numbers[p->number], 0, p->used };
	row->size = (uint32_t)slot_pack(slot, p->bytes + p->used);
	p->used += row->size;
	return true;
}

static bool past_run(void *ctx, const struct block_head *head, const uint8_t *bytes, size_t size)
{
	struct past *p = ctx;
	const struct run_span span = { head->from_s, series_step_s[p->step],
				       (head->flags & BLOCK_WIDE) != 0, head->until_s };
	const struct run_reader reader = { p->scratch, past_slot, p };
	int ret = run_unpack(bytes, size, &span, &reader);

	p->error = p->error ? p->error : ret;
	return !p->error;
}

static int past_compare(const void *left, const void *right)
{
	const struct past_slot *a = left, *b = right;

	return (a->wall_s > b->wall_s) - (a->wall_s < b->wall_s);
}

static int past_read(struct past *p, int folder)
{
	const struct archive_walk walk = { p, past_want, past_block, past_run, past_number };
	struct archive a;
	int ret = archive_open_only(&a, folder, p->step);

	for (uint32_t i = 0; ret == 0 && i < a.count; i++) {
		if (a.files[i].is_aside) /* it could not be read */
			continue;
		p->offset_s = a.files[i].wall_offset_ms / 1000;
		p->number_count = 0;
		ret = archive_read(folder, p->step, &a.files[i], &walk);
		if (ret == -ENOENT) /* it was too old, meanwhile */
			ret = 0;
		ret = ret ? ret : p->error;
	}
	archive_close(&a);
	if (p->slot_count)
		qsort(p->slots, p->slot_count, sizeof(*p->slots), past_compare);
	return ret;
}

/* The finest step that was kept for so long. */
static enum series_step past_step(const struct past_ask *ask)
{
	int step = SERIES_FINE;

	while (step < SERIES_WIDE &&
	       ask->now_ms - ask->from_ms > store_keep_s[step] * INT64_C(1000) + PAST_SLACK_MS)
		step++;
	return (enum series_step)step;
}

int past_open(struct past **out, const struct past_ask *ask, struct past_error *error)
{
	struct past *p = calloc(1, sizeof(*p));
	int folder = open(ask->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = folder < 0 ? -errno : 0;

	*out = NULL;
	if (p) {
		p->ask = *ask;
		p->step = past_step(ask);
		p->scratch = calloc(1, sizeof(*p->scratch));
	}
	if (!p || !p->scratch)
		ret = -ENOMEM;
	if (ret == 0)
		ret = past_read(p, folder);
	if (folder >= 0)
		close(folder);
	if (ret == 0 && !p->slot_count)
		ret = -ENODATA;
	if (ret == 0) {
		*out = p;
		return 0;
	}
	snprintf(error->text, sizeof(error->text), "%s: %s", ask->folder,
		 ret == -ENODATA ? "no request was recorded in that time" : strerrordesc_np(-ret));
	past_close(p);
	return ret;
}

void past_close(struct past *p)
{
	if (!p)
		return;
	free(p->series);
	free(p->slots);
	free(p->bytes);
	free(p->scratch);
	free(p);
}

void past_span(const struct past *p, struct past_span *out)
{
	int64_t begin_s = p->slots[0].wall_s, end_s = p->slots[p->slot_count - 1].wall_s;

	out->step_s = series_step_s[p->step];
	out->begin_ms = begin_s * 1000;
	/* and the interval of a rule behind it, so that what ends is seen to */
	out->lasts_s = (uint32_t)(end_s - begin_s) + 2 * out->step_s;
	out->series = p->series_count;
	out->slots = p->slot_count;
}

int past_feed(void *past, struct metrics *m, const struct replay_time *when)
{
	struct past *p = past;
	int64_t over_s = p->slots[0].wall_s + when->now_s + 1 - series_step_s[p->step];
	struct export_key key;
	int ret = 0;

	for (; ret == 0 && p->next < p->slot_count && p->slots[p->next].wall_s <= over_s;
	     p->next++) {
		const struct past_slot *row = &p->slots[p->next];
		const struct past_series *s = &p->series[row->series];

		slot_clear(p->scratch, when->second);
		ret = slot_unpack(p->bytes + row->at, row->size, p->scratch);
		if (ret == 0)
			ret = block_key_get(s->key, s->size, &key);
		if (ret == 0)
			ret = metrics_refill(m, &key, p->scratch);
	}
	return ret;
}
