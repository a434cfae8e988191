#include "redis_info.h"

#include <stdio.h>
#include <string.h>

static bool redis_info_is(const char *line, size_t length, const char *wanted)
{
	return length == strlen(wanted) && !memcmp(line, wanted, length);
}

static void redis_info_line(struct redis_info *i, const char *line, size_t length)
{
	static const char version[] = "redis_version:", limited[] = "maxmemory:";
	const struct {
		const char *yes;
		bool *to;
	} flags[] = {
		{ "cluster_enabled:1", &i->cluster },
		{ "role:slave", &i->replica },
		{ "loading:1", &i->loading },
		{ "aof_enabled:1", &i->aof },
		{ "maxmemory_policy:noeviction", &i->keeps },
	};
	size_t known = sizeof(version) - 1, limit = sizeof(limited) - 1;

	for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++)
		*flags[f].to = *flags[f].to || redis_info_is(line, length, flags[f].yes);
	if (length > limit && !memcmp(line, limited, limit))
		i->limited = line[limit] != '0';
	if (length > known && !memcmp(line, version, known))
		snprintf(i->version, sizeof(i->version), "%.*s", (int)(length - known),
			 line + known);
}

void redis_info_read(struct redis_info *i, const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((stop ? stop : end) - text);

		redis_info_line(i, text, line && text[line - 1] == '\r' ? line - 1 : line);
		text += line + 1;
	}
}

void redis_info_save(struct redis_info *i, const struct redis_value *answer)
{
	i->saves_known = answer->type == REDIS_ARRAY && answer->count == 2 &&
			 answer->items[1]->type == REDIS_STRING;
	i->saves = i->saves_known && answer->items[1]->length > 0;
}

bool redis_info_evicts(const struct redis_info *i)
{
	return i->limited && !i->keeps;
}

enum redis_persistence redis_info_persistence(const struct redis_info *i)
{
	if (i->aof)
		return REDIS_AOF;
	if (!i->saves_known)
		return REDIS_UNKNOWN;
	return i->saves ? REDIS_RDB : REDIS_NONE;
}

const char *redis_persistence_name(enum redis_persistence p)
{
	static const char *const names[] = { "unknown", "none", "rdb", "aof" };

	return names[p];
}
