/*
 * snapshots - registers and stacks of one process, taken by the kernel while somebody unwinds them.
 *
 * Threads:  the broker's only one.
 * Memory:   snapshots_open loads and begins; snapshots_close ends, and gives all of it back.
 * Errors:   0 or -errno.
 * The bytes of a stack may be secrets: they are in the slots alone, which the broker never maps.
 */
#ifndef CAPTURE_SNAPSHOTS_H
#define CAPTURE_SNAPSHOTS_H

#include <stdint.h>

#define SNAPSHOTS_HZ 99u

struct snapshots;

int snapshots_open(struct snapshots **out, int32_t pid);
void snapshots_close(struct snapshots *s); /* NULL is fine */

/* Each second: sets the clocks anew where CPUs have come or gone; 0, or -errno: they stand. */
int snapshots_second(struct snapshots *s);

int snapshots_slots(const struct snapshots *s); /* their descriptor, its own */

#endif
