/*
 * attach - which processes are watched without the shim: those that somebody named, and by rules.
 *
 * Threads:  the broker's only one; attach_line anywhere.
 * Memory:   attach_open allocates, attach_close frees; admit is borrowed.
 * Errors:   0 or -errno; a file that is no list names nobody.
 * The file `attach` of the run directory is a list (<ringside/list.h>) that `ringside attach`
 * writes; a process goes by two more names in it: attach_line, and ":PORT" while it listens there.
 */
#ifndef CAPTURE_ATTACH_H
#define CAPTURE_ATTACH_H

#include "admit.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTACH_FILE "attach"
#define ATTACH_LINE 48u

struct attach;

int attach_open(struct attach **out, const char *run_dir, const struct admit *admit);
void attach_close(struct attach *a); /* NULL is fine */

/*
 * Readable once the file may have changed, until attach_changed; -1: the kernel tells nothing here,
 * it has to be read now and then.
 */
int attach_fd(const struct attach *a);
bool attach_changed(struct attach *a); /* reads the file again */
bool attach_any(const struct attach *a);
bool attach_by_port(const struct attach *a); /* may it want one only once that listens? */
bool attach_wants(const struct attach *a, struct capture_target *target);

/* What one process is called in the file: its pid alone would be given anew. */
void attach_line(int32_t pid, uint64_t start_ticks, char out[ATTACH_LINE]);

/* The port that a line of this length names; 0: it names none. */
uint16_t attach_port(const char *line, size_t length);

#endif
