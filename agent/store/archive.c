#include "archive.h"

#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define ARCHIVE_MAGIC UINT64_C(0x3154534948534e52) /* "RNSHIST1" */
#define ARCHIVE_VERSION 1u
#define ARCHIVE_BYTES_MOST (256u << 20) /* of a file that is looked at: ours are far smaller */

static const char *const archive_steps[SERIES_STEPS] = { "1s", "10s", "5m" };

/* So long one file goes on at most, since it can only be deleted as a whole. */
static const uint32_t archive_span_s[SERIES_STEPS] = { 600, 7200, 86400 };

void archive_name(enum series_step step, uint64_t serial, char out[ARCHIVE_NAME])
{
	snprintf(out, ARCHIVE_NAME, "%s-%010llu.history", archive_steps[step],
		 (unsigned long long)serial);
}

static bool archive_serial(enum series_step step, const char *name, uint64_t *serial)
{
	char again[ARCHIVE_NAME];
	size_t prefix = strlen(archive_steps[step]);
	char *end;

	if (strncmp(name, archive_steps[step], prefix) != 0 || name[prefix] != '-')
		return false;
	*serial = strtoull(name + prefix + 1, &end, 10);
	archive_name(step, *serial, again);
	return !strcmp(name, again);
}

static struct archive_file *archive_file_add(struct archive *a, uint64_t serial)
{
	uint32_t capacity = a->capacity ? a->capacity * 2 : 16;
	struct archive_file *files;

	if (a->count == a->capacity) {
		files = realloc(a->files, capacity * sizeof(*files));
		if (!files)
			return NULL;
		a->files = files;
		a->capacity = capacity;
	}
	a->files[a->count] = (struct archive_file){ .serial = serial };
	return &a->files[a->count++];
}

/* What a compaction left that did not come to its end. */
static bool archive_is_part(enum series_step step, const char *name)
{
	char whole[ARCHIVE_NAME];
	size_t length = strlen(name), tail = strlen(ARCHIVE_NEXT);
	uint64_t serial;

	if (length <= tail || length - tail >= sizeof(whole) ||
	    strcmp(name + length - tail, ARCHIVE_NEXT) != 0)
		return false;
	snprintf(whole, sizeof(whole), "%.*s", (int)(length - tail), name);
	return archive_serial(step, whole, &serial);
}

static int archive_compare(const void *left, const void *right)
{
	const struct archive_file *a = left, *b = right;

	return (a->serial > b->serial) - (a->serial < b->serial);
}

static int archive_list(struct archive *a)
{
	int fd = openat(a->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t serial;
	int ret = 0;

	if (!folder) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (ret == 0 && (entry = readdir(folder))) { /* NOLINT(concurrency-mt-unsafe): ours */
		if (archive_serial(a->step, entry->d_name, &serial) && !archive_file_add(a, serial))
			ret = -ENOMEM;
		if (!a->is_only && archive_is_part(a->step, entry->d_name))
			unlinkat(a->folder, entry->d_name, 0);
	}
	closedir(folder);
	if (a->count)
		qsort(a->files, a->count, sizeof(*a->files), archive_compare);
	return ret;
}

static void archive_tell(struct archive *a, const struct archive_file *file, uint64_t at,
			 const char *reason)
{
	char name[ARCHIVE_NAME];

	a->cuts++;
	archive_name(a->step, file->serial, name);
	snprintf(a->cut, sizeof(a->cut), "%s was cut off at byte %llu: %s", name,
		 (unsigned long long)at, reason);
}

/* What may be good for another agent, or another day, is kept; it counts as all others do. */
static void archive_set_aside(struct archive *a, struct archive_file *file, uint64_t bytes,
			      const char *reason)
{
	char name[ARCHIVE_NAME];

	a->cuts++;
	file->is_aside = true;
	file->bytes = bytes;
	archive_name(a->step, file->serial, name);
	snprintf(a->cut, sizeof(a->cut), "%s is set aside, %llu bytes: %s", name,
		 (unsigned long long)bytes, reason);
}

static void archive_note(struct archive_file *file, const struct block_head *head)
{
	if (!file->until_s)
		file->from_s = head->from_s;
	file->until_s = head->until_s;
	file->wall_offset_ms = head->wall_offset_ms;
	file->is_gauges = head->flags & BLOCK_GAUGES;
	file->is_compact = head->flags & BLOCK_COMPACT;
	file->blocks++;
	file->bytes += head->bytes;
}

/* Blocks from the head of the file on; what is not one and all behind it is cut off. */
static void archive_check(struct archive *a, struct archive_file *file, const uint8_t *bytes,
			  size_t size, int fd)
{
	const char *reason = NULL;
	struct archive_head head = { 0 };

	if (size < sizeof(head)) {
		archive_tell(a, file, 0, "it is shorter than its head");
		return;
	}
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != ARCHIVE_MAGIC || head.version != ARCHIVE_VERSION ||
	    head.step_s != series_step_s[a->step]) {
		archive_set_aside(a, file, size, "it is no file of this step and version");
		return;
	}
	memcpy(file->boot, head.boot, sizeof(head.boot));
	file->bytes = sizeof(head);
	while (!reason && file->bytes < size) {
		struct block_head block;

		reason = block_check(bytes + file->bytes, size - file->bytes);
		if (reason)
			break;
		memcpy(&block, bytes + file->bytes, sizeof(block));
		archive_note(file, &block);
	}
	if (!reason)
		return;
	archive_tell(a, file, file->bytes, reason);
	if (ftruncate(fd, (off_t)file->bytes))
		archive_tell(a, file, file->bytes, "and it cannot be cut");
}

static void archive_look(struct archive *a, struct archive_file *file)
{
	char name[ARCHIVE_NAME];
	struct stat st = { 0 };
	uint8_t *bytes = NULL;
	int fd;

	archive_name(a->step, file->serial, name);
	fd = a->is_only ? -1 : openat(a->folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) /* of a disk that may only be read */
		fd = openat(a->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fstatat(a->folder, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		archive_set_aside(a, file, 0, "it is no file");
	else if (fd < 0 || st.st_size > (off_t)ARCHIVE_BYTES_MOST ||
		 !(bytes = malloc((size_t)st.st_size + 1)) ||
		 !file_has(fd, bytes, (size_t)st.st_size, 0))
		archive_set_aside(a, file, (uint64_t)st.st_size, "it cannot be read");
	else
		archive_check(a, file, bytes, (size_t)st.st_size, fd);
	a->bytes += file->bytes;
	free(bytes);
	if (fd >= 0)
		close(fd);
}

/* One boot has one wall clock: that which was told last holds for all of its files. */
static void archive_offsets(struct archive *a)
{
	for (uint32_t i = a->count; i > 1; i--) {
		const struct archive_file *later = &a->files[i - 1];
		struct archive_file *file = &a->files[i - 2];

		if (!memcmp(file->boot, later->boot, sizeof(file->boot)) && later->until_s)
			file->wall_offset_ms = later->wall_offset_ms;
	}
}

/* By less than a slot one begins before the end of another where that was mended. */
static void archive_overlaps(struct archive *a)
{
	for (uint32_t i = 0; i < a->count; i++) {
		struct archive_file *file = &a->files[i];

		for (uint32_t k = i + 1; k < a->count && !file->is_gauges; k++) {
			const struct archive_file *later = &a->files[k];
			uint32_t until_s = file->over_s ? file->over_s : file->until_s;

			if (memcmp(file->boot, later->boot, sizeof(file->boot)) == 0 &&
			    later->until_s && !later->is_gauges &&
			    later->from_s + series_step_s[a->step] <= until_s)
				file->over_s = later->from_s;
		}
	}
}

static int archive_begin(struct archive *a, int folder, enum series_step step)
{
	int ret;

	a->folder = folder;
	a->step = step;
	a->fd = -1;
	ret = archive_list(a);
	for (uint32_t i = 0; i < a->count; i++)
		archive_look(a, &a->files[i]);
	archive_offsets(a);
	archive_overlaps(a);
	return ret;
}

int archive_open(struct archive *a, int folder, enum series_step step,
		 const char boot[ARCHIVE_BOOT_BYTES])
{
	memset(a, 0, sizeof(*a));
	memcpy(a->boot, boot, sizeof(a->boot));
	return archive_begin(a, folder, step);
}

int archive_open_only(struct archive *a, int folder, enum series_step step)
{
	memset(a, 0, sizeof(*a));
	a->is_only = true;
	return archive_begin(a, folder, step);
}

static void archive_end_file(struct archive *a)
{
	if (a->fd >= 0) {
		fdatasync(a->fd);
		close(a->fd);
	}
	a->fd = -1;
	free(a->names);
	a->names = NULL;
}

void archive_close(struct archive *a)
{
	archive_end_file(a);
	free(a->files);
	a->files = NULL;
	a->count = a->capacity = 0;
}

static bool archive_is_full(const struct archive *a)
{
	const struct archive_file *file = &a->files[a->count - 1];

	return file->bytes > ARCHIVE_FILE_BYTES ||
	       file->until_s - file->from_s >= archive_span_s[a->step];
}

struct block_names *archive_names(struct archive *a)
{
	if (a->fd >= 0 && archive_is_full(a))
		archive_end_file(a);
	if (a->names)
		return a->names;
	a->names = calloc(1, sizeof(*a->names));
	if (a->names && getrandom(&a->names->seed, sizeof(a->names->seed), GRND_NONBLOCK) < 0)
		a->names->seed = 1;
	return a->names;
}

void archive_give_up(struct archive *a)
{
	archive_end_file(a);
}

static int archive_begin_file(struct archive *a)
{
	uint64_t serial = a->count ? a->files[a->count - 1].serial + 1 : 1;
	struct archive_head head = { .magic = ARCHIVE_MAGIC, .version = ARCHIVE_VERSION };
	struct archive_file *file;
	char name[ARCHIVE_NAME];
	ssize_t n;

	head.step_s = series_step_s[a->step];
	memcpy(head.boot, a->boot, sizeof(head.boot));
	archive_name(a->step, serial, name);
	a->fd = openat(a->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (a->fd < 0)
		return -errno;
	n = write(a->fd, &head, sizeof(head));
	file = n == (ssize_t)sizeof(head) ? archive_file_add(a, serial) : NULL;
	if (!file) {
		unlinkat(a->folder, name, 0);
		return n < 0 ? -errno : -ENOSPC;
	}
	memcpy(file->boot, a->boot, sizeof(file->boot));
	file->bytes = sizeof(head);
	a->bytes += sizeof(head);
	return 0;
}

/* Of a full disk may come a part: what was there before stays good. */
static int archive_write(struct archive *a, const struct block *block)
{
	const struct archive_file *file = &a->files[a->count - 1];
	struct block_head head = block->head;
	const struct iovec parts[] = { { &head, sizeof(head) },
				       { block->table.at, block->table.size },
				       { block->runs.at, block->runs.size } };
	ssize_t n = pwritev(a->fd, parts, 3, (off_t)file->bytes);
	int ret = n < 0 ? -errno : -ENOSPC;

	if (n == (ssize_t)head.bytes) {
		if (!fdatasync(a->fd)) /* the machine may stop, not only we */
			return 0;
		ret = -errno;
	}
	if (ftruncate(a->fd, (off_t)file->bytes)) /* the next to open it cuts it off */
		ret = -errno;
	return ret;
}

int archive_append(struct archive *a, const struct block *block)
{
	int ret = a->fd >= 0 ? 0 : archive_begin_file(a);

	if (ret == 0)
		ret = archive_write(a, block);
	if (ret < 0) {
		archive_end_file(a);
		return ret;
	}
	archive_note(&a->files[a->count - 1], &block->head);
	a->bytes += block->head.bytes;
	archive_offsets(a);
	return 0;
}

int archive_append_alone(struct archive *a, const struct block *block,
			 const char boot[ARCHIVE_BOOT_BYTES])
{
	char ours[ARCHIVE_BOOT_BYTES];
	int ret;

	memcpy(ours, a->boot, sizeof(ours));
	memcpy(a->boot, boot, sizeof(a->boot));
	ret = archive_append(a, block);
	memcpy(a->boot, ours, sizeof(a->boot));
	archive_end_file(a);
	return ret;
}

bool archive_drop(struct archive *a, uint32_t index)
{
	char name[ARCHIVE_NAME];

	if (index + (a->fd >= 0) >= a->count)
		return false;
	archive_name(a->step, a->files[index].serial, name);
	unlinkat(a->folder, name, 0);
	a->bytes -= a->files[index].bytes;
	a->count--;
	memmove(&a->files[index], &a->files[index + 1], (a->count - index) * sizeof(*a->files));
	return true;
}

int archive_loose(const struct archive *a)
{
	for (uint32_t i = 0; i + (a->fd >= 0) < a->count; i++) {
		if (a->files[i].blocks > 1 && !a->files[i].is_compact)
			return (int)i;
	}
	return -1;
}

void archive_compacted(struct archive *a, int index, uint64_t bytes)
{
	struct archive_file *file = &a->files[index];

	a->bytes += bytes;
	a->bytes -= file->bytes;
	file->bytes = bytes;
	file->is_compact = true;
}

uint32_t archive_until_of(const struct archive *a, const char boot[ARCHIVE_BOOT_BYTES])
{
	uint32_t until_s = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		if (!memcmp(a->files[i].boot, boot, ARCHIVE_BOOT_BYTES) && !a->files[i].is_gauges &&
		    a->files[i].until_s > until_s)
			until_s = a->files[i].until_s;
	}
	return until_s;
}

uint32_t archive_until(const struct archive *a)
{
	return archive_until_of(a, a->boot);
}

bool archive_covers(const struct archive *a, int64_t from_ms, int64_t until_ms)
{
	for (uint32_t i = 0; i < a->count; i++) {
		const struct archive_file *file = &a->files[i];

		if (!file->is_gauges &&
		    (int64_t)file->from_s * 1000 + file->wall_offset_ms <= from_ms &&
		    (int64_t)file->until_s * 1000 + file->wall_offset_ms >= until_ms)
			return true;
	}
	return false;
}
