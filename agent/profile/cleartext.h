/*
 * cleartext - where in a file the functions are through which plain text passes into TLS and out.
 *
 * Threads:  one, in a locked-down child: files are hostile. code_open comes first: without it there
 *           are no sites in what Go made.
 * Memory:   the caller's, taken before.
 * Errors:   told as enum runtime_why.
 */
#ifndef PROFILE_CLEARTEXT_H
#define PROFILE_CLEARTEXT_H

#include "image.h"
#include "probe_site.h"

void cleartext_read(struct image *file, struct sites *out);

#endif
