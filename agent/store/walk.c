/*
 * walk - reading a file of an archive: its blocks, and of each the runs that are wanted.
 *
 * Threads:  any, of a copy of struct archive_file.
 * Memory:   freed again.
 * Errors:   as archive.h says them.
 */
#include "archive.h"

#include "column.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file being read: which of its numbers are wanted, and room for what is read. */
struct walk_look {
	const struct archive_walk *walk;
	int fd;
	uint64_t at; /* of the block */
	struct block_head head;
	uint32_t keys;
	uint8_t *bytes; /* BLOCK_MOST at most */
	size_t capacity;
	bool goes_on;
	uint8_t wanted[BLOCK_SERIES];
};

static bool walk_room(struct walk_look *l, size_t size)
{
	uint8_t *bytes;

	if (size <= l->capacity)
		return true;
	bytes = realloc(l->bytes, size);
	if (!bytes)
		return false;
	l->bytes = bytes;
	l->capacity = size;
	return true;
}

/* The number at the beginning of an entry, and the key that it has the first time. */
static uint32_t walk_entry(struct walk_look *l, struct column_reader *table)
{
	uint64_t number = column_number_get(table), size;
	struct export_key key;

	if (number != l->keys)
		return number < l->keys ? (uint32_t)number : BLOCK_SERIES;
	size = column_number_get(table);
	if (number >= BLOCK_SERIES || size > (size_t)(table->end - table->at))
		return BLOCK_SERIES;
	l->wanted[number] =
		!block_key_get(table->at, size, &key) && l->walk->want(l->walk->ctx, &key);
	table->at += size;
	l->keys++;
	return (uint32_t)number;
}

static int walk_run(struct walk_look *l, uint64_t at, uint64_t size)
{
	uint8_t *bytes = malloc(size + 1);
	int ret = bytes ? 0 : -ENOMEM;

	if (ret == 0 && !file_has(l->fd, bytes, size, at))
		ret = -EIO;
	if (ret == 0)
		l->goes_on = l->walk->run(l->walk->ctx, &l->head, bytes, size);
	free(bytes);
	return ret;
}

static int walk_block(struct walk_look *l)
{
	uint64_t at = l->at + sizeof(l->head) + l->head.table_bytes;
	bool is_wanted = l->head.from_s < l->head.until_s && l->walk->block(l->walk->ctx, &l->head);
	struct column_reader table;
	int ret = 0;

	if (!walk_room(l, l->head.table_bytes + 1) ||
	    !file_has(l->fd, l->bytes, l->head.table_bytes, l->at + sizeof(l->head)))
		return -EIO;
	table = (struct column_reader){ l->bytes, l->bytes + l->head.table_bytes, false };
	for (uint32_t i = 0; i < l->head.series && l->goes_on && ret == 0; i++) {
		uint32_t number = walk_entry(l, &table);
		uint64_t size = column_number_get(&table);

		if (number == BLOCK_SERIES || table.is_bad || at + size > l->at + l->head.bytes)
			return -EBADMSG;
		if (is_wanted && l->wanted[number] && l->walk->number)
			l->walk->number(l->walk->ctx, number);
		if (is_wanted && l->wanted[number])
			ret = walk_run(l, at, size);
		at += size;
	}
	return ret;
}

/* The block at l->at. */
static int walk_next(struct walk_look *l, const struct archive_file *file)
{
	if (!file_has(l->fd, &l->head, sizeof(l->head), l->at))
		return -EIO;
	if (l->head.magic != BLOCK_MAGIC || l->head.bytes < sizeof(l->head) ||
	    l->head.table_bytes > l->head.bytes - sizeof(l->head))
		return -EBADMSG;
	if (file->over_s && l->head.until_s > file->over_s)
		l->head.until_s = file->over_s;
	return walk_block(l);
}

int archive_read(int folder, enum series_step step, const struct archive_file *file,
		 const struct archive_walk *walk)
{
	struct walk_look *l = calloc(1, sizeof(*l));
	uint64_t size;
	char name[ARCHIVE_NAME];
	struct stat st = { 0 };
	int ret = 0;

	if (!l)
		return -ENOMEM;
	archive_name(step, file->serial, name);
	l->walk = walk;
	l->goes_on = !file->is_aside;
	l->at = sizeof(struct archive_head);
	l->fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (l->fd < 0 || fstat(l->fd, &st))
		ret = -errno;
	/* it may have been written anew, and shorter, since the caller took its copy */
	size = ret == 0 && (uint64_t)st.st_size < file->bytes ? (uint64_t)st.st_size : file->bytes;
	while (ret == 0 && l->goes_on && l->at + sizeof(l->head) <= size) {
		ret = walk_next(l, file);
		l->at += l->head.bytes;
	}
	if (l->fd >= 0)
		close(l->fd);
	free(l->bytes);
	free(l);
	return ret;
}
