#include "outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void outbox_init(struct outbox *o, int link)
{
	memset(o, 0, sizeof(*o));
	o->link = link;
}

void outbox_fini(struct outbox *o)
{
	free(o->died);
	o->died = NULL;
}

void outbox_hello(struct outbox *o)
{
	o->worker++;
}

void outbox_died(struct outbox *o, uint64_t key, const struct link_end *end)
{
	uint32_t room = o->died_room ? o->died_room * 2 : 64;
	struct outbox_died *more;

	if (o->died_count == o->died_room) {
		more = realloc(o->died, room * sizeof(*more));
		if (!more)
			return; /* the worker goes on reading a segment that rests */
		o->died = more;
		o->died_room = room;
	}
	o->died[o->died_count++] = (struct outbox_died){ key, *end };
}

void outbox_part(struct outbox *o, const char *name, uint32_t status, const char *reason)
{
	struct link_part part = { .status = status };
	uint32_t i = 0;

	snprintf(part.name, sizeof(part.name), "%s", name);
	snprintf(part.reason, sizeof(part.reason), "%s", reason);
	while (i < o->part_count && strcmp(o->parts[i].name, part.name) != 0)
		i++;
	if (i == OUTBOX_PARTS)
		return;
	if (i < o->part_count && o->parts[i].status == status &&
	    strcmp(o->parts[i].reason, part.reason) == 0)
		return;
	if (i == o->part_count)
		o->part_count++;
	o->parts[i] = part;
	o->part_sent[i] = 0;
}

void outbox_facility(struct outbox *o, const struct facility *facility)
{
	uint32_t i = 0;

	while (i < o->facility_count && (strcmp(o->facilities[i].set, facility->set) != 0 ||
					 strcmp(o->facilities[i].name, facility->name) != 0))
		i++;
	if (i == OUTBOX_FACILITIES ||
	    (i < o->facility_count && memcmp(&o->facilities[i], facility, sizeof(*facility)) == 0))
		return;
	if (i == o->facility_count)
		o->facility_count++;
	o->facilities[i] = *facility;
	o->facility_sent[i] = 0;
}

static int outbox_send_facilities(struct outbox *o)
{
	struct link_message message = { .kind = LINK_FACILITY };
	int result = 0;

	for (uint32_t i = 0; i < o->facility_count && result == 0; i++) {
		if (o->facility_sent[i] == o->worker)
			continue;
		message.facility = o->facilities[i];
		result = link_send(o->link, &message, -1);
		if (result == 0)
			o->facility_sent[i] = o->worker;
	}
	return result;
}

static int outbox_send_parts(struct outbox *o)
{
	struct link_message message = { .kind = LINK_PART };
	int result = 0;

	for (uint32_t i = 0; i < o->part_count && result == 0; i++) {
		if (o->part_sent[i] == o->worker)
			continue;
		message.part = o->parts[i];
		result = link_send(o->link, &message, -1);
		if (result == 0)
			o->part_sent[i] = o->worker;
	}
	return result;
}

static int outbox_send_targets(struct outbox *o, struct finder *f)
{
	struct link_message message = { 0 };
	int result = 0;

	for (uint32_t i = 0; i < finder_size(f) && result == 0; i++) {
		struct finder_target *t = finder_at(f, i);

		if (t->sent == o->worker)
			continue;
		message.kind = t->fd >= 0 ? LINK_TARGET : LINK_ATTACHED;
		message.target = t->target;
		result = link_send(o->link, &message, t->fd);
		if (result == 0)
			t->sent = o->worker;
	}
	return result;
}

/* After the targets: whose it is has to be known. */
static int outbox_send_kins(const struct outbox *o, struct finder *f)
{
	struct link_message message = { .kind = LINK_KIN };
	int result = 0;

	for (uint32_t i = 0; i < finder_size(f) && result == 0; i++) {
		struct finder_target *t = finder_at(f, i);

		if (t->kin.fd < 0 || t->kin.sent == o->worker)
			continue;
		message.key = t->target.key;
		result = link_send(o->link, &message, t->kin.fd);
		if (result == 0)
			t->kin.sent = o->worker;
	}
	return result;
}

static int outbox_send_died(struct outbox *o)
{
	struct link_message message = { .kind = LINK_DIED };
	uint32_t done = 0;
	int result = 0;

	while (done < o->died_count) {
		message.key = o->died[done].key;
		message.end = o->died[done].end;
		result = link_send(o->link, &message, -1);
		if (result)
			break;
		done++;
	}
	o->died_count -= done;
	if (done && o->died_count)
		memmove(o->died, o->died + done, o->died_count * sizeof(*o->died));
	return result;
}

static int outbox_send_complete(struct outbox *o)
{
	struct link_message message = { .kind = LINK_COMPLETE };
	int result;

	if (!o->complete || o->complete_sent == o->worker)
		return 0;
	memcpy(message.part.reason, o->unready, sizeof(o->unready));
	result = link_send(o->link, &message, -1);
	if (result == 0)
		o->complete_sent = o->worker;
	return result;
}

int outbox_flush(struct outbox *o, struct finder *f)
{
	int result;

	if (o->worker == 0)
		return 0;
	result = outbox_send_parts(o);
	if (result == 0)
		result = outbox_send_facilities(o);
	if (result == 0)
		result = outbox_send_targets(o, f);
	if (result == 0)
		result = outbox_send_kins(o, f);
	if (result == 0)
		result = outbox_send_died(o);
	if (result == 0)
		result = outbox_send_complete(o);
	return result;
}
