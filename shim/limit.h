/*
 * limit - would a segment hurt this process?
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   what cannot be read counts as a no.
 * Cost:     two system calls; five under a limit of the address space.
 */
#ifndef SHIM_LIMIT_H
#define SHIM_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * RLIMIT_FSIZE below bytes: ftruncate would raise SIGXFSZ. Less than 64 MiB left of RLIMIT_AS: the
 * host would see its own allocations fail earlier than without us.
 */
bool limit_allow(uint64_t bytes);

#endif
