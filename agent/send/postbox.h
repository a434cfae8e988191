/*
 * postbox - notices on their way to channels, on disk until each channel has them.
 *
 * Threads:  one owner at a time.
 * Memory:   postbox_open allocates, postbox_close frees; an entry is the postbox's.
 * Errors:   0 or -errno; a disk that refuses leaves all in memory, and each change tries again.
 *
 * alerts.outbox is a file of lines, "SUM JSON" each, that grows at its end: a notice with the
 * channels that it is for, then a line for each channel that is through with it; one of an action
 * says when that began. A kill cuts off the last line at most; one that is damaged is left out and
 * counted, and those around it stand. The file is written anew, as a whole, when most of it is of
 * the past.
 */
#ifndef SEND_POSTBOX_H
#define SEND_POSTBOX_H

#include "channel.h"
#include "notice.h"

#define POSTBOX_FILE "alerts.outbox"
#define POSTBOX_WAITING 256 /* notices of one channel: the oldest goes when another comes */

struct postbox_names {
	const char *at[CHANNEL_MAX];
	uint32_t count;
};

struct postbox_entry {
	struct notice notice;
	uint32_t waiting; /* channels that have it not, a bit each */
	uint32_t moved;   /* the same, while channels are renamed */
	bool aged;        /* since_ns is known */
	int64_t since_ns; /* the caller's: since when it waits, by the clock of this run */
};

struct postbox {
	const char *folder; /* borrowed */
	struct postbox_names names;
	int fd;
	struct postbox_entry *entries; /* oldest first */
	size_t count, room;
	uint64_t last;    /* the sequence of the notice that came last */
	size_t bytes;     /* of the file */
	bool fresh;       /* not synced yet */
	bool stale;       /* the file does not say what is in memory */
	int error;        /* why, -errno */
	uint64_t damaged; /* lines that could not be read when it was opened */
	uint64_t dropped[CHANNEL_MAX];
	int64_t begun_ms[CHANNEL_MAX]; /* wall clock, of what is begun once; 0: never */
};

/* names are borrowed. What was for a channel that is no more is dropped. */
int postbox_open(struct postbox **out, const char *folder, const struct postbox_names *names);
void postbox_close(struct postbox *p); /* NULL is allowed */

/* channels: a bit each. One that came before, as a kill may have it, is not taken twice. */
int postbox_put(struct postbox *p, const struct notice *notice, uint32_t channels);

/* What was put is on the disk: to be called before anybody is told that it was. */
void postbox_sync(struct postbox *p);

/* The oldest notice of this channel; NULL: it has them all. */
const struct postbox_entry *postbox_first(const struct postbox *p, uint32_t channel);
uint32_t postbox_waiting(const struct postbox *p, uint32_t channel);

/*
 * The channel is through with it before it has it: what is done, not told, is begun at most once.
 * Returns 0 only when this is on the disk; else it must not be begun. sequence 0: of no notice.
 */
int postbox_begin(struct postbox *p, uint64_t sequence, uint32_t channel, int64_t wall_ms);

/* The channel is through with it: it was delivered, or given up. Nothing: it was not waiting. */
int postbox_done(struct postbox *p, uint64_t sequence, uint32_t channel);

/* Other channels: what waits for one of the same name waits on, the rest is dropped. */
int postbox_rename(struct postbox *p, const struct postbox_names *names);

/* Tries again where the disk refused. */
void postbox_mend(struct postbox *p);

#endif
