/*
 * paths - the paths of requests that wait for their answers, each by a number.
 *
 * Threads:  the drain thread.
 * Memory:   paths_fini frees; at most PATHS_MOST.
 * Errors:   number 0: no room; such a request has no path.
 */
#ifndef DRAIN_PATHS_H
#define DRAIN_PATHS_H

#include <ringside/abi.h>

#include <stddef.h>
#include <stdint.h>

#define PATHS_MOST 65536u

struct path {
	uint16_t next; /* of its list */
	char text[RS_PATH_BYTES + 1];
};

struct paths {
	struct path *all;
	uint32_t count, room;
	uint16_t free; /* the first of those given back */
};

void paths_fini(struct paths *p);

/* Canonical; on the list that begins at *list. */
uint16_t paths_add(struct paths *p, uint16_t *list, const uint8_t *text, size_t bytes);

/* Off its list; the text is good until the next paths_add. "" for 0. */
const char *paths_take(struct paths *p, uint16_t *list, uint16_t number);
void paths_drop(struct paths *p, uint16_t *list); /* the whole list */

#endif
