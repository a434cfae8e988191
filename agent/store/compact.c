#include "compact.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Ours are of ARCHIVE_FILE_BYTES and a block: so much memory is worth it for a while. */
#define COMPACT_MOST (2 * ARCHIVE_FILE_BYTES)

/* A run of a block that goes into the next large one. */
struct compact_run {
	uint32_t number; /* of its series */
	uint32_t from_s, size;
	const uint8_t *bytes;
};

struct compact {
	enum series_step step;
	const uint8_t *bytes; /* of the file */
	uint64_t size, at;
	int fd; /* of the new one */
	uint64_t written;
	const uint8_t *keys[BLOCK_SERIES];
	size_t key_sizes[BLOCK_SERIES];
	uint32_t key_count;
	struct compact_run *runs;
	uint32_t count, capacity;
	struct block_names names;
	struct block block;
	struct slot scratch;
};

static int compact_add(struct compact *c, const struct compact_run *run)
{
	uint32_t capacity = c->capacity ? c->capacity * 2 : 1024;
	struct compact_run *runs;

	if (c->count == c->capacity) {
		runs = realloc(c->runs, capacity * sizeof(*runs));
		if (!runs)
			return -ENOMEM;
		c->runs = runs;
		c->capacity = capacity;
	}
	c->runs[c->count++] = *run;
	return 0;
}

/* The number at the beginning of an entry; its key is noted, where it is the first time. */
static uint32_t compact_number(struct compact *c, struct column_reader *table)
{
	uint64_t number = column_number_get(table), size;

	if (number < c->key_count)
		return (uint32_t)number;
	size = column_number_get(table);
	if (number != c->key_count || number >= BLOCK_SERIES ||
	    size > (size_t)(table->end - table->at))
		return BLOCK_SERIES;
	c->keys[number] = table->at;
	c->key_sizes[number] = size;
	c->key_count++;
	table->at += size;
	return (uint32_t)number;
}

static int compact_take(struct compact *c, const struct block_head *head)
{
	const uint8_t *at = c->bytes + c->at + sizeof(*head);
	const uint8_t *end = c->bytes + c->at + head->bytes;
	struct column_reader table = { at, at + head->table_bytes, false };
	int ret = 0;

	at += head->table_bytes;
	for (uint32_t i = 0; i < head->series && ret == 0; i++) {
		struct compact_run run = { .number = compact_number(c, &table),
					   .from_s = head->from_s,
					   .bytes = at };
		uint64_t size = column_number_get(&table);

		if (run.number == BLOCK_SERIES || table.is_bad || size > (size_t)(end - at))
			return -EBADMSG;
		run.size = (uint32_t)size;
		at += size;
		ret = compact_add(c, &run);
	}
	c->at += head->bytes;
	return ret;
}

static int compact_head(const struct compact *c, struct block_head *out)
{
	if (c->at == c->size)
		return -ENODATA;
	if (block_check(c->bytes + c->at, c->size - c->at))
		return -EBADMSG;
	memcpy(out, c->bytes + c->at, sizeof(*out));
	return 0;
}

/* By series, each in the order of its blocks. */
static int compact_compare(const void *left, const void *right)
{
	const struct compact_run *a = left, *b = right;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static bool compact_slot(void *ctx, uint32_t second, const struct slot *slot)
{
	uint8_t bytes[SLOT_PACKED_MAX];
	struct compact *c = ctx;

	block_slot(&c->block, second, bytes, (uint32_t)slot_pack(slot, bytes));
	return true;
}

static bool compact_gauges(void *ctx, uint32_t second, const double values[METRICS_GAUGES])
{
	block_gauges(&((struct compact *)ctx)->block, second, values);
	return true;
}

static int compact_run(struct compact *c, const struct compact_run *run, bool is_gauges)
{
	const struct run_span span = { run->from_s, series_step_s[c->step], c->step == SERIES_WIDE,
				       0 };
	const struct run_reader slots = { &c->scratch, compact_slot, c };
	const struct levels_reader gauges = { compact_gauges, c };

	return is_gauges ? levels_unpack(run->bytes, run->size, &span, &gauges)
			 : run_unpack(run->bytes, run->size, &span, &slots);
}

static int compact_fill(struct compact *c)
{
	bool is_gauges = false;
	int ret = 0;

	if (c->count)
		qsort(c->runs, c->count, sizeof(*c->runs), compact_compare);
	for (uint32_t i = 0; i < c->count && ret == 0; i++) {
		uint32_t number = c->runs[i].number;
		struct export_key key;

		if (i == 0 || number != c->runs[i - 1].number) {
			ret = block_key_get(c->keys[number], c->key_sizes[number], &key);
			if (ret)
				break;
			block_series(&c->block, &key);
			is_gauges = block_is_gauges(key.kind);
		}
		ret = compact_run(c, &c->runs[i], is_gauges);
	}
	if (ret == 0)
		ret = block_end(&c->block);
	return ret == 0 && c->block.lost ? -ENOSPC : ret;
}

static int compact_write(struct compact *c)
{
	const struct block *b = &c->block;
	int ret = file_write(c->fd, &b->head, sizeof(b->head));

	if (ret == 0)
		ret = file_write(c->fd, b->table.at, b->table.size);
	if (ret == 0)
		ret = file_write(c->fd, b->runs.at, b->runs.size);
	c->written += b->head.bytes;
	return ret;
}

/* As many blocks as make one of no more slots than a run may have. -ENODATA: that was all. */
static int compact_window(struct compact *c)
{
	struct block_head head, next;
	struct export_span span = { .step = c->step };
	int ret = compact_head(c, &head);

	if (ret)
		return ret;
	next = head;
	span.from_s = head.from_s;
	c->count = 0;
	do {
		span.until_s = next.until_s;
		span.wall_offset_ms = next.wall_offset_ms;
		ret = compact_take(c, &next);
		if (ret == 0)
			ret = compact_head(c, &next);
	} while (ret == 0 && next.flags == head.flags &&
		 next.until_s - span.from_s <= RUN_SLOTS * series_step_s[c->step]);
	if (ret && ret != -ENODATA)
		return ret;
	block_begin(&c->block, &c->names, &span);
	c->block.head.flags = head.flags | BLOCK_COMPACT;
	ret = compact_fill(c);
	return ret ? ret : compact_write(c);
}

static int compact_all(struct compact *c)
{
	int ret = file_write(c->fd, c->bytes, sizeof(struct archive_head));

	c->at = c->written = sizeof(struct archive_head);
	while (ret == 0)
		ret = compact_window(c);
	if (ret == -ENODATA)
		ret = fdatasync(c->fd) ? -errno : 0;
	return ret;
}

static int compact_load(int folder, const char *name, uint64_t size, uint8_t **out)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int ret = fd < 0 ? -errno : 0;

	if (size > COMPACT_MOST)
		ret = -EFBIG;
	*out = ret ? NULL : malloc(size);
	if (ret == 0 && !*out)
		ret = -ENOMEM;
	if (ret == 0 && !file_has(fd, *out, size, 0))
		ret = -EIO;
	if (fd >= 0)
		close(fd);
	return ret;
}

int compact_file(int folder, enum series_step step, const struct archive_file *file,
		 uint64_t *bytes)
{
	struct compact *c = calloc(1, sizeof(*c));
	char name[ARCHIVE_NAME], next[ARCHIVE_NAME + sizeof(ARCHIVE_NEXT)];
	uint8_t *old = NULL;
	int ret = c ? 0 : -ENOMEM;

	archive_name(step, file->serial, name);
	snprintf(next, sizeof(next), "%s" ARCHIVE_NEXT, name);
	if (ret == 0)
		ret = compact_load(folder, name, file->bytes, &old);
	if (ret == 0) {
		*c = (struct compact){ .step = step, .bytes = old, .size = file->bytes };
		/* names are told apart by their hashes: nobody may know which are alike */
		if (getrandom(&c->names.seed, sizeof(c->names.seed), GRND_NONBLOCK) < 0)
			c->names.seed = 1;
		slot_init(&c->scratch, 0);
		c->fd = openat(folder, next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			       0640);
		ret = c->fd < 0 ? -errno : compact_all(c);
		if (ret == 0 && renameat(folder, next, folder, name))
			ret = -errno;
		if (c->fd >= 0)
			close(c->fd);
		*bytes = c->written;
		block_fini(&c->block);
		free(c->runs);
	}
	if (ret)
		unlinkat(folder, next, 0);
	free(old);
	free(c);
	return ret;
}
