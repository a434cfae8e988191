/*
 * runtime_files - the files of runtimes that targets run on: looked into once, attached while used.
 *
 * Threads:  the broker's only one.
 * Memory:   a value; runtime_files_fini detaches and closes. The map of targets is borrowed.
 * Errors:   none but where said: how a file stands is in its why.
 */
#ifndef AGENT_RUNTIME_FILES_H
#define AGENT_RUNTIME_FILES_H

#include "pauses.h"
#include "places.h"

#define RUNTIME_FILES 32u

struct runtime_file {
	uint64_t device, inode;
	int fd;         /* held, so that its number is not given anew */
	uint32_t users; /* 0: the place is free */
	uint32_t why;   /* enum runtime_why; RUNTIME_UNKNOWN: it is being looked into */
	enum runtime runtime;
	uint64_t again_ns; /* when it is attached again; 0: it is, or never */
	struct sites sites;
	struct pauses_links links;
};

struct runtime_files {
	struct runtime_file at[RUNTIME_FILES];
	int targets;           /* the map of targets, or a negative errno */
	struct pauses *pauses; /* NULL: no file is attached */
	struct places asking;
	uint32_t about;       /* which file */
	int refused;          /* why the programs were, negative; it is not tried again */
	int errors[RUNTIMES]; /* of the last file of each that was refused, negative */
	bool asked, returns;  /* whether return probes are safe was found out: they are */
};

void runtime_files_init(struct runtime_files *f, int targets);
void runtime_files_fini(struct runtime_files *f);

/* One more user of this file: its place. -ENOSPC: there are too many, -errno. fd is borrowed. */
int runtime_files_get(struct runtime_files *f, int fd, enum runtime runtime);
void runtime_files_put(struct runtime_files *f, uint32_t i); /* the last one detaches */

void runtime_files_again(struct runtime_files *f); /* all that was attached is gone */
void runtime_files_step(struct runtime_files *f, uint64_t now_ns);
bool runtime_files_attached(const struct runtime_files *f, enum runtime runtime);

#endif
