/*
 * mux - an HTTP/2 connection of a process without a segment: streams to requests, with the paths
 *       that their header blocks say.
 *
 * Threads:  the drain thread.
 * Memory:   20 KB, mux_close frees, and a table of HPACK_TABLE bytes at most.
 * Errors:   by parsed_unparsed. A block that makes no sense ends the knowledge of its connection:
 *           later requests count, and RS_UNPARSED_HPACK_GAP says that their paths are not known.
 *           Behind bytes that were lost it goes on with the next frame that begins an event; what
 *           was open, or asked for meanwhile, is RS_UNPARSED_UNSEEN_IO, each of it.
 */
#ifndef DRAIN_MUX_H
#define DRAIN_MUX_H

#include "exchange.h"
#include "http2.h"
#include "parsed.h"

struct mux;

struct mux *mux_open(uint8_t skip); /* as of http2_init; NULL: no memory */
void mux_close(struct mux *m);      /* NULL is fine */

/*
 * In its middle: of its requests it will say how they were answered, but not their paths. all: of
 * those before, it is ours to say that they were lost.
 */
bool mux_begins_found(const uint8_t *text, uint32_t bytes); /* do bytes read look like one? */
struct mux *mux_open_found(bool all);

/* A 101 was written: is it one to HTTP/2? The request becomes the first stream. */
bool mux_is_upgrade(const struct exchange *x);
void mux_upgrade(struct mux *m, const struct served *request);

/* Ahead of what is written: see http2_declines. */
bool mux_declines(struct mux *m, struct parsed *to, const uint8_t *text, uint32_t bytes);

/* text NULL: they moved unseen. */
void mux_move(struct mux *m, struct parsed *to, enum http2_way_of way, const uint8_t *text,
	      uint32_t bytes);
/* Events were lost, and none follows. stream: the last one that was asked for there; 0: none. */
void mux_cut(struct mux *m, struct parsed *to, uint32_t stream);
bool mux_is_idle(const struct mux *m); /* no stream is open */
void mux_end(struct mux *m, struct parsed *to, bool client_gone);

#endif
