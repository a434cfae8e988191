/*
 * document_channels - how the channels stand on which alerts are told, and trying one out.
 */
#include "site.h"

#include "dispatch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CHANNELS_PATH "/api/alerts/channels/"

static const char *channels_state(const struct dispatch_row *row)
{
	if (!row->in_use)
		return "notConfigured";
	if (row->tries)
		return "failing";
	if (row->waiting)
		return "sending";
	return row->dropped || row->refused ? "lossy" : "ok";
}

static void channels_time(struct json *j, const char *key, int64_t wall_ms)
{
	if (wall_ms)
		json_time(j, key, wall_ms);
	else
		json_null(j, key);
}

static void channels_trial(const struct dispatch_row *row, struct json *j)
{
	static const char *const states[] = {
		[DISPATCH_TRYING] = "trying",
		[DISPATCH_GOOD] = "arrived",
		[DISPATCH_BAD] = "failed",
	};

	if (row->trial == DISPATCH_UNTRIED) {
		json_null(j, "test");
		return;
	}
	json_object_begin(j, "test");
	json_string(j, "state", states[row->trial]);
	json_time(j, "at", row->trial_ms);
	json_string(j, "reply", *row->trial_text ? row->trial_text : NULL);
	json_object_end(j);
}

static void channels_put(const struct dispatch_row *row, struct json *j)
{
	json_object_begin(j, NULL);
	json_string(j, "name", row->name);
	json_string(j, "type", row->type);
	json_string(j, "state", channels_state(row));
	json_array_begin(j, "levels");
	for (unsigned int level = 0; level < CONFIG_ALERTS_LEVELS; level++)
		if (row->levels >> level & 1)
			json_uint(j, NULL, level + 1);
	json_array_end(j);
	channels_time(j, "lastSuccessAt", row->arrived_ms);
	json_string(j, "lastReply", row->arrived_ms ? row->said : NULL);
	channels_time(j, "lastErrorAt", row->failed_ms);
	json_string(j, "lastError", row->failed_ms ? row->fault : NULL);
	json_uint(j, "failures", row->tries);
	json_uint(j, "waiting", row->waiting);
	json_uint(j, "delivered", row->delivered);
	json_uint(j, "refused", row->refused);
	json_uint(j, "dropped", row->dropped);
	json_uint(j, "skipped", row->skipped);
	channels_trial(row, j);
	json_object_end(j);
}

void document_outbox_put(const struct question *q, struct json *j)
{
	struct dispatch_counts counts;

	dispatch_counts_get(q->site->dispatch, &counts);
	json_object_begin(j, "outbox");
	json_uint(j, "waiting", counts.waiting);
	json_uint(j, "dropped", counts.dropped);
	json_uint(j, "damaged", counts.damaged);
	json_object_end(j);
}

int document_channels(const struct question *q, struct json *j)
{
	struct dispatch_row rows[CHANNEL_MAX];
	size_t from, to;
	uint32_t count;

	if (!q->site->dispatch)
		return document_alerts_off(q);
	count = dispatch_list(q->site->dispatch, rows);
	json_object_begin(j, NULL);
	document_page(q, j, count, &from, &to);
	json_array_begin(j, "channels");
	for (size_t i = from; i < to; i++)
		channels_put(&rows[i], j);
	json_array_end(j);
	document_outbox_put(q, j);
	json_object_end(j);
	return 0;
}

int document_channel_test(const struct question *q, struct json *j)
{
	char name[CHANNEL_NAME];
	const char *path = q->path + sizeof(CHANNELS_PATH) - 1;
	int64_t wall_ms = q->request->wall_ms;
	int ret;

	if (!q->site->dispatch)
		return document_alerts_off(q);
	ret = snprintf(name, sizeof(name), "%.*s", (int)strcspn(path, "/"), path);
	ret = ret < (int)sizeof(name) ? dispatch_try(q->site->dispatch, name, wall_ms) : -ENOENT;
	if (ret == -ENOENT)
		return refuse(q->no, 404, "no_channel", "there is no channel of this name");
	if (ret == -ENODEV)
		return refuse(q->no, 422, "not_configured", "this channel is not configured");
	if (ret == -EBUSY)
		return refuse(q->no, 409, "under_way", "this channel is being tried already");
	if (ret)
		return refuse(q->no, 503, "unavailable", "the runner takes no orders now");
	json_object_begin(j, NULL);
	json_string(j, "name", name);
	json_time(j, "at", wall_ms);
	json_object_end(j);
	return 0;
}
