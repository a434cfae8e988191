/*
 * courier - carries notices to receivers, in a process of its own that may hang without harm.
 *
 * Threads:  one, and those of libcurl for names.
 * Memory:   its own until courier_run returns; the configuration is borrowed.
 * Errors:   of a delivery: told to the worker. It ends when the worker's side of the link does.
 *
 * The worker orders a delivery with one datagram of a SOCK_SEQPACKET pair, the courier answers with
 * one. It remembers what arrived last on each channel: a worker that was killed before it heard so
 * and orders again is told that it did, and the receiver nothing.
 */
#ifndef SEND_COURIER_H
#define SEND_COURIER_H

#include "board.h"
#include "format.h"
#include "own.h"

#define COURIER_TEXT 160

struct courier_order {
	uint32_t kind; /* enum format_kind */
	uint64_t sum;  /* channel_sum, by which it is known */
	struct notice notice;
};

enum courier_outcome {
	COURIER_HELLO,   /* it is new: nothing is under way */
	COURIER_ARRIVED, /* the receiver took it */
	COURIER_LATER,   /* it did not, and may another time */
	COURIER_REFUSED, /* it never will */
};

struct courier_word {
	uint32_t outcome;
	uint32_t kind, retry_ms; /* retry_ms: not before; 0: when you like */
	int32_t pid;
	uint64_t sum;      /* of the channel */
	uint64_t sequence; /* of the notice, with … */
	int64_t at_ms;
	char text[COURIER_TEXT]; /* what the receiver said, or what went wrong */
};

int courier_link(int out[2]); /* worker's end, courier's end; close-on-exec, non-blocking */

int courier_order(int link, const struct courier_order *order); /* -EAGAIN: it is behind */
/* 1: got one; 0: nobody is there; -EAGAIN; -EBADMSG: ignored. */
int courier_hear(int link, struct courier_word *out);

struct courier {
	struct board *board;  /* where its channels are put up, borrowed */
	uint32_t seen;        /* of the board */
	struct board_set set; /* what cannot be read of secrets is told as deliveries fail */
	int link;
	struct own own; /* the caller's to fill in: what is never connected to */
};

void courier_init(struct courier *c, struct board *board, int link);
int courier_run(void *courier); /* an exit code */

#endif
