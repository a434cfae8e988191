#include "pieces.h"

#include <stdlib.h>
#include <string.h>

struct piece {
	struct piece *next;
	uint32_t at, bytes;
	uint8_t text[];
};

void pieces_put(struct pieces *p, uint32_t at, const uint8_t *text, uint32_t bytes)
{
	struct piece **place = &p->first, *piece;

	if (!bytes || bytes > PIECES_BYTES || pieces_cost(bytes) > PIECES_BYTES - p->bytes)
		return;
	piece = malloc(sizeof(*piece) + bytes);
	if (!piece)
		return;
	if (p->last && pieces_ahead(p->last->at, at) >= 0)
		place = &p->last->next; /* in order, as nearly all of them come */
	while (*place && pieces_ahead((*place)->at, at) >= 0)
		place = &(*place)->next;
	piece->at = at;
	piece->bytes = bytes;
	memcpy(piece->text, text, bytes);
	piece->next = *place;
	*place = piece;
	if (!piece->next)
		p->last = piece;
	p->bytes += pieces_cost(bytes);
}

static void pieces_free_first(struct pieces *p)
{
	struct piece *piece = p->first;

	p->first = piece->next;
	if (!p->first)
		p->last = NULL;
	p->bytes -= pieces_cost(piece->bytes);
	free(piece);
}

void pieces_clear(struct pieces *p)
{
	while (p->first)
		pieces_free_first(p);
}

const uint8_t *pieces_at(const struct pieces *p, uint32_t at, uint32_t *bytes)
{
	for (const struct piece *piece = p->first; piece; piece = piece->next) {
		int32_t in = pieces_ahead(piece->at, at);

		if (in < 0) { /* it begins later: a gap up to there */
			*bytes = *bytes < (uint32_t)-in ? *bytes : (uint32_t)-in;
			return NULL;
		}
		if ((uint32_t)in < piece->bytes) {
			uint32_t left = piece->bytes - (uint32_t)in;

			*bytes = *bytes < left ? *bytes : left;
			return piece->text + in;
		}
	}
	return NULL;
}

/* One that was sent again may end ahead of a longer one before it: that goes later. */
void pieces_drop(struct pieces *p, uint32_t before)
{
	while (p->first && pieces_ahead(p->first->at + p->first->bytes, before) >= 0)
		pieces_free_first(p);
}
