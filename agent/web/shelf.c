#include "shelf.h"

#include <stdlib.h>
#include <string.h>

void shelf_fini(struct shelf *s)
{
	for (unsigned int i = 0; s->places && i < SHELF_PLACES; i++)
		body_put(s->places[i].body);
	free(s->places);
	s->places = NULL;
}

struct body *shelf_find(struct shelf *s, const char *key, uint64_t generation, uint64_t now_ns)
{
	for (unsigned int i = 0; s->places && i < SHELF_PLACES; i++) {
		struct shelf_place *place = &s->places[i];

		if (place->body && place->generation == generation &&
		    now_ns - place->made_ns < SHELF_FRESH_NS && !strcmp(place->key, key))
			return body_get(place->body);
	}
	return NULL;
}

static size_t shelf_size(const struct shelf_place *place)
{
	return place->body ? place->body->length + place->body->gzip_length : 0;
}

static void shelf_clear(struct shelf_place *place)
{
	body_put(place->body);
	place->body = NULL;
	place->made_ns = 0;
}

static struct shelf_place *shelf_oldest(struct shelf *s)
{
	struct shelf_place *oldest = NULL;

	for (unsigned int i = 0; i < SHELF_PLACES; i++) {
		struct shelf_place *place = &s->places[i];

		if (place->body && (!oldest || place->made_ns < oldest->made_ns))
			oldest = place;
	}
	return oldest;
}

/* A place for one more body of that size: its own old one, a free one, or the oldest. */
static struct shelf_place *shelf_room(struct shelf *s, const char *key, size_t size)
{
	struct shelf_place *room = NULL, *oldest;
	size_t used = size;

	for (unsigned int i = 0; i < SHELF_PLACES; i++) {
		struct shelf_place *place = &s->places[i];

		if (place->body && !strcmp(place->key, key))
			shelf_clear(place);
		used += shelf_size(place);
		if (!place->body)
			room = place;
	}
	while ((!room || used > SHELF_BYTES) && (oldest = shelf_oldest(s))) {
		used -= shelf_size(oldest);
		shelf_clear(oldest);
		room = oldest;
	}
	return room;
}

void shelf_keep(struct shelf *s, const char *key, struct body *body, uint64_t generation,
		uint64_t now_ns)
{
	struct shelf_place *place;

	/* Twice its length: it may be compressed while it stands here. */
	if (strlen(key) >= SHELF_KEY || body->length * 2 > SHELF_BYTES)
		return;
	if (!s->places)
		s->places = calloc(SHELF_PLACES, sizeof(*s->places));
	if (!s->places)
		return; /* rendered again next time */
	place = shelf_room(s, key, body->length * 2);
	memcpy(place->key, key, strlen(key) + 1);
	place->body = body_get(body);
	place->generation = generation;
	place->made_ns = now_ns;
}
