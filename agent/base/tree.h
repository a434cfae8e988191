/*
 * tree - a JSON document that somebody wrote, its values by name.
 *
 * Threads:  any; one document by one thread at a time.
 * Memory:   tree_open allocates, tree_close frees the root; all other nodes are borrowed from it.
 * Errors:   -EINVAL with the line and the reason; -ENOMEM. A node may be NULL: it has nothing.
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct tree; /* a value */

struct tree_error {
	int line;
	char text[200];
};

enum tree_kind {
	TREE_ABSENT,
	TREE_NULL,
	TREE_BOOL,
	TREE_NUMBER,
	TREE_TEXT,
	TREE_LIST,
	TREE_OBJECT
};

int tree_open(struct tree **out, const char *bytes, size_t length, struct tree_error *error);
/* The same, but texts may hold NULs, for who reads them by tree_text_bytes, and whole numbers may
 * have any length: they are numbers like others. */
int tree_open_any(struct tree **out, const char *bytes, size_t length, struct tree_error *error);
void tree_close(struct tree *root); /* NULL is allowed */

enum tree_kind tree_kind(const struct tree *node);
const struct tree *tree_member(const struct tree *object, const char *name);

/* The member behind the one called *name (NULL: the first), and its name; NULL: no more. */
const struct tree *tree_next(const struct tree *object, const char **name);
size_t tree_size(const struct tree *list); /* 0: it is none */
const struct tree *tree_at(const struct tree *list, size_t index);

const char *tree_text(const struct tree *node); /* NULL: it is none */
const char *tree_text_bytes(const struct tree *node, size_t *length);
double tree_number(const struct tree *node); /* NAN: it is none */
bool tree_true(const struct tree *node);

/*
 * The value of a member as it was written, within the bytes that the root was read from: numbers
 * and blanks are as they came. NULL: there is none.
 */
const char *tree_member_bytes(const struct tree *root, const char *name, const char *bytes,
			      size_t *length);

#endif
