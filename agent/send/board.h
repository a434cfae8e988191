/*
 * board - the channels with their secrets, from the process that may read them to the courier's, in
 *         memory that both have.
 *
 * Threads:  one writer, any number of readers in other processes.
 * Memory:   board_open maps it, for the life of the process; forks have it too, until board_hide.
 * Errors:   0 or -errno; a secret that cannot be read is a fault of its channel.
 */
#ifndef SEND_BOARD_H
#define SEND_BOARD_H

#include "config_alerts.h"

#define BOARD_FAULT 160

struct board;

struct board_set {
	uint32_t count;
	uint64_t sums[CHANNEL_MAX];            /* channel_sum, by which the worker names them */
	struct channel channels[CHANNEL_MAX];  /* with their secrets */
	char faults[CHANNEL_MAX][BOARD_FAULT]; /* "": none */
};

int board_open(struct board **out);
void board_hide(struct board *b); /* processes forked from here on have it not */

/* Reads the secrets from their files, and puts all up in the place of what was there. */
void board_put(struct board *b, const struct config_alerts *alerts);

/* True: what is up there is not what was *seen, and is in out now. */
bool board_take(struct board *b, uint32_t *seen, struct board_set *out);

#endif
