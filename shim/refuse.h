/*
 * refuse - files that say: not this process. Read once, in the constructor.
 *
 * Threads:  one, before there are others.
 * Memory:   a page of its own, touched only where there is a file to read.
 * Errors:   a file that is there and cannot be read as a list silences us.
 * Cost:     one system call where there is no file; some five more where there is one.
 */
#ifndef SHIM_REFUSE_H
#define SHIM_REFUSE_H

#include <stdbool.h>

/* service: as the environment claims it; "": of the unit or the executable, as the agent has it */
bool refuse_off(const char *run_dir, const char *service);

/*
 * preload: LD_PRELOAD; NULL: not set. Where that does not name us we are in every process of the
 * machine (/etc/ld.so.preload), and only those that the list at path allows are watched.
 */
bool refuse_everywhere(const char *preload, const char *path, const char *service);

#endif
