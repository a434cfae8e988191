/*
 * file - all bytes of a descriptor, in as many calls as that takes.
 *
 * Threads:  any.
 * Memory:   the caller's.
 * Errors:   -errno of the call that failed; one that a signal cut short is made again.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Up to size bytes: fewer only where it ends. How many. */
ssize_t file_read(int fd, void *out, size_t size);                   /* from where it stands */
ssize_t file_read_at(int fd, void *out, size_t size, uint64_t from); /* of a file */

/* Is all of that there? */
bool file_has(int fd, void *out, size_t size, uint64_t from);

/* Can nobody have written it but root, or who we are? */
bool file_is_ours(int fd);

int file_write(int fd, const void *bytes, size_t size);

#endif
