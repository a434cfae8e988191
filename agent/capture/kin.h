/*
 * kin - which of a process's mappings is the segment that it shares with its children (segment.h).
 *
 * Threads:  the broker's only one.
 * Memory:   kin_fini closes what kin_find opened.
 * Errors:   none: a mapping that cannot be it is passed over, as each child has its parent's too.
 */
#ifndef CAPTURE_KIN_H
#define CAPTURE_KIN_H

#include "accept.h"
#include "proc.h"

#include <stdbool.h>

struct kin {
	int fd; /* -1: none */
	uint64_t inode;
	uint32_t sent; /* the broker's own: to the how-manieth worker it was sent */
};

void kin_init(struct kin *k);
void kin_fini(struct kin *k);

/* own_pid: what its process calls itself, which is whose it must be. False: it has none. */
bool kin_find(struct kin *k, const struct accept *a, int32_t pid, const struct proc_maps *maps,
	      uint32_t own_pid);

#endif
