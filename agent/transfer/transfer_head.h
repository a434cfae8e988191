/*
 * transfer_head - what stands in the head of an answer, as a GET has kept it: lines, each with its
 *                 '\n'.
 *
 * Threads:  any; pure.
 * Memory:   none; what is found is borrowed from the head.
 * Errors:   none.
 */
#ifndef TRANSFER_HEAD_H
#define TRANSFER_HEAD_H

#include <stddef.h>

/*
 * The value of the first header of this name behind *from (NULL: of the first), no NUL at its end,
 * no blanks around it; *from is behind it then. NULL: there is none. head: NULL is none.
 */
const char *transfer_head_find(const char *head, const char *name, const char **from,
			       size_t *length);

#endif
