/*
 * list - one of the files of <ringside/list.h>, read as the shim reads it.
 *
 * Threads:  any.
 * Memory:   a value of some 4 KiB.
 * Errors:   list_read: 0; -ENOENT: there is no such file, which is no list.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <ringside/list.h>

struct list {
	char text[RS_LIST_BYTES + 1];
	size_t bytes;
	bool odd; /* it is there, and no list: unreadable, no file, too long */
};

int list_read(struct list *l, const char *path);

/* As the off file: does it silence this process? */
bool list_silences(const struct list *l, const char *service, const char *exe);

#endif
