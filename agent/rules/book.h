/*
 * book - the rules in force: the shipped ones, and those of files over them, by name.
 *
 * Threads:  made by one; read by any once it is made.
 * Memory:   book_read allocates, book_close frees.
 * Errors:   -EINVAL with findings: no book at all; -ENOMEM.
 */
#ifndef RULES_BOOK_H
#define RULES_BOOK_H

#include "bundle.h"
#include "findings.h"
#include "spec.h"

#define BOOK_RULES 1000

struct book {
	struct spec *specs;
	size_t count, room;
};

struct reader_list;

/* What stands over the shipped rules; a list is read behind the files of a bundle. */
struct book_sources {
	struct bundle *bundle;          /* NULL: none */
	const struct reader_list *list; /* NULL: none */
};

int book_read_all(struct book **out, const struct spec_defaults *defaults,
		  const struct book_sources *sources, struct findings *findings);

/* bundle: NULL, the shipped ones alone. */
int book_read(struct book **out, const struct spec_defaults *defaults, struct bundle *bundle,
	      struct findings *findings);
void book_close(struct book *b); /* NULL is allowed */

bool book_is_shipped(const struct spec *spec);
const struct spec *book_find(const struct book *b, const char *name); /* NULL: there is none */
const char *book_nearest(const struct book *b, const char *name);     /* NULL: none is near */

#endif
