/*
 * sites - where in a runtime's file its probes stand: by its notes (stapsdt), or functions by name.
 *
 * Threads:  one, in a locked-down child: files are hostile.
 * Memory:   the caller's, taken before: nothing is allocated here.
 * Errors:   told as enum runtime_why.
 */
#ifndef PROFILE_SITES_H
#define PROFILE_SITES_H

#include "image.h"
#include "probe_site.h"
#include "runtime.h"

void sites_read(struct image *file, enum runtime runtime, struct sites *out);

/* What another process claims to have found of it, RUNTIME_NONE: of TLS: may it be acted on? */
bool sites_are_sane(const struct sites *s, enum runtime of);

#endif
