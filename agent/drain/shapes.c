#include "shapes.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

#define SHAPES_BITS 16   /* ids of shapes are that long, keys of processes never near 48 */
#define SHAPES_ROUND 16u /* what an allocation costs beside its bytes */

void shapes_init(struct shapes *s, struct shapes_budget *budget)
{
	memset(s, 0, sizeof(*s));
	s->budget = budget;
}

void shapes_fini(struct shapes *s)
{
	for (uint32_t i = 0; i < SHAPES_PAGES; i++) {
		for (uint32_t k = 0; s->pages[i] && k < SHAPES_PAGE; k++)
			free(s->pages[i][k]);
		free(s->pages[i]);
	}
	s->budget->used -= s->bytes;
}

static void *shapes_allocate(struct shapes *s, size_t bytes)
{
	size_t whole = bytes + SHAPES_ROUND;
	void *memory = s->budget->used + whole <= SHAPES_BYTES ? calloc(1, bytes) : NULL;

	if (!memory) {
		s->budget->lost++;
		return NULL;
	}
	s->budget->used += whole;
	s->bytes += whole;
	return memory;
}

const char *shapes_path_fetch(struct shapes *s, const struct segment *segment, uint16_t id)
{
	struct segment_shape shape;
	char ***page;
	char *path;

	if (segment_shape_get(segment, id, &shape))
		return NULL;
	page = &s->pages[id / SHAPES_PAGE];
	if (!*page)
		*page = shapes_allocate(s, SHAPES_PAGE * sizeof(**page));
	if (!*page)
		return NULL;
	path = shapes_allocate(s, shape.length + 1u);
	if (path)
		memcpy(path, shape.path, shape.length + 1u);
	(*page)[id % SHAPES_PAGE] = path;
	return path;
}

void shapes_fill(struct shapes *s, const struct segment *segment, uint64_t key,
		 const struct decode_raw *raw, struct drain_request *request)
{
	const char *path = raw->path ? NULL : shapes_path(s, segment, raw->shape);

	request->path = path ? path : "";
	request->shape = path != NULL;
	request->known = path ? key << SHAPES_BITS | raw->shape : 0;
	if (!raw->path)
		return;
	text_canonical(raw->path, raw->path_bytes, s->path, sizeof(s->path));
	request->path = s->path;
}

/* Which shape has which cell: as the entries that the index points at say. */
static void shapes_list(struct shapes *s, const struct segment *segment)
{
	for (uint32_t i = 0; i < RS_SHAPE_INDEX_WORDS; i++) {
		uint16_t id = segment_shape_at(segment, i);
		struct segment_shape shape;

		if (id && !segment_shape_get(segment, id, &shape) && !s->cells[shape.cell])
			s->cells[shape.cell] = id;
	}
}

const char *shapes_cell_path(struct shapes *s, const struct segment *segment, uint32_t cell)
{
	const char *path = NULL;

	if (cell == RS_OTHER_CELL)
		return SHAPES_OTHER;
	if (!s->cells[cell] && !s->listed) {
		s->listed = true;
		shapes_list(s, segment);
	}
	if (s->cells[cell])
		path = shapes_path(s, segment, s->cells[cell]);
	return path ? path : SHAPES_OTHER;
}
