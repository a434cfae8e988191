#include "way.h"

#include <stddef.h>

void way_begin(struct way *y, uint32_t at)
{
	y->at = at;
	y->known = true;
}

uint32_t way_to(struct way *y, uint32_t to, uint32_t length)
{
	if (!y->known)
		way_begin(y, to - length);
	/* the end of the stream has a position of its own */
	return y->at + length + 1 == to ? to - 1 : to;
}

bool way_next(struct way *y, uint32_t to, uint32_t length, const uint8_t **text, uint32_t *bytes)
{
	int32_t untold = pieces_ahead(y->at, to - length);

	*text = NULL;
	pieces_drop(&y->pieces, y->at); /* or each search would pass all of them by */
	if (pieces_ahead(y->at, to) <= 0)
		return false;
	*bytes = to - y->at;
	if (untold > 0) /* an event like this one was lost, and so when these moved */
		*bytes = (uint32_t)untold;
	else
		*text = pieces_at(&y->pieces, y->at, bytes);
	y->at += *bytes;
	return true;
}
