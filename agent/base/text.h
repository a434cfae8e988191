/*
 * text - canonical names, spans and sizes as people write them, and the nearest of some names.
 *
 * Threads:  any.
 * Memory:   none; everything goes to the caller's buffers.
 * Errors:   -EINVAL: not such a thing; -ERANGE: too large to be told.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * The one form that captured names take (<ringside/canonical.h>), cut to fit size with its NUL.
 * Returns the length.
 */
size_t text_canonical(const void *bytes, size_t length, char *out, size_t size);

/* As text_canonical, but blanks stay: of commands and statements. */
size_t text_words(const void *bytes, size_t length, char *out, size_t size);

/* A value in the query of a URL: all but letters, digits and -._~ become %XX; cut as above. */
size_t text_query(const char *text, char *out, size_t size);

int text_span_ns(const char *text, uint64_t *ns); /* "250ms", "30s", "1.5h"; a unit is needed */
int text_size_bytes(const char *text, uint64_t *bytes); /* "64MiB", "1k", "512" */

/* Is text this snake_case name, or its camelCase twin? */
bool text_is_name(const char *name, const char *text);

/* How many single edits lie between two names; swapped neighbours count one. */
size_t text_distance(const char *a, const char *b);

/* Is all of text what the pattern says? * any bytes, ? one byte, \ takes the next as it is. */
bool text_glob(const char *pattern, const char *text);

/* "127.0.0.1:9977", "[::1]:80", "localhost:80" (as 127.0.0.1). */
int text_address(const char *text, struct sockaddr_storage *out, socklen_t *length);

/* Is all of text one of the numbers that strtod reads, finite? */
int text_number(const char *text, double *out);

#endif
