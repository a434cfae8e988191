/*
 * document - what the documents of the API have in common.
 */
#include "site.h"

#include <errno.h>
#include <stdio.h>

const char *document_method(unsigned int method)
{
	static const char *const names[RS_METHODS] = {
		[RS_METHOD_OTHER] = "_OTHER",    [RS_METHOD_GET] = "GET",
		[RS_METHOD_HEAD] = "HEAD",       [RS_METHOD_POST] = "POST",
		[RS_METHOD_PUT] = "PUT",         [RS_METHOD_DELETE] = "DELETE",
		[RS_METHOD_PATCH] = "PATCH",     [RS_METHOD_OPTIONS] = "OPTIONS",
		[RS_METHOD_CONNECT] = "CONNECT", [RS_METHOD_TRACE] = "TRACE",
	};

	return names[method < RS_METHODS ? method : RS_METHOD_OTHER];
}

const char *document_level(unsigned int level)
{
	static const char *const names[] = { "ok", "warning", "critical", "dump" };

	return level < METRICS_LEVEL_UNKNOWN ? names[level] : NULL;
}

const char *document_lost(unsigned int reason)
{
	static const char *const names[RS_LOST_REASONS] = {
		[RS_LOST_REENTRY] = "reentry",
		[RS_LOST_LONGJMP] = "longjmp",
		[RS_LOST_LANE_FULL] = "laneFull",
		[RS_LOST_OPEN_FULL] = "openFull",
		[RS_LOST_SHAPE_FULL] = "shapeFull",
		[RS_LOST_CELL] = "cell",
		[RS_LOST_RACE] = "race",
	};

	return reason < RS_LOST_REASONS ? names[reason] : NULL;
}

const char *document_unparsed(unsigned int reason)
{
	static const char *const names[RS_UNPARSED_REASONS] = {
		[RS_UNPARSED_GARBAGE] = "garbage",     [RS_UNPARSED_MID_STREAM] = "midStream",
		[RS_UNPARSED_RACE] = "race",           [RS_UNPARSED_HEAD_LIMIT] = "headLimit",
		[RS_UNPARSED_AMBIGUOUS] = "ambiguous", [RS_UNPARSED_DEPTH] = "depth",
		[RS_UNPARSED_UNASKED] = "unasked",     [RS_UNPARSED_FD_LIMIT] = "fdLimit",
		[RS_UNPARSED_NO_MEMORY] = "noMemory",  [RS_UNPARSED_TLS_UNLINKED] = "tlsUnlinked",
		[RS_UNPARSED_HPACK_GAP] = "hpackGap",  [RS_UNPARSED_UNSEEN_IO] = "unseenIo",
		[RS_UNPARSED_UNPAIRED] = "unpaired",
	};

	return reason < RS_UNPARSED_REASONS ? names[reason] : NULL;
}

int document_refuse(const struct question *q, int error)
{
	const struct metrics_scope *scope = &q->ask.scope;

	if (error == -ENOTSUP)
		return refuse(q->no, 400, "bad_scope", "pid and route do not go together");
	if (error != -ENOENT)
		return error;
	snprintf(q->no->field, sizeof(q->no->field), "%s",
		 scope->pid     ? "pid"
		 : scope->route ? "route"
				: "service");
	return refuse(q->no, 404, "not_seen", "nothing of that name was seen");
}

void document_measure_ms(struct json *j, const char *key, double ns)
{
	json_measure(j, key, ns < 0 ? ns : ns / 1e6);
}

void document_range(const struct question *q, struct json *j)
{
	json_string(j, "window", q->ask.window);
	json_time(j, "from", q->ask.from_ms);
	json_time(j, "to", q->ask.to_ms);
}

void document_page(const struct question *q, struct json *j, size_t count, size_t *from, size_t *to)
{
	char cursor[16];

	*from = q->ask.offset < count ? q->ask.offset : count;
	*to = count - *from > q->ask.limit ? *from + q->ask.limit : count;
	snprintf(cursor, sizeof(cursor), "%u", (unsigned int)*to);
	json_string(j, "nextCursor", *to < count ? cursor : NULL);
}
