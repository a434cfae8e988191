#include "paths.h"

#include "text.h"

#include <stdlib.h>

#define PATHS_FIRST 64u

void paths_fini(struct paths *p)
{
	free(p->all);
}

static uint16_t paths_fresh(struct paths *p)
{
	uint32_t room = p->room ? 2 * p->room : PATHS_FIRST;
	struct path *all;

	if (p->free) {
		uint16_t number = p->free;

		p->free = p->all[number].next;
		return number;
	}
	if (p->count == 0)
		p->count = 1; /* 0 is none */
	if (p->count >= PATHS_MOST)
		return 0;
	if (p->count >= p->room) {
		all = realloc(p->all, room * sizeof(*all));
		if (!all)
			return 0;
		p->all = all;
		p->room = room;
	}
	return (uint16_t)p->count++;
}

uint16_t paths_add(struct paths *p, uint16_t *list, const uint8_t *text, size_t bytes)
{
	uint16_t number = paths_fresh(p);
	struct path *path;

	if (!number)
		return 0;
	path = &p->all[number];
	text_canonical(text, bytes, path->text, sizeof(path->text));
	path->next = *list;
	*list = number;
	return number;
}

const char *paths_take(struct paths *p, uint16_t *list, uint16_t number)
{
	uint16_t *at = list;

	while (*at && *at != number)
		at = &p->all[*at].next;
	if (!*at)
		return "";
	*at = p->all[number].next;
	p->all[number].next = p->free;
	p->free = number;
	return p->all[number].text;
}

void paths_drop(struct paths *p, uint16_t *list)
{
	while (*list)
		paths_take(p, list, *list);
}
