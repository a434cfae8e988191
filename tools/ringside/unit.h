/*
 * unit - a systemd service: its name, its files, and the drop-in that `ringside enable` writes.
 *
 * Threads:  one.
 * Memory:   the caller's.
 * Errors:   0 or -errno with a sentence. -EINVAL: no name of a service; -ENOENT: no such unit.
 */
#ifndef RINGSIDE_UNIT_H
#define RINGSIDE_UNIT_H

#include "unitfile.h"

#define UNIT_NAME 256
#define UNIT_PATH 4096
#define UNIT_DROPIN "50-ringside.conf"

struct unit_error {
	char text[UNIT_PATH + 2 * UNIT_NAME];
};

struct unit {
	char name[UNIT_NAME];     /* with its ending */
	char fragment[UNIT_PATH]; /* its file */
	struct unitfile settings; /* of all files that come before our drop-in */
	char override[UNIT_PATH]; /* a file that sets LD_PRELOAD behind ours; "": none */
};

/* ".service" is added. root: "" for the running system, or a folder that stands for "/". */
int unit_open(struct unit *u, const char *root, const char *name, struct unit_error *error);

/* Of the drop-in. */
void unit_dropin_path(const struct unit *u, const char *root, char out[UNIT_PATH]);

struct unit_dropin {
	const char *library; /* goes in front of what the unit preloads already */
	const char *run_dir; /* NULL: the default */
	const char *service; /* NULL: the unit's own name */
};

/* The file's text, freed by the caller; NULL: out of memory. */
char *unit_dropin_text(const struct unit *u, const struct unit_dropin *d);

/* Is a file's text what unit_dropin_text gives, with whatever library and names? */
bool unit_dropin_ours(const char *text);

#endif
