/*
 * tally - what the web thread counts of itself, and everything that it gives up.
 *
 * Threads:  the web thread alone.
 * Memory:   a value; all zero at first.
 */
#ifndef WEB_TALLY_H
#define WEB_TALLY_H

#include <stdint.h>

enum tally_kind {
	TALLY_REPLIES_2XX,
	TALLY_REPLIES_3XX,
	TALLY_REPLIES_4XX,
	TALLY_REPLIES_5XX,
	TALLY_RENDERED,
	TALLY_SHELF,
	TALLY_CONNECTIONS,
	TALLY_CUT_SLOW,
	TALLY_CUT_IDLE,
	TALLY_CUT_UNREAD,
	TALLY_CUT_ROOM,
	TALLY_CUT_BODY,
	TALLY_CUT_MEMORY,
	TALLY_ROUTES,
	TALLY_STREAMS,
	TALLY_STREAMS_REFUSED,
	TALLY_EVENTS_LOST,
	TALLY_KINDS,
};

struct tally {
	uint64_t counts[TALLY_KINDS];
};

/* Kinds of one name stand side by side and differ in their label. */
struct tally_info {
	const char *name;          /* of the counter, without _total */
	const char *label, *value; /* NULL: none */
	const char *help;
	const char *unit; /* of what is counted */
};

const struct tally_info *tally_info(enum tally_kind kind);
void tally_reply(struct tally *t, unsigned int status);

#endif
