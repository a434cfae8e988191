/*
 * secret - a password or key in a file of its own, read by who may, for who may not.
 *
 * Threads:  any.
 * Memory:   the caller's, who wipes it.
 * Errors:   -errno: the file cannot be read; -EPERM: others than root and we may have written it;
 *           -ENODATA: it is empty; -EFBIG: its line finds no room.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

#define SECRET_TEXT 256
#define SECRET_FAULT 256

/* As it is handed on: a text, or why there is none; both "": none is configured. */
struct secret {
	char text[SECRET_TEXT];
	char fault[SECRET_FAULT];
};

/* The file's first line. A file that everybody can read is used, and that is logged. */
int secret_read(const char *path, char *out, size_t size);
const char *secret_error_text(int error);

/* path "" or "none": none is configured. key: by which it is, for the fault. */
void secret_load(struct secret *out, const char *key, const char *path);

#endif
