#include "block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SUMMED_AT offsetof(struct block_head, wall_offset_ms)

/* No defence against malice: the file is ours alone. */
uint64_t block_sum(uint64_t sum, const void *from, size_t count)
{
	const uint8_t *bytes = from;

	for (size_t i = 0; i < count; i += sizeof(uint64_t)) {
		size_t part = count - i < sizeof(uint64_t) ? count - i : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, bytes + i, part);
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
	}
	return sum;
}

static size_t block_text_put(uint8_t *out, const char *text)
{
	size_t length = strlen(text);

	out[0] = (uint8_t)length;
	memcpy(out + 1, text, length + 1); /* with its NUL, so that it can be read in place */
	return length + 2;
}

size_t block_key_put(const struct export_key *key, uint8_t out[BLOCK_KEY_MAX])
{
	size_t at = 0;

	out[at++] = (uint8_t)key->kind;
	out[at++] = key->method;
	at += column_number_put(out + at, (uint32_t)key->pid);
	at += column_number_put(out + at, key->start_ticks);
	at += block_text_put(out + at, key->service);
	at += block_text_put(out + at, key->environment);
	return at + block_text_put(out + at, key->route);
}

bool block_is_gauges(enum export_kind kind)
{
	return kind == EXPORT_SERVICE_GAUGES || kind == EXPORT_PROCESS_GAUGES;
}

static const char *block_text_get(struct column_reader *r)
{
	size_t length = r->at < r->end ? *r->at : 0xffff;
	const char *text = (const char *)r->at + 1;

	if (length + 2 > (size_t)(r->end - r->at) || strnlen(text, length + 1) != length) {
		r->is_bad = true;
		return "";
	}
	r->at += length + 2;
	return text;
}

int block_key_get(const uint8_t *bytes, size_t size, struct export_key *out)
{
	struct column_reader r = { .at = bytes + 2, .end = bytes + size };

	if (size < 8 || size > BLOCK_KEY_MAX) /* whoever reads it puts it into as much room */
		return -EBADMSG;
	out->kind = (enum export_kind)bytes[0];
	out->method = bytes[1];
	out->pid = (int32_t)column_number_get(&r);
	out->start_ticks = column_number_get(&r);
	out->service = block_text_get(&r);
	out->environment = block_text_get(&r);
	out->route = block_text_get(&r);
	return r.is_bad || r.at != r.end ? -EBADMSG : 0;
}

static int block_bytes_room(struct block_bytes *b, size_t more)
{
	size_t capacity = b->capacity ? b->capacity : 4096;
	uint8_t *at;

	while (capacity < b->size + more)
		capacity *= 2;
	if (capacity == b->capacity)
		return 0;
	if (capacity > BLOCK_MOST)
		return -ENOMEM;
	at = realloc(b->at, capacity);
	if (!at)
		return -ENOMEM;
	b->at = at;
	b->capacity = capacity;
	return 0;
}

/* Its number, or that which it gets; BLOCK_SERIES: there is none left. */
static uint32_t block_number(struct block_names *names, const uint8_t *key, size_t size)
{
	uint64_t hash = block_sum(names->seed, key, size);
	uint32_t mask = 2 * BLOCK_SERIES - 1, at = (uint32_t)(hash >> 20) & mask;

	while (names->numbers[at] && names->hashes[at] != hash)
		at = (at + 1) & mask;
	if (names->numbers[at])
		return names->numbers[at] - 1;
	if (names->count == BLOCK_SERIES)
		return BLOCK_SERIES;
	names->hashes[at] = hash;
	names->numbers[at] = ++names->count;
	return names->count - 1;
}

void block_begin(struct block *b, struct block_names *names, const struct export_span *span)
{
	b->head = (struct block_head){ .magic = BLOCK_MAGIC };
	b->names = names;
	b->head.keys = names->count;
	b->head.from_s = span->from_s;
	b->head.until_s = span->until_s;
	b->head.wall_offset_ms = span->wall_offset_ms;
	b->step_s = series_step_s[span->step];
	b->head.flags = span->step == SERIES_WIDE ? BLOCK_WIDE : 0;
	b->table.size = b->runs.size = 0;
	b->is_open = false;
	b->error = 0;
	b->slots = b->lost = 0;
}

static int block_table_put(struct block *b, size_t run_bytes)
{
	uint32_t known = b->names->count;
	uint32_t number = block_number(b->names, b->key, b->key_size);
	uint8_t *at;

	if (number == BLOCK_SERIES)
		return -ENOSPC;
	at = b->table.at + b->table.size;
	at += column_number_put(at, number);
	if (number == known) {
		at += column_number_put(at, b->key_size);
		memcpy(at, b->key, b->key_size);
		at += b->key_size;
	}
	at += column_number_put(at, run_bytes);
	b->table.size = (size_t)(at - b->table.at);
	b->head.series++;
	return 0;
}

static void block_series_end(struct block *b)
{
	uint32_t count = b->is_gauges ? b->levels.count : b->run.count;
	size_t size = b->is_gauges ? levels_size_max(&b->levels) : run_size_max(&b->run);
	uint8_t *at;

	if (!b->is_open || !count)
		return;
	b->is_open = false;
	if (block_bytes_room(&b->table, BLOCK_KEY_MAX + 30) || block_bytes_room(&b->runs, size)) {
		b->error = -ENOMEM;
		return;
	}
	at = b->runs.at + b->runs.size;
	size = b->is_gauges ? levels_pack(&b->levels, at) : run_pack(&b->run, at);
	if (block_table_put(b, size)) {
		b->lost += count;
		return;
	}
	b->runs.size += size;
	b->slots += count;
}

void block_series(struct block *b, const struct export_key *key)
{
	const struct run_span span = { b->head.from_s, b->step_s, (b->head.flags & BLOCK_WIDE) != 0,
				       0 };

	block_series_end(b);
	b->key_size = block_key_put(key, b->key);
	b->is_gauges = block_is_gauges(key->kind);
	if (b->is_gauges)
		levels_begin(&b->levels, &span);
	else
		run_begin(&b->run, &span);
	b->is_open = true;
}

void block_slot(struct block *b, uint32_t second, const uint8_t *packed, uint32_t size)
{
	b->lost += run_add(&b->run, second, packed, size) != 0;
}

void block_gauges(struct block *b, uint32_t second, const double values[METRICS_GAUGES])
{
	b->lost += levels_add(&b->levels, second, values) != 0;
}

int block_end(struct block *b)
{
	struct block_head *head = &b->head;

	block_series_end(b);
	if (b->error)
		return b->error;
	head->table_bytes = (uint32_t)b->table.size;
	head->bytes = (uint32_t)(sizeof(*head) + b->table.size + b->runs.size);
	head->sum = block_sum(head->bytes, (uint8_t *)head + BLOCK_SUMMED_AT,
			      sizeof(*head) - BLOCK_SUMMED_AT);
	head->sum = block_sum(head->sum, b->table.at, b->table.size);
	head->sum = block_sum(head->sum, b->runs.at, b->runs.size);
	return 0;
}

void block_fini(struct block *b)
{
	free(b->table.at);
	free(b->runs.at);
	run_fini(&b->run);
	memset(b, 0, sizeof(*b));
}

const char *block_check(const uint8_t *bytes, size_t size)
{
	struct block_head head;
	uint64_t sum;

	if (size < sizeof(head))
		return "it ends within a head";
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != BLOCK_MAGIC)
		return "there is no head";
	if (head.bytes < sizeof(head) || head.bytes > 2 * BLOCK_MOST ||
	    head.table_bytes > head.bytes - sizeof(head))
		return "its head is not sound";
	if (head.bytes > size)
		return "it ends within a block";
	sum = block_sum(head.bytes, bytes + BLOCK_SUMMED_AT, sizeof(head) - BLOCK_SUMMED_AT);
	sum = block_sum(sum, bytes + sizeof(head), head.table_bytes);
	sum = block_sum(sum, bytes + sizeof(head) + head.table_bytes,
			head.bytes - sizeof(head) - head.table_bytes);
	return sum == head.sum ? NULL : "its sum is not right";
}
