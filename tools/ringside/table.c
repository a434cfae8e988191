#include "table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_FIRST 64

void table_init(struct table *t, const struct table_column *columns, size_t width)
{
	memset(t, 0, sizeof(*t));
	t->columns = columns;
	t->width = width < TABLE_COLUMNS ? width : TABLE_COLUMNS;
}

void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	memset(t, 0, sizeof(*t));
}

static bool table_grow(struct table *t)
{
	size_t room = t->room ? t->room * 2 : TABLE_FIRST;
	char **cells;

	if (t->count < t->room)
		return true;
	cells = realloc(t->cells, room * sizeof(*cells));
	if (!cells)
		return false;
	t->cells = cells;
	t->room = room;
	return true;
}

void table_text(struct table *t, const char *text)
{
	char *copy;

	if (t->failed)
		return;
	copy = strdup(text && *text ? text : "-");
	if (!copy || !table_grow(t)) {
		free(copy);
		t->failed = true;
		return;
	}
	for (char *c = copy; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	t->cells[t->count++] = copy;
}

void table_number(struct table *t, double value, int digits)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f", digits, value);
	table_text(t, isfinite(value) ? text : NULL);
}

void table_bytes(struct table *t, double bytes)
{
	static const char units[] = "BKMGTP";
	char text[64];
	int unit = 0;

	while (bytes >= 1024 && units[unit + 1]) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, sizeof(text), "%.*f%c", unit ? 1 : 0, bytes, units[unit]);
	table_text(t, isfinite(bytes) ? text : NULL);
}

static int table_column_width(const struct table *t, size_t column)
{
	size_t width = strlen(t->columns[column].title);

	for (size_t i = column; i < t->count; i += t->width) {
		size_t n = strlen(t->cells[i]);

		if (n > width)
			width = n;
	}
	return (int)width;
}

static void table_cell(const struct table *t, size_t column, int width, const char *text, FILE *out)
{
	bool last = column + 1 == t->width;

	if (t->columns[column].right)
		fprintf(out, "%*s", width, text);
	else
		fprintf(out, "%-*s", last ? 0 : width, text);
	fputs(last ? "\n" : "  ", out);
}

int table_print(const struct table *t, FILE *out)
{
	int widths[TABLE_COLUMNS];

	if (t->failed)
		return -ENOMEM;
	for (size_t i = 0; i < t->width; i++)
		widths[i] = table_column_width(t, i);
	for (size_t i = 0; i < t->width; i++)
		table_cell(t, i, widths[i], t->columns[i].title, out);
	for (size_t i = 0; i + t->width <= t->count; i += t->width)
		for (size_t k = 0; k < t->width; k++)
			table_cell(t, k, widths[k], t->cells[i + k], out);
	return 0;
}
