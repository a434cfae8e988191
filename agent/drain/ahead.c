#include "ahead.h"

bool ahead_put(struct ahead *a, const struct lane_record *record)
{
	if (a->count == AHEAD_MOST)
		return false;
	a->records[a->count++] = *record;
	return true;
}

const struct lane_record *ahead_take(struct ahead *a, uint32_t connection, uint32_t number)
{
	for (uint32_t i = 0; i < a->count; i++) {
		const struct rs_head *head = &a->records[i].head;
		struct lane_record last;

		if (head->connection != connection || head->headers.number != number)
			continue;
		last = a->records[--a->count];
		a->records[a->count] = a->records[i];
		a->records[i] = last;
		return &a->records[a->count];
	}
	return NULL;
}
