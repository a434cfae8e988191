#include "checkpoint.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECKPOINT_MAGIC UINT64_C(0x31504b4352474e52)
#define CHECKPOINT_VERSION 1u
#define CHECKPOINT_STEP_BYTES (256u << 10) /* space on the disk is asked for in such steps */
#define CHECKPOINT_ENTRIES_AT (CHECKPOINT_HEAD_BYTES + CHECKPOINT_BLOB_BYTES)

struct checkpoint_head {
	uint64_t magic;
	uint32_t version, words; /* words: of an entry, so of the ABI */
	uint64_t serial;         /* 1, 2, 3 …; n lies in half n % 2 */
	char boot[CHECKPOINT_BOOT_BYTES];
	uint64_t blob_bytes, entries_bytes;
	uint64_t sum; /* of all of these, of the blob and of the entries */
};

struct checkpoint {
	int fd;
	char boot[CHECKPOINT_BOOT_BYTES];
	uint64_t serial;      /* of the newest half */
	uint8_t *halves[2];   /* mapped */
	uint32_t reserved[2]; /* bytes of their entries that have space on the disk */
	uint32_t writing;     /* the half under way */
	uint32_t put;         /* bytes of its entries */
	int error;            /* of a put */
	uint8_t *blob;        /* found */
	uint64_t blob_bytes;
	uint8_t *found; /* entries; a taken one has pid 0 */
	uint32_t found_bytes;
	uint32_t found_next; /* processes come in the order that they were saved in */
};

_Static_assert(sizeof(struct checkpoint_head) <= CHECKPOINT_HEAD_BYTES, "a page");
_Static_assert(sizeof(struct checkpoint_entry) % sizeof(uint64_t) == 0, "words only");

static uint32_t checkpoint_entry_bytes(uint32_t lanes)
{
	return (uint32_t)(sizeof(struct checkpoint_entry) + (lanes + 1) * sizeof(uint64_t));
}

/* No defence against malice: the file is ours alone. */
static uint64_t checkpoint_mix(uint64_t sum, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i += sizeof(uint64_t)) {
		size_t part = count - i < sizeof(uint64_t) ? count - i : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, bytes + i, part);
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
	}
	return sum;
}

static uint64_t checkpoint_sum(const struct checkpoint_head *head, const uint8_t *blob,
			       const uint8_t *entries)
{
	uint64_t sum = checkpoint_mix(CHECKPOINT_MAGIC, (const uint8_t *)head,
				      offsetof(struct checkpoint_head, sum));

	sum = checkpoint_mix(sum, blob, head->blob_bytes);
	return checkpoint_mix(sum, entries, head->entries_bytes);
}

static bool checkpoint_head_good(const struct checkpoint *c, const struct checkpoint_head *head)
{
	return head->magic == CHECKPOINT_MAGIC && head->version == CHECKPOINT_VERSION &&
	       head->words == SEGMENT_WORDS && head->serial &&
	       !memcmp(head->boot, c->boot, sizeof(head->boot)) &&
	       head->blob_bytes <= CHECKPOINT_BLOB_BYTES &&
	       head->entries_bytes <= CHECKPOINT_ENTRIES_BYTES;
}

static bool checkpoint_entries_good(const uint8_t *entries, uint64_t bytes)
{
	struct checkpoint_entry entry;
	uint64_t at = 0;

	while (at + sizeof(entry) <= bytes) {
		memcpy(&entry, entries + at, sizeof(entry));
		if (entry.lanes > RS_LANES)
			return false;
		at += checkpoint_entry_bytes(entry.lanes);
	}
	return at == bytes;
}

/* Takes the half into private memory if it is good and newer than what we have. */
static int checkpoint_read(struct checkpoint *c, uint32_t half)
{
	uint64_t at = half * (uint64_t)CHECKPOINT_HALF_BYTES;
	struct checkpoint_head head;
	uint8_t *blob, *entries;

	if (!file_has(c->fd, &head, sizeof(head), at) || !checkpoint_head_good(c, &head) ||
	    head.serial % 2 != half || head.serial <= c->serial)
		return 0;
	blob = malloc(head.blob_bytes + 1);
	entries = malloc(head.entries_bytes + 1);
	if (!blob || !entries) {
		free(blob);
		free(entries);
		return -ENOMEM;
	}
	if (!file_has(c->fd, blob, head.blob_bytes, at + CHECKPOINT_HEAD_BYTES) ||
	    !file_has(c->fd, entries, head.entries_bytes, at + CHECKPOINT_ENTRIES_AT) ||
	    checkpoint_sum(&head, blob, entries) != head.sum ||
	    !checkpoint_entries_good(entries, head.entries_bytes)) {
		free(blob);
		free(entries);
		return 0;
	}
	free(c->blob);
	free(c->found);
	c->blob = blob;
	c->blob_bytes = head.blob_bytes;
	c->found = entries;
	c->found_bytes = (uint32_t)head.entries_bytes;
	c->serial = head.serial;
	return 0;
}

/* A mapped page without space on the disk behind it would be a signal, not an error. */
static int checkpoint_reserve(struct checkpoint *c, uint32_t half, uint32_t bytes)
{
	uint64_t at = half * (uint64_t)CHECKPOINT_HALF_BYTES + CHECKPOINT_ENTRIES_AT;
	int result;

	if (bytes > CHECKPOINT_ENTRIES_BYTES)
		return -ENOSPC;
	if (bytes <= c->reserved[half])
		return 0;
	bytes = (bytes + CHECKPOINT_STEP_BYTES - 1) & ~(CHECKPOINT_STEP_BYTES - 1);
	result = posix_fallocate(c->fd, (off_t)at, bytes);
	if (!result)
		c->reserved[half] = bytes;
	return -result;
}

static int checkpoint_map(struct checkpoint *c)
{
	uint8_t *base;
	int result = 0;

	if (ftruncate(c->fd, 2 * (off_t)CHECKPOINT_HALF_BYTES))
		return -errno;
	for (uint32_t half = 0; half < 2 && !result; half++) {
		result = -posix_fallocate(c->fd, half * (off_t)CHECKPOINT_HALF_BYTES,
					  CHECKPOINT_ENTRIES_AT);
		if (!result)
			result = checkpoint_reserve(c, half, CHECKPOINT_STEP_BYTES);
	}
	if (result)
		return result;
	base = mmap(NULL, 2 * (size_t)CHECKPOINT_HALF_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		    c->fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	c->halves[0] = base;
	c->halves[1] = base + CHECKPOINT_HALF_BYTES;
	return 0;
}

static int checkpoint_start(struct checkpoint *c, const char *path)
{
	struct stat status;
	int result;

	c->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (c->fd < 0 || fstat(c->fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	/* Two agents that drain the same lanes would spoil each other's counts. */
	if (flock(c->fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	result = checkpoint_read(c, 0);
	if (!result)
		result = checkpoint_read(c, 1);
	return result ? result : checkpoint_map(c);
}

int checkpoint_open(struct checkpoint **out, const char *path,
		    const char boot[CHECKPOINT_BOOT_BYTES])
{
	struct checkpoint *c = calloc(1, sizeof(*c));
	int result;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	memcpy(c->boot, boot, sizeof(c->boot));
	result = checkpoint_start(c, path);
	if (result) {
		checkpoint_close(c);
		return result;
	}
	*out = c;
	return 0;
}

void checkpoint_close(struct checkpoint *c)
{
	if (!c)
		return;
	if (c->halves[0])
		munmap(c->halves[0], 2 * (size_t)CHECKPOINT_HALF_BYTES);
	if (c->fd >= 0)
		close(c->fd);
	free(c->blob);
	free(c->found);
	free(c);
}

const void *checkpoint_blob(const struct checkpoint *c, size_t *bytes)
{
	*bytes = c->blob_bytes;
	return c->blob;
}

void checkpoint_forget_blob(struct checkpoint *c)
{
	free(c->blob);
	c->blob = NULL;
	c->blob_bytes = 0;
}

static struct checkpoint_entry *checkpoint_found(const struct checkpoint *c, uint32_t at)
{
	return (struct checkpoint_entry *)(void *)(c->found + at);
}

const struct checkpoint_entry *checkpoint_take(struct checkpoint *c, int32_t pid,
					       uint64_t start_ticks, uint64_t inode)
{
	uint32_t looked = 0;

	while (looked < c->found_bytes) {
		struct checkpoint_entry *entry;
		uint32_t bytes;

		if (c->found_next == c->found_bytes)
			c->found_next = 0;
		entry = checkpoint_found(c, c->found_next);
		bytes = checkpoint_entry_bytes(entry->lanes);
		looked += bytes;
		c->found_next += bytes;
		if (entry->pid != pid || entry->start_ticks != start_ticks || entry->inode != inode)
			continue;
		entry->pid = 0;
		return entry;
	}
	return NULL;
}

const uint64_t *checkpoint_tails(const struct checkpoint_entry *entry)
{
	return (const uint64_t *)(entry + 1);
}

void checkpoint_forget(struct checkpoint *c)
{
	free(c->found);
	c->found = NULL;
	c->found_bytes = c->found_next = 0;
}

void *checkpoint_begin(struct checkpoint *c)
{
	c->writing = (uint32_t)(c->serial + 1) % 2;
	c->put = 0;
	c->error = 0;
	return c->halves[c->writing] + CHECKPOINT_HEAD_BYTES;
}

int checkpoint_put(struct checkpoint *c, const struct checkpoint_entry *entry,
		   const uint64_t *tails)
{
	uint32_t bytes = checkpoint_entry_bytes(entry->lanes);
	uint8_t *to = c->halves[c->writing] + CHECKPOINT_ENTRIES_AT + c->put;
	int result = c->error ? c->error : checkpoint_reserve(c, c->writing, c->put + bytes);

	if (result) {
		c->error = result;
		return result;
	}
	memcpy(to, entry, sizeof(*entry));
	memcpy(to + sizeof(*entry), tails, bytes - sizeof(*entry));
	c->put += bytes;
	return 0;
}

/* Of processes that were not found again yet: a restart right now must find them as we did. */
static void checkpoint_put_found(struct checkpoint *c)
{
	uint32_t at = 0;

	while (at < c->found_bytes) {
		const struct checkpoint_entry *entry = checkpoint_found(c, at);

		if (entry->pid)
			checkpoint_put(c, entry, checkpoint_tails(entry));
		at += checkpoint_entry_bytes(entry->lanes);
	}
}

int checkpoint_end(struct checkpoint *c, size_t blob_bytes)
{
	uint8_t *half = c->halves[c->writing];
	struct checkpoint_head head = { .magic = CHECKPOINT_MAGIC,
					.version = CHECKPOINT_VERSION,
					.words = SEGMENT_WORDS,
					.serial = c->serial + 1,
					.blob_bytes = blob_bytes };

	checkpoint_put_found(c);
	if (c->error)
		return c->error;
	memcpy(head.boot, c->boot, sizeof(head.boot));
	head.entries_bytes = c->put;
	head.sum =
		checkpoint_sum(&head, half + CHECKPOINT_HEAD_BYTES, half + CHECKPOINT_ENTRIES_AT);
	memcpy(half, &head, sizeof(head));
	c->serial++;
	return 0;
}
