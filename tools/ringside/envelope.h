/*
 * envelope - what the agent answered, taken out of its envelope: its values by name.
 *
 * Threads:  one.
 * Memory:   envelope_open allocates, envelope_close frees; nodes and texts are borrowed from it.
 * Errors:   envelope_open: -EPROTO no envelope, -EREMOTEIO a failure, in the agent's own words.
 *           A value that is absent, null or of another type is NULL, NAN or 0 items.
 */
#ifndef RINGSIDE_ENVELOPE_H
#define RINGSIDE_ENVELOPE_H

#include <stddef.h>

struct envelope;      /* the whole */
struct envelope_node; /* a value in it */

struct envelope_error {
	char text[512];
};

int envelope_open(struct envelope **out, const char *bytes, size_t length,
		  struct envelope_error *error);
void envelope_close(struct envelope *r); /* NULL is allowed */

const struct envelope_node *envelope_data(const struct envelope *r);
/* All of them take a NULL node, which has nothing. */
const struct envelope_node *envelope_member(const struct envelope_node *node, const char *name);
size_t envelope_size(const struct envelope_node *list);
const struct envelope_node *envelope_at(const struct envelope_node *list, size_t index);
const char *envelope_text(const struct envelope_node *node, const char *name);
double envelope_number(const struct envelope_node *node, const char *name);
/* Of all numbers in the object of that name; NAN: there is none. */
double envelope_sum(const struct envelope_node *node, const char *name);

#endif
