#include "redis_slots.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static int redis_slots_place(const struct redis_value *v, const char *host, struct redis_place *out)
{
	const struct redis_value *name, *port;

	if (v->type != REDIS_ARRAY || v->count < 2)
		return -EPROTO;
	name = v->items[0];
	port = v->items[1];
	if (port->type != REDIS_INTEGER || port->number < 1 || port->number > 65535)
		return -EPROTO;
	if (name->type != REDIS_STRING && name->type != REDIS_NIL)
		return -EPROTO;
	/* a node that knows not its own address says "", one that will not say it a ? or nothing */
	if (name->type == REDIS_STRING && name->length && strcmp(name->text, "?") != 0)
		host = name->text;
	if (strlen(host) >= sizeof(out->host))
		return -EPROTO;
	memset(out, 0, sizeof(*out));
	memcpy(out->host, host, strlen(host));
	out->port = (uint16_t)port->number;
	return 0;
}

static bool redis_slots_are(const struct redis_value *range)
{
	if (range->type != REDIS_ARRAY || range->count < 3)
		return false;
	return range->items[0]->type == REDIS_INTEGER && range->items[1]->type == REDIS_INTEGER &&
	       range->items[0]->number >= 0 && range->items[1]->number < REDIS_SLOTS &&
	       range->items[0]->number <= range->items[1]->number;
}

int redis_slots_read(const struct redis_value *answer, const char *host, redis_slots_fn each,
		     void *ctx)
{
	struct redis_place master;

	if (answer->type != REDIS_ARRAY)
		return -EPROTO;
	for (size_t i = 0; i < answer->count; i++) {
		const struct redis_value *range = answer->items[i];

		if (!redis_slots_are(range) || redis_slots_place(range->items[2], host, &master))
			return -EPROTO;
		each(ctx, (uint32_t)range->items[0]->number, (uint32_t)range->items[1]->number,
		     &master);
	}
	return 0;
}
