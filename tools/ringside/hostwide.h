/*
 * hostwide - /etc/ld.so.preload gains and loses the library; all else in it stays.
 *
 * Threads:  one.
 * Memory:   the caller's.
 * Errors:   0 or -errno with a sentence.
 */
#ifndef RINGSIDE_HOSTWIDE_H
#define RINGSIDE_HOSTWIDE_H

#include <stdbool.h>
#include <stddef.h>

#define HOSTWIDE_FILE "/etc/ld.so.preload"
#define HOSTWIDE_PATH 4096

struct hostwide_error {
	char text[HOSTWIDE_PATH + 256];
};

/*
 * What is written for a library: $LIB in the place of its last folders where the loader would put
 * the same there, so that programs of 32 bits look for one of theirs.
 */
void hostwide_entry(const char *library, char out[HOSTWIDE_PATH]);

/*
 * Do programs of 32 bits run under root, and is there no library for them? Then each of them says
 * on standard error that it could not be preloaded; missing: the path where it would be.
 */
bool hostwide_lacks_32(const char *root, const char *entry, char missing[HOSTWIDE_PATH]);

/* May only root change this file and the folders that lead to it, from below root on? */
int hostwide_trusted(const char *root, const char *library, struct hostwide_error *error);

/* *changed: it was not so before. */
int hostwide_put(const char *root, const char *entry, bool *changed, struct hostwide_error *error);
int hostwide_take(const char *root, bool *changed, struct hostwide_error *error);

/* text with entry in front, and without any entry of ours; freed by the caller. NULL: no memory. */
char *hostwide_text(const char *text, const char *entry);

/* Adds names to the list of what is allowed; -EINVAL: none is there, nor is one given. */
int hostwide_allow(const char *root, char **names, struct hostwide_error *error);

#endif
