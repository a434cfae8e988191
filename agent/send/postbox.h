/*
 * postbox - notices on their way to channels, on disk until each channel has them.
 *
 * Threads:  one owner at a time, which never waits for the disk: that is the scribe's.
 * Memory:   postbox_open allocates, postbox_close frees; an entry is the postbox's. The scribe is
 *           borrowed.
 * Errors:   0 or -errno; a disk that refuses leaves all in memory, and each change tries again.
 *
 * What is changed here is on its way to the disk; postbox_is_settled says when it is there. Until
 * then nobody is to be told of anything: what he does of it would be done again after a kill.
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
#include "scribe.h"

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

struct postbox_place {
	uint64_t line; /* from 1 on */
	size_t byte;   /* its first one */
};

struct postbox {
	struct scribe *scribe; /* of the folder */
	struct postbox_names names;
	struct postbox_entry *entries; /* oldest first */
	size_t count, room;
	uint64_t last;              /* the sequence of the notice that came last */
	size_t bytes;               /* of the file */
	uint64_t number;            /* the scribe's: when it has come so far all is settled … */
	bool moving;                /* … but what was given to it since */
	bool fresh;                 /* not synced yet */
	bool whole;                 /* what was given last is all of it */
	bool stale;                 /* the file does not say what is in memory, nor will it */
	int error;                  /* why, -errno */
	uint32_t late;              /* seconds in a row in which it was not settled */
	int unread;                 /* why the file could not be read when it was opened, -errno */
	uint64_t damaged;           /* lines that could not; the whole file is one */
	struct postbox_place place; /* of the first of them */
	uint64_t dropped[CHANNEL_MAX];
	int64_t begun_ms[CHANNEL_MAX]; /* wall clock, of what is begun once; 0: never */
};

/* names are borrowed. What was for a channel that is no more is dropped. */
int postbox_open(struct postbox **out, struct scribe *scribe, const struct postbox_names *names);
void postbox_close(struct postbox *p); /* NULL is allowed */

/* channels: a bit each. One that came before, as a kill may have it, is not taken twice. */
int postbox_put(struct postbox *p, const struct notice *notice, uint32_t channels);

/* What was put is to be safe from a machine that stops, too. */
void postbox_sync(struct postbox *p);

/*
 * Is all that was said here on the disk, with all that was given to the scribe until this was asked
 * first? Also where the disk refused it: error says why.
 */
bool postbox_is_settled(struct postbox *p);

/* The oldest notice of this channel; NULL: it has them all. */
const struct postbox_entry *postbox_first(const struct postbox *p, uint32_t channel);
uint32_t postbox_waiting(const struct postbox *p, uint32_t channel);

/*
 * The channel is through with it before it has it: what is done, not told, is begun at most once:
 * when it is settled, without an error. sequence 0: of no notice.
 */
void postbox_begin(struct postbox *p, uint64_t sequence, uint32_t channel, int64_t wall_ms);

/* The channel is through with it: it was delivered, or given up. Nothing: it was not waiting. */
int postbox_done(struct postbox *p, uint64_t sequence, uint32_t channel);

/* Other channels: what waits for one of the same name waits on, the rest is dropped. */
int postbox_rename(struct postbox *p, const struct postbox_names *names);

/* Each second: tries again where the disk refused. */
void postbox_second(struct postbox *p);

#endif
