/*
 * shapes - the paths of a process's shape table, each copied out once.
 *
 * Threads:  the drain thread.
 * Memory:   shapes_fini frees; a path stays where it is until then. All processes share a budget.
 * Errors:   NULL: no such shape, or no room for it.
 */
#ifndef DRAIN_SHAPES_H
#define DRAIN_SHAPES_H

#include "decode.h"
#include "segment.h"

#define SHAPES_BYTES (16u << 20) /* of all processes; 100 of them with the shim's most take 40 % */
#define SHAPES_PAGE 256u
#define SHAPES_PAGES (RS_SHAPES_BYTES / 8 / SHAPES_PAGE)
#define SHAPES_OTHER "_other"

struct shapes_budget {
	uint64_t used; /* bytes */
	uint64_t lost; /* times that a shape found no room */
};

struct shapes {
	struct shapes_budget *budget;
	char **pages[SHAPES_PAGES]; /* by id */
	uint64_t bytes;
	bool listed; /* the index was read since the caller cleared this: once a round is enough */
	uint16_t cells[RS_CELLS];     /* the shape of a cell, 0: not known */
	char path[RS_PATH_BYTES + 1]; /* of the last request that brought its own */
};

void shapes_init(struct shapes *s, struct shapes_budget *budget);
void shapes_fini(struct shapes *s);

const char *shapes_path_fetch(struct shapes *s, const struct segment *segment, uint16_t id);

static inline const char *shapes_path(struct shapes *s, const struct segment *segment, uint16_t id)
{
	char **page = id < RS_SHAPES_BYTES / 8 ? s->pages[id / SHAPES_PAGE] : NULL;

	if (page && page[id % SHAPES_PAGE])
		return page[id % SHAPES_PAGE];
	return shapes_path_fetch(s, segment, id);
}

/* The path of a request of the process with this key, by raw or by its shape; until the next. */
void shapes_fill(struct shapes *s, const struct segment *segment, uint64_t key,
		 const struct decode_raw *raw, struct drain_request *request);

/* Never NULL: SHAPES_OTHER where nothing better is known. */
const char *shapes_cell_path(struct shapes *s, const struct segment *segment, uint32_t cell);

#endif
