#include "names.h"

#include <string.h>

static struct names_row *names_find(struct names *n, const char *text)
{
	uint32_t count = atomic_load_explicit(&n->count, memory_order_relaxed);
	struct names_row *row = &n->rows[count];

	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(n->rows[i].text, text))
			return &n->rows[i];
	if (count == NAMES_MOST)
		return NULL;
	memcpy(row->text, text, sizeof(row->text));
	/* A: release puts the name ahead of its place in the list; pairs with metrics_names' B. */
	atomic_store_explicit(&n->count, count + 1, memory_order_release);
	return row;
}

void names_add(struct names *n, const uint8_t *name, uint32_t bytes)
{
	char text[HOST_BYTES + 1] = "";
	size_t length = host_canonical(name, bytes, (uint8_t *)text);
	struct names_row *row;

	text[length] = '\0';
	row = length ? names_find(n, text) : NULL;
	atomic_fetch_add_explicit(row ? &row->count : &n->other, 1, memory_order_relaxed);
}
