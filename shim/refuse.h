/*
 * refuse - files that say: not this process. Read once, in the constructor.
 *
 * Threads:  one, before there are others.
 * Memory:   three pages of its own, touched only where there is a file to read.
 * Errors:   a file that is there and cannot be read as a list silences us; where there is no /proc
 *           only a claim is a name.
 * Cost:     one system call where there is no file; some ten more where there is one that names
 *           somebody, and seven an ancestor for code of an interpreter that has no name.
 */
#ifndef SHIM_REFUSE_H
#define SHIM_REFUSE_H

#include "home.h"

#include <stdbool.h>

/* By claims->run_dir; who has no service there goes by the name that the agent would give it. */
bool refuse_off(const struct home_claims *claims);

/*
 * preload: LD_PRELOAD; NULL: not set. Where that does not name us we are in every process of the
 * machine (/etc/ld.so.preload), and only those that the list at path allows are watched.
 */
bool refuse_everywhere(const char *preload, const char *path, const struct home_claims *claims);

#endif
