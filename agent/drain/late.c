#include "late.h"

bool late_put(struct late *l, const struct drain_request *request, const struct decode_raw *raw)
{
	if (l->count == LATE_MOST)
		return false;
	l->requests[l->count].request = *request;
	l->requests[l->count].raw = *raw;
	l->count++;
	return true;
}

bool late_take(struct late *l, uint32_t *at, struct drain_request *request, struct decode_raw *raw)
{
	if (*at == l->count) {
		l->count = 0;
		return false;
	}
	*request = l->requests[*at].request;
	*raw = l->requests[*at].raw;
	(*at)++;
	return true;
}
