/*
 * unitfile - the lines of a systemd unit's file that have to do with LD_PRELOAD. Pure.
 *
 * Threads:  any.
 * Memory:   the caller's.
 * Errors:   what is no setting is passed over, as systemd does; too long a value is cut.
 */
#ifndef RINGSIDE_UNITFILE_H
#define RINGSIDE_UNITFILE_H

#include <stdbool.h>
#include <stddef.h>

#define UNITFILE_VALUE 4096

/* What the files read so far add up to; all zero at first. */
struct unitfile {
	char preload[UNITFILE_VALUE]; /* LD_PRELOAD as written there, specifiers too; "": not set */
	char files[UNITFILE_VALUE];   /* EnvironmentFile=, a path a line */
	bool rooted;                  /* RootDirectory= or RootImage= */
	bool filtered;                /* SystemCallFilter= */
	bool told;                    /* this very file said something of LD_PRELOAD */
};

void unitfile_read(struct unitfile *u, const char *text);

/* The value of LD_PRELOAD in the text of an EnvironmentFile; false: it is not set there. */
bool unitfile_environment(const char *text);

/* path as a value in double quotes: specifiers and quotes escaped. The length, or 0: no room. */
size_t unitfile_quote(const char *path, char *out, size_t size);

#endif
