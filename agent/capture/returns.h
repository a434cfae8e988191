/*
 * returns - may return probes be set in any process on this kernel?
 *
 * Threads:  one: it forks, twice at most, for a moment.
 * Memory:   none.
 * Errors:   what cannot be found out is not safe.
 * From 6.11 on a returning function of a probed process makes a system call of the kernel's own
 * (uretprobe, x86-64); until that was mended, a filter of system calls that does not know it ends
 * the process. Found out by making the call in a child that filters it, where it must not be seen.
 */
#ifndef CAPTURE_RETURNS_H
#define CAPTURE_RETURNS_H

#include <stdbool.h>

bool returns_are_safe(void);

#endif
