#include "hold.h"

#include <stdlib.h>

#define HOLD_EVERY_NS INT64_C(60000000000) /* five times before an alert is taken for over */
#define HOLD_MOST_NS (4 * HOLD_EVERY_NS)

bool hold_is_due(struct hold *h, int64_t now_ns)
{
	bool is_through = h->next == h->count;

	if (now_ns < h->due_ns ||
	    (!is_through && now_ns < h->due_ns - HOLD_EVERY_NS + HOLD_MOST_NS))
		return false;
	h->due_ns = now_ns + HOLD_EVERY_NS;
	return true;
}

void hold_fini(struct hold *h)
{
	free(h->notices);
	h->notices = NULL;
	h->count = h->next = 0;
}

void hold_begin(struct hold *h, struct notice *notices, size_t count)
{
	hold_fini(h);
	h->notices = notices;
	h->count = count;
	h->flying = 0; /* an answer that was lost must not count for ever */
}

const struct notice *hold_next(const struct hold *h)
{
	return h->next < h->count && h->flying < HOLD_FLYING ? &h->notices[h->next] : NULL;
}

void hold_told(struct hold *h, uint32_t receivers)
{
	h->flying += receivers;
	if (++h->next == h->count)
		hold_fini(h);
}

void hold_forget(struct hold *h, uint64_t id)
{
	for (size_t i = h->next; i < h->count; i++)
		if (h->notices[i].id == id)
			h->notices[i].id = 0;
}

void hold_heard(struct hold *h)
{
	h->flying -= h->flying > 0;
}
