/*
 * reply - what the agent answered: the envelope taken off, its values by name.
 *
 * Threads:  one.
 * Memory:   reply_open allocates, reply_close frees; nodes and texts are borrowed from it.
 * Errors:   reply_open: -EPROTO no envelope, -EREMOTEIO a failure, with the agent's own sentence.
 *           A value that is absent, null or of another type is NULL, NAN or 0 items.
 */
#ifndef RINGSIDE_REPLY_H
#define RINGSIDE_REPLY_H

#include <stddef.h>

struct reply;      /* the whole */
struct reply_node; /* a value in it */

struct reply_error {
	char text[512];
};

int reply_open(struct reply **out, const char *bytes, size_t length, struct reply_error *error);
void reply_close(struct reply *r); /* NULL is allowed */

const struct reply_node *reply_data(const struct reply *r);
/* All of them take a NULL node, which has nothing. */
const struct reply_node *reply_member(const struct reply_node *node, const char *name);
size_t reply_size(const struct reply_node *list);
const struct reply_node *reply_at(const struct reply_node *list, size_t index);
const char *reply_text(const struct reply_node *node, const char *name);
double reply_number(const struct reply_node *node, const char *name);
/* Of all numbers in the object of that name; NAN: there is none. */
double reply_sum(const struct reply_node *node, const char *name);

#endif
