#include "upload.h"

#include <stdlib.h>
#include <string.h>

struct upload *upload_open(const char *target)
{
	size_t length = strlen(target) + 1;
	struct upload *u = calloc(1, sizeof(*u) + length);

	if (u)
		memcpy(u->target, target, length);
	return u;
}

void upload_close(struct upload *u)
{
	if (u)
		free(u->body);
	free(u);
}

bool upload_take(struct upload *u, const char *bytes, size_t length)
{
	char *more;

	u->received += length;
	if (u->received > u->limit) {
		free(u->body);
		u->body = NULL;
		u->length = u->size = 0;
		return true;
	}
	if (u->length + length > u->size) {
		u->size = 2 * (u->length + length);
		more = realloc(u->body, u->size);
		if (!more)
			return false;
		u->body = more;
	}
	memcpy(u->body + u->length, bytes, length);
	u->length += length;
	return true;
}
