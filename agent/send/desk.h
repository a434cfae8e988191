/*
 * desk - what dispatch knows of each channel, for the files that it is made of: how the channel
 *        stands, what is under way on it, and what came of that.
 *
 * Threads:  under the lock of the dispatch.
 * Memory:   of the dispatch.
 * Errors:   none.
 */
#ifndef SEND_DESK_H
#define SEND_DESK_H

#include "dispatch.h"
#include "hold.h"
#include "postbox.h"

#include <pthread.h>

struct courier_word;

struct dispatch_channel {
	struct dispatch_row row;
	uint64_t flying;              /* the sequence of the notice that is under way, … */
	int64_t flying_ms, flying_ns; /* … its time, and since when it is; flying_ns 0: none */
	int64_t due_ns;               /* not before */
	uint64_t dropped;             /* too old, beside those of the postbox */
	bool begins;                  /* an action: the disk is told that it begins, … */
	uint32_t kind;                /* … which is one of enum format_kind … */
	struct notice notice;         /* … for this */
};

struct dispatch {
	pthread_mutex_t lock;
	struct dispatch_config config;
	struct postbox *postbox;
	struct dispatch_channel channels[CHANNEL_MAX];
	struct hold hold;
	int64_t now_ns; /* of the last look; 0: none yet */
	pid_t pid;      /* of the courier; 0: it said nothing yet */
	pid_t runner;   /* … and of who does actions */
	bool silent;    /* the courier is gone, and that was said */
	bool unkept;    /* the disk refuses the outbox, and that was said */
};

bool desk_is_used(const struct dispatch *d, uint32_t channel);
bool desk_acts(const struct dispatch *d, uint32_t channel);    /* it is an action, and used */
bool desk_carries(const struct dispatch *d, uint32_t channel); /* its notices go to the courier */
/* The channel that a word is of; -ENOENT: it is no more, or not as it was. */
int desk_find(const struct dispatch *d, const struct courier_word *w);
uint64_t desk_dropped(const struct dispatch *d, uint32_t channel);

/* Fills in the rows as the configuration has them, and the names; what was counted stays. */
void desk_open(struct dispatch *d, struct postbox_names *names);

void desk_arrived(struct dispatch_channel *c, const char *text, int64_t wall_ms);
void desk_refused(struct dispatch_channel *c, const char *text, int64_t wall_ms);
void desk_tried(struct dispatch_channel *c, const struct courier_word *w);

/* What of the outbox could not be read when it was opened, and where, for people; "": nothing. */
void desk_damage(const struct dispatch *d, char *out, size_t size);
void desk_tell(struct dispatch *d, int64_t wall_ms);         /* to health */
void desk_leave(const struct dispatch *d, uint32_t channel); /* health knows it no more */

#endif
