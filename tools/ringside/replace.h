/*
 * replace - a file of the system gets new contents, whole or not at all.
 *
 * Threads:  one.
 * Memory:   replace_read allocates, the caller frees.
 * Errors:   0 or -errno. What fails leaves the old file as it was.
 */
#ifndef RINGSIDE_REPLACE_H
#define RINGSIDE_REPLACE_H

#include <stddef.h>

#define REPLACE_READ_MAX (1u << 20)

/*
 * Its folders are made. A file that is there keeps its mode and owner, a new one is 0644. A
 * symbolic link keeps pointing: the file behind it is replaced.
 */
int replace_file(const char *path, const char *text);

/*
 * Who reads a file to replace it holds it meanwhile: of two that do not, one's line would be lost.
 * Waits for others, by a file beside it (its name and ".lock", of the folder's owner) that stays.
 * Folders are made. >= 0: for replace_release; -errno.
 */
int replace_hold(const char *path);
void replace_release(int hold); /* a negative one is fine */

/* NUL-terminated. *out NULL with 0: there is no such file. -EINVAL: no plain file; -EFBIG. */
int replace_read(const char *path, char **out);

/* Removes it, and its folder where that is empty then. 0 too where there is none. */
int replace_remove(const char *path);

#endif
