/*
 * table - rows of cells, printed in columns as wide as what is in them.
 *
 * Threads:  one.
 * Memory:   table_init takes none; cells are copied; table_fini frees.
 * Errors:   out of memory is kept inside and told by table_print: -ENOMEM.
 * A byte that a terminal could take for a command is printed as '?'.
 */
#ifndef RINGSIDE_TABLE_H
#define RINGSIDE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS 16

struct table_column {
	const char *title;
	bool right; /* numbers stand to the right */
};

struct table {
	const struct table_column *columns;
	size_t width; /* how many columns */
	char **cells;
	size_t count, room;
	bool failed;
};

void table_init(struct table *t, const struct table_column *columns, size_t width);
void table_fini(struct table *t);

void table_text(struct table *t, const char *text); /* the next cell; NULL: unknown, "-" */
/* NAN: unknown. */
void table_number(struct table *t, double value, int digits);
void table_bytes(struct table *t, double bytes); /* "12.3M" */

int table_print(const struct table *t, FILE *out);

#endif
