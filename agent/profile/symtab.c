#include "symtab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int symtab_grow(void **at, size_t wanted, size_t *room, size_t unit)
{
	size_t more = *room ? *room : 4096;
	void *grown;

	while (more < wanted)
		more *= 2;
	if (more == *room)
		return 0;
	grown = realloc(*at, more * unit);
	if (!grown)
		return -ENOMEM;
	*at = grown;
	*room = more;
	return 0;
}

int symtab_add(struct symtab *t, const struct symtab_entry *entry, const char *name, size_t length)
{
	size_t room = t->room;
	void *at = t->entries;
	int result;

	if (t->count == SYMTAB_ENTRIES || length >= SYMTAB_TEXT - t->text_length)
		return -E2BIG;
	result = symtab_grow(&at, (size_t)t->count + 1, &room, sizeof(*t->entries));
	t->entries = at;
	t->room = (uint32_t)room;
	if (result)
		return result;
	at = t->text;
	result = symtab_grow(&at, t->text_length + length + 1, &t->text_room, 1);
	t->text = at;
	if (result)
		return result;
	t->entries[t->count] = *entry;
	t->entries[t->count++].name = (uint32_t)t->text_length;
	memcpy(t->text + t->text_length, name, length);
	t->text[t->text_length + length] = '\0';
	t->text_length += length + 1;
	return 0;
}

/* Of two at one address the one with a size, then the one that came first, is last: it is found. */
static int symtab_order(const void *left, const void *right)
{
	const struct symtab_entry *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (!a->size != !b->size)
		return a->size ? 1 : -1;
	return (b->name > a->name) - (b->name < a->name);
}

void symtab_sort(struct symtab *t)
{
	if (t->count)
		qsort(t->entries, t->count, sizeof(*t->entries), symtab_order);
}

const char *symtab_find(const struct symtab *t, uint64_t address)
{
	uint32_t low = 0, high = t->count;
	const struct symtab_entry *e;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->entries[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	e = &t->entries[low - 1];
	if (e->size && address - e->start >= e->size)
		return NULL;
	return t->text + e->name;
}

void symtab_fini(struct symtab *t)
{
	free(t->entries);
	free(t->text);
	memset(t, 0, sizeof(*t));
}

/* A hexadecimal number and the blank behind it; moves *at. */
static bool symtab_hex(const char **at, const char *end, uint64_t *out)
{
	const char *p = *at;

	*out = 0;
	if (end - p > 2 && p[0] == '0' && p[1] == 'x')
		p += 2;
	for (; p < end && *p != ' '; p++) {
		unsigned int digit = (unsigned char)*p | 0x20u;

		if (digit >= '0' && digit <= '9')
			digit -= '0';
		else if (digit >= 'a' && digit <= 'f')
			digit -= 'a' - 10;
		else
			return false;
		if (*out >> 60)
			return false;
		*out = *out << 4 | digit;
	}
	if (p == *at || p == end)
		return false;
	*at = p + 1;
	return true;
}

static int symtab_kernel_line(struct symtab *t, const char *at, const char *end)
{
	struct symtab_entry entry = { 0 };
	const char *blank;

	if (!symtab_hex(&at, end, &entry.start) || !entry.start || end - at < 3 ||
	    !strchr("tTwW", at[0]) || at[1] != ' ')
		return 0;
	at += 2;
	blank = memchr(at, '\t', (size_t)(end - at));
	return symtab_add(t, &entry, at, (size_t)((blank ? blank : end) - at));
}

static int symtab_perf_line(struct symtab *t, const char *at, const char *end)
{
	struct symtab_entry entry = { 0 };

	if (!symtab_hex(&at, end, &entry.start) || !symtab_hex(&at, end, &entry.size) ||
	    !entry.size || at == end)
		return 0;
	return symtab_add(t, &entry, at, (size_t)(end - at));
}

static int symtab_lines(struct symtab *t, const char *text, size_t length,
			int (*line)(struct symtab *t, const char *at, const char *end))
{
	const char *end = text + length;
	int result = 0;

	while (text < end && !result) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		if (!stop)
			stop = end;
		result = line(t, text, stop);
		text = stop + 1;
	}
	return result;
}

int symtab_kernel(struct symtab *t, const char *text, size_t length)
{
	return symtab_lines(t, text, length, symtab_kernel_line);
}

int symtab_perf(struct symtab *t, const char *text, size_t length)
{
	return symtab_lines(t, text, length, symtab_perf_line);
}
