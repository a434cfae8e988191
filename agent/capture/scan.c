#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SCAN_FIRST_PLACES 256u /* a power of two; idle machines have about 100 processes */

struct scan {
	struct scan_entry *entries; /* open addressing, linear; pid 0: empty */
	uint32_t places, used;
	uint32_t round; /* of the last listing */
};

int scan_open(struct scan **out)
{
	struct scan *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->places = SCAN_FIRST_PLACES;
	s->entries = calloc(s->places, sizeof(*s->entries));
	if (!s->entries) {
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void scan_close(struct scan *s)
{
	if (!s)
		return;
	free(s->entries);
	free(s);
}

static uint32_t scan_home(const struct scan *s, int32_t pid)
{
	return (uint32_t)pid * 2654435769u & (s->places - 1);
}

/* The place of a pid, or the empty one where it would stand. */
static struct scan_entry *scan_place(const struct scan *s, int32_t pid)
{
	uint32_t i = scan_home(s, pid);

	while (s->entries[i].pid && s->entries[i].pid != pid)
		i = (i + 1) & (s->places - 1);
	return &s->entries[i];
}

struct scan_entry *scan_find(struct scan *s, int32_t pid)
{
	struct scan_entry *entry = scan_place(s, pid);

	return entry->pid ? entry : NULL;
}

static int scan_grow(struct scan *s)
{
	struct scan old = *s;

	s->entries = calloc((size_t)old.places * 2, sizeof(*s->entries));
	if (!s->entries) {
		s->entries = old.entries;
		return -ENOMEM;
	}
	s->places = old.places * 2;
	for (uint32_t i = 0; i < old.places; i++)
		if (old.entries[i].pid)
			*scan_place(s, old.entries[i].pid) = old.entries[i];
	free(old.entries);
	return 0;
}

static struct scan_entry *scan_put(struct scan *s, int32_t pid)
{
	struct scan_entry *entry = scan_place(s, pid);

	if (entry->pid)
		return entry;
	if (s->used * 2 >= s->places) {
		if (scan_grow(s))
			return NULL;
		entry = scan_place(s, pid);
	}
	s->used++;
	memset(entry, 0, sizeof(*entry));
	entry->pid = pid;
	return entry;
}

static bool scan_same(const struct scan_entry *entry, const struct proc_stat *stat)
{
	return entry->start_ticks == stat->start_ticks && entry->start_code == stat->start_code &&
	       memcmp(entry->comm, stat->comm, sizeof(entry->comm)) == 0;
}

bool scan_note(struct scan *s, const struct proc_stat *stat, uint64_t now_ns)
{
	struct scan_entry *entry = scan_put(s, stat->pid);

	if (!entry)
		return false;
	if (entry->start_ticks && entry->start_ticks != stat->start_ticks)
		entry->forker = 0; /* that was another process */
	if (!scan_same(entry, stat)) {
		entry->start_ticks = stat->start_ticks;
		entry->start_code = stat->start_code;
		memcpy(entry->comm, stat->comm, sizeof(entry->comm));
		entry->kernel = stat->kernel;
		entry->looks = 0;
		entry->look_ns = now_ns;
	}
	return !entry->kernel && entry->look_ns <= now_ns;
}

int scan_hint(struct scan *s, int32_t pid, uint64_t at_ns)
{
	bool known = scan_find(s, pid);
	struct scan_entry *entry = scan_put(s, pid);

	if (!entry)
		return -ENOMEM;
	entry->looks = 0;
	if (!known || at_ns < entry->look_ns)
		entry->look_ns = at_ns;
	return 0;
}

void scan_missed(struct scan_entry *entry, uint64_t now_ns)
{
	uint64_t wait_s = UINT64_C(1) << entry->looks;

	if (wait_s >= SCAN_LONGEST_S)
		wait_s = SCAN_LONGEST_S;
	else
		entry->looks++;
	entry->look_ns = now_ns + wait_s * SCAN_SECOND_NS;
}

/* Moves what stands behind the hole back to where a search would find it. */
static void scan_close_gap(struct scan *s, uint32_t hole)
{
	uint32_t mask = s->places - 1;

	for (uint32_t i = (hole + 1) & mask; s->entries[i].pid; i = (i + 1) & mask) {
		uint32_t home = scan_home(s, s->entries[i].pid);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		s->entries[hole] = s->entries[i];
		hole = i;
	}
	memset(&s->entries[hole], 0, sizeof(s->entries[hole]));
}

void scan_drop(struct scan *s, int32_t pid)
{
	struct scan_entry *entry = scan_find(s, pid);

	if (!entry)
		return;
	s->used--;
	scan_close_gap(s, (uint32_t)(entry - s->entries));
}

uint32_t scan_size(const struct scan *s)
{
	return s->places;
}

struct scan_entry *scan_at(struct scan *s, uint32_t i)
{
	return s->entries[i].pid ? &s->entries[i] : NULL;
}

static void scan_list_one(struct scan *s, int32_t pid, uint64_t now_ns, bool told)
{
	struct scan_entry *entry = scan_find(s, pid);
	struct proc_stat stat;

	if (entry)
		entry->round = s->round;
	/* kernel threads change their names; their pids are given anew rarely */
	if (entry && entry->kernel && s->round % 16)
		return;
	if ((entry && told && entry->start_ticks) || proc_stat_read(pid, &stat))
		return;
	scan_note(s, &stat, now_ns);
	entry = scan_find(s, pid);
	if (entry)
		entry->round = s->round;
}

/* Drops what the listing no longer had; i stays, since another entry may have moved there. */
static uint32_t scan_sweep(struct scan *s)
{
	uint32_t i = 0, unseen = 0;

	while (i < scan_size(s)) {
		struct scan_entry *entry = scan_at(s, i);

		if (!entry || entry->round == s->round || entry->key || !entry->start_ticks) {
			i++;
			continue;
		}
		unseen += entry->knocked;
		scan_drop(s, entry->pid);
	}
	return unseen;
}

uint32_t scan_list(struct scan *s, uint64_t now_ns, bool told)
{
	DIR *proc = opendir("/proc");

	if (!proc)
		return 0;
	s->round++;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own */
	for (const struct dirent *e = readdir(proc); e; e = readdir(proc)) {
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			scan_list_one(s, (int32_t)strtol(e->d_name, NULL, 10), now_ns, told);
	}
	closedir(proc);
	return scan_sweep(s);
}
